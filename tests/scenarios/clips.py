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
        at_s, (x, y, w, h) = seconds(event, truth)
        best, near = "nobody", 0.75
        for one in people(truth):
            for spot in one.track:
                if abs(spot["t"] - at_s) > 0.5:
                    continue
                off = max(
                    abs(spot["x"] + spot["w"] / 2 - x - w / 2), abs(spot["y"] + spot["h"] / 2 - y - h / 2)
                )
                if off / spot["w"] < near:
                    best, near = one.name, off / spot["w"]
        found[best].append(event)
    return found
