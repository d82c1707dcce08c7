"""Zones from where people stood, held to what the clips' makers say of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edge.app.zones_suggest import Stay, Suggestion, heat_rows, stays_of, suggest


def stays(*told: tuple[float, float, float, float]) -> list[Stay]:
    return [Stay(x=x, y=y, face_px=px, seconds=s) for x, y, px, s in told]


# What the command sees in three clips of a lane (x, y, face width, seconds); `test_a_clip_…` below sees it again.
AGES = stays(
    (207, 337, 90, 3.4), (213, 300, 118, 3.4), (446, 298, 92, 4.0), (447, 289, 146, 3.8), (447, 287, 98, 3.6),
    (448, 297, 138, 3.4), (448, 330, 101, 3.6), (450, 291, 109, 3.4), (452, 294, 117, 3.4), (1103, 292, 102, 36.6),
    (1103, 292, 103, 17.6),
)  # fmt: skip
RUSH = stays(
    (444, 292, 140, 4.2), (445, 293, 137, 3.0), (447, 293, 109, 3.6), (450, 295, 128, 4.0), (450, 291, 111, 2.2),
    (452, 293, 131, 4.2), (702, 283, 71, 2.0), (703, 279, 74, 2.4), (705, 279, 71, 2.6), (706, 280, 74, 3.0),
    (706, 278, 66, 3.0), (706, 276, 74, 2.8), (1102, 290, 98, 23.6),
)  # fmt: skip
WIDE = stays((670, 431, 150, 3.6), (673, 440, 143, 3.4), (674, 438, 106, 3.8), (674, 434, 193, 4.0))


def inside(zone, x: float, y: float) -> bool:
    xs, ys = [corner[0] for corner in zone], [corner[1] for corner in zone]
    return min(xs) <= x <= max(xs) and min(ys) <= y <= max(ys)


def of(found: list[Stay], size_px=(1280, 720)) -> Suggestion:
    return suggest(found, size_px=size_px, seconds=60)


def test_who_pays_and_who_comes_along_are_customers_and_who_stays_longest_is_the_cashier():
    found = of(AGES)
    assert (found.visits, found.cashier_visits) == (7, 2)
    assert [inside(found.customer, one.x, one.y) for one in AGES] == [True] * 9 + [False] * 2
    assert [inside(found.cashier, one.x, one.y) for one in AGES] == [False] * 9 + [True] * 2


def test_who_waits_behind_is_no_customer_yet():
    found = of(RUSH)
    assert [inside(found.customer, one.x, one.y) for one in RUSH] == [True] * 6 + [False] * 7
    assert inside(found.cashier, 1102, 290)


def test_without_a_cashier_only_customers_are_suggested():
    found = of(WIDE, size_px=(1920, 1080))
    assert found.cashier is None
    assert all(inside(found.customer, one.x, one.y) for one in WIDE)
    assert "cashier" not in found.yaml()


def test_two_visits_are_too_few():
    assert of(WIDE[:2]).customer is None
    assert of([]).customer is None


def test_zones_never_overlap_and_stay_in_the_picture():
    near = stays(*[(40 + number, 300, 120, 4.0) for number in range(4)], (420, 300, 110, 60.0))
    found = of(near)
    assert found.cashier is not None
    assert max(x for x, _ in found.customer) <= min(x for x, _ in found.cashier)
    assert min(x for x, _ in found.customer) == 0


def test_the_printed_yaml_is_what_a_lane_takes():
    told = yaml.safe_load(of(AGES).yaml())
    assert set(told["zones_px"]) == {"customer", "cashier"}
    assert len(told["zones_px"]["customer"]) == 4


def test_the_view_has_the_picture_s_shape_and_both_frames():
    rows = heat_rows(AGES, of(AGES), size_px=(1280, 720))
    assert {len(row) for row in rows} == {64}
    assert len(rows) == 18
    assert "C" in "".join(rows)
    assert "K" in "".join(rows)
    assert "@" in "".join(rows)


def test_walking_is_no_stay_and_standing_after_it_is_one():
    walk = [(number * 200_000_000, (number * 40.0, 100.0, 60.0, 80.0)) for number in range(10)]
    stand = [((10 + number) * 200_000_000, (360.0 + number % 2, 100.0, 60.0, 80.0)) for number in range(15)]
    [stay] = stays_of([*walk, *stand])
    assert (round(stay.x), stay.face_px, round(stay.seconds, 1)) == (390, 60.0, 3.0)
    assert stays_of(walk) == []


def overlap(zone, truth) -> float:
    """Intersection over union of two rectangles."""
    sides = []
    for axis in (0, 1):
        low, high = (sorted(corner[axis] for corner in each) for each in (zone, truth))
        sides.append((low[0], low[-1], high[0], high[-1]))
    both = 1.0
    areas = [1.0, 1.0]
    for a0, a1, b0, b1 in sides:
        both *= max(0.0, min(a1, b1) - max(a0, b0))
        areas = [areas[0] * (a1 - a0), areas[1] * (b1 - b0)]
    return both / (sum(areas) - both)


def of_truth(clip: Path, found: dict) -> dict[str, float]:
    """Shares of the moments at which people of the truth stand at the till and lie in their zone."""
    truth = json.loads(clip.with_suffix(".truth.json").read_text())
    shares = {}
    for name, roles in (("customer", ("customer", "companion")), ("cashier", ("cashier",))):
        if name not in found:
            continue
        hits = [
            inside(found[name], at["x"] + at["w"] / 2, at["y"] + at["h"] / 2)
            for one in truth["people"]
            if one["role"] in roles
            for at in one["track"]
            if at["visible"] >= 0.5 and one["pause_from_s"] <= at["t"] <= one["pause_to_s"]
        ]
        shares[name] = sum(hits) / len(hits)
        shares[f"{name} overlap"] = overlap(found[name], truth["zones_px"][name])
    return shares


@pytest.mark.soak
@pytest.mark.parametrize("name", ["lane_ages", "lane_rush", "lane_1080p15"])
def test_a_clip_of_a_lane_gives_zones_that_hold_who_stands_there(shared, name):
    """Of the truth's people at the till at least 95 % lie in their zone."""
    clip = shared / "video" / f"{name}.mp4"
    done = subprocess.run(
        [sys.executable, "-m", "edge", "zones", "suggest", "--clip", str(clip)],
        capture_output=True, text=True, check=False, env={"CHECKOUT_AGE_MODELS": str(shared / "models")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shares = of_truth(clip, yaml.safe_load(done.stdout)["zones_px"])
    print(name, {key: round(value, 3) for key, value in shares.items()})
    assert all(share >= 0.95 for key, share in shares.items() if not key.endswith("overlap"))
