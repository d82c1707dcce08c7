"""Replays a clip in a process of its own and sets what was printed beside the clip's truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

__all__ = ["Person", "Printed", "matches", "people", "replay", "seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What one `checkout-age replay` left behind."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every line of stdout; a line that is no JSON fails here."""
        return [json.loads(line) for line in self.stdout.splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the truth file."""

    name: str
    role: str
    age: int
    track: list[dict[str, Any]]


def replay(
    clip: Path, *options: str, models: Path, prefix: Sequence[str] = (), **environment: str
) -> Printed:
    """Run the command; YuNet is found in `models`."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "edge", "replay", str(clip), *options],
        capture_output=True,
        env={**os.environ, "CHECKOUT_AGE_MODELS": str(models), **environment},
        timeout=300,
        check=False,
    )
    return Printed(code=done.returncode, stdout=done.stdout, stderr=done.stderr.decode())


def people(truth: dict[str, Any]) -> list[Person]:
    """Everybody in the truth file, visit by visit."""
    return [
        Person(name=one["id"], role=one["role"], age=one["age"], track=one["track"])
        for one in truth["people"]
    ]


def seconds(event: dict[str, Any], truth: dict[str, Any]) -> tuple[float, list[int]]:
    """Moment (seconds of the clip) and box of an age event's best crop."""
    at = datetime.fromisoformat(event["data"]["seen"]["at"])
    start = datetime.fromisoformat(truth["clip_start"])
    return (at - start).total_seconds(), event["data"]["seen"]["box_px"]


def matches(events: Sequence[dict[str, Any]], truth: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The age events of everybody of the truth: whoever's face was where and when the event's best crop was."""
    found: dict[str, list[dict[str, Any]]] = {one.name: [] for one in people(truth)}
    found["nobody"] = []
    for event in events:
        at_s, box_px = seconds(event, truth)
        offs = {one.name: off for one in people(truth) if (off := _off(one, at_s, box_px)) is not None}
        nearest = min(offs, key=lambda name: offs[name], default="nobody")
        found[nearest if offs and offs[nearest] < _NEAR_FACES else "nobody"].append(event)
    return found


_NEAR_FACES = 0.75
_EDGE_S = 0.6


def _off(one: Person, at_s: float, box_px: list[int]) -> float | None:
    """How far off a face is from where the truth has this person's, in widths of it; None where they are not there."""
    spots = sorted(one.track, key=lambda spot: abs(spot["t"] - at_s))[:2]
    if abs(spots[0]["t"] - at_s) > _EDGE_S:
        return None
    first, second = min(spots, key=lambda s: s["t"]), max(spots, key=lambda s: s["t"])
    span_s = second["t"] - first["t"]
    share = min(1.0, max(0.0, (at_s - first["t"]) / span_s)) if 0 < span_s <= 1.0 else 0.0
    x, y, w, h = (first[key] + share * (second[key] - first[key]) for key in "xywh")
    off_x, off_y = abs(x + w / 2 - box_px[0] - box_px[2] / 2), abs(y + h / 2 - box_px[1] - box_px[3] / 2)
    return float(max(off_x, off_y) / w)
