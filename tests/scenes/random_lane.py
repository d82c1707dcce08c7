"""A lane of chance: customers one after another or queueing, and everything that makes tracking hard.

Times, distances and mishaps are drawn from the ranges that the shipped clips show, and a little beyond.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.scenes.cast import Cast
from tests.scenes.compose import Lane

__all__ = ["random_lane"]

_STYLES = ("shelves", "fridges", "kiosk")
_LIGHTS = ("warm", "cold", "neutral")


def random_lane(
    shared: Path, *, seed: int, split: str = "val", customers: int = 6, size: tuple[int, int] = (1280, 720)
) -> Lane:
    """One lane; the same seed gives the same lane. About eight seconds of clip a customer."""
    rng = np.random.default_rng(seed)
    cast = Cast(shared, seed=seed, split=split)
    background = {
        "style": str(rng.choice(_STYLES)),
        "light": str(rng.choice(_LIGHTS)),
        "rows": int(rng.integers(3, 7)),
        "items": int(rng.integers(2, 6)),
        "noise": float(rng.uniform(1.5, 3.5)),
    }
    lane = Lane(seed=seed, duration_s=0, size=size, background=background)
    queueing = rng.random() < 0.5
    same_clothes = {"cloth": [int(c) for c in rng.integers(40, 200, 3)]} if rng.random() < 0.2 else {}
    free_s = 0.0
    if rng.random() < 0.2:  # somebody is left over from before the clip began
        free_s = float(rng.uniform(1.5, 4.0))
        lane.customer(cast.next(), till_s=-4.0, pause_s=4.0 + free_s, **same_clothes)
    pauses = []
    for _ in range(customers):
        person: dict[str, Any] = {"width_px": float(rng.uniform(85, 150)), **same_clothes}
        person |= {"approach_s": float(rng.uniform(1.5, 2.6)), "leave_s": float(rng.uniform(1.1, 1.9))}
        pause_s = float(rng.uniform(3.0, 5.0))
        till_s = free_s + person["approach_s"] + float(rng.uniform(0.8, 2.6))
        if queueing and pauses:
            till_s, person["queue_s"] = free_s + float(rng.uniform(1.3, 1.8)), float(rng.uniform(1.5, 3.0))
        if rng.random() < 0.2:
            away_s = till_s + float(rng.uniform(0.2, 0.8))
            turn = [away_s, away_s + float(rng.uniform(1.6, 2.8)), float(rng.uniform(55, 80))]
            person["away"], pause_s = [turn], max(pause_s, turn[1] - till_s + 0.8)
        if rng.random() < 0.15:
            person["degrade"] = [{"dark": 0.75}, {"blur": 0.07, "jpeg": 25}][int(rng.integers(2))]
        visitor = cast.next()
        name = lane.customer(visitor, till_s=till_s, pause_s=pause_s, **person)
        if not queueing and rng.random() < 0.25:
            beside = {key: person[key] for key in ("approach_s", "leave_s")} | same_clothes
            lane.companion(
                cast.next(),
                of=name,
                side=-float(rng.uniform(0.15, 0.2)),
                till_s=till_s + 0.25,
                pause_s=pause_s - 0.1,
                width_px=person["width_px"] * float(rng.uniform(0.75, 1.0)),
                **beside,
            )
        pauses.append((till_s, pause_s))
        free_s = till_s + pause_s
        if not queueing:
            free_s += person["leave_s"]
            if rng.random() < 0.15:  # forgot something, comes back
                back = {k: v for k, v in person.items() if k not in ("away", "degrade")}
                free_s += float(rng.uniform(2.0, 3.5))
                lane.customer(visitor, till_s=free_s + 1.6, pause_s=3.0, name=f"{name}b", **back)
                free_s += 4.6 + person["leave_s"]
    lane.duration_s = round(free_s + 3.0, 1)
    for start_s, pause_s in pauses:
        if rng.random() < 0.2:
            to = str(rng.choice(["left", "right"]))
            enter_s = start_s + float(rng.uniform(-1.5, pause_s))
            yaw = float(rng.uniform(20, 55)) * (1 if to == "right" else -1)
            width_px = float(rng.uniform(150, 180))
            lane.passer_by(cast.next(), enter_s=enter_s, to=to, yaw_deg=yaw, width_px=width_px)
    if rng.random() < 0.6:
        from_s = float(rng.uniform(-5, 10))
        lane.cashier(cast.next(ages=(20, 65)), from_s=from_s, to_s=from_s + float(rng.uniform(10, 60)))
    if rng.random() < 0.3:
        right, down = [(-0.22, -0.22), (0.12, -0.25), (0.30, -0.24)][int(rng.integers(3))]
        lane.poster(cast.next(), right=right, down=down, width_px=float(rng.uniform(55, 90)))
    return lane
