"""Measures who is taken for the payer on composed lanes with known truth. Not a test: `--out` keeps the sightings.

    python -m tests.rules.measure_party --detector yunet --lanes 20

Half of the lanes queue; at the others every second customer has a companion beside them, 0.75 to 1.0 as wide.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from edge.face import choose_detector, open_detector
from edge.rules.party import Standing, choose_payer
from edge.track import Tracker, Zones
from tests.scenes import Cast, Lane, film
from tests.scenes.score import actor_of

SHARED = Path(__file__).resolve().parents[3] / "shared"
RATE_HZ = 5.0


def party_lane(seed: int, *, customers: int = 6) -> tuple[Lane, list[dict[str, Any]]]:
    """A lane, and its receipts: customer, companions, first item and total in seconds."""
    rng = np.random.default_rng([seed, 12])
    cast = Cast(SHARED, seed=seed)
    lane = Lane(seed=seed, duration_s=0, size=(1280, 720))
    queueing = rng.random() < 0.5
    free_s, receipts = 0.0, []
    for _ in range(customers):
        width_px, approach_s = float(rng.uniform(85, 150)), float(rng.uniform(1.5, 2.6))
        leave_s, pause_s = float(rng.uniform(1.1, 1.9)), float(rng.uniform(3.0, 5.0))
        till_s = free_s + approach_s + float(rng.uniform(0.8, 2.6))
        more: dict[str, Any] = {"approach_s": approach_s, "leave_s": leave_s}
        if queueing and receipts:
            till_s, more["queue_s"] = free_s + float(rng.uniform(1.3, 1.8)), float(rng.uniform(1.5, 3.0))
        name = lane.customer(cast.next(), till_s=till_s, pause_s=pause_s, width_px=width_px, **more)
        if not queueing and rng.random() < 0.5:
            more["offset"] = [float(rng.choice([-1, 1])) * float(rng.uniform(0.15, 0.2)), 0.01]
            beside_px = width_px * float(rng.uniform(0.75, 1.0))
            lane.customer(
                cast.next(ages=(6, 80)),
                till_s=till_s + float(rng.uniform(-0.4, 0.4)),
                pause_s=pause_s - 0.1,
                width_px=beside_px,
                companion_of=name,
                name=f"p-{name}",
                **more,
            )
        first_s = till_s + float(rng.uniform(0.4, 1.1))
        receipts.append({"customer": name, "first_s": first_s, "total_s": till_s + pause_s - 0.1})
        free_s = till_s + pause_s + (0.0 if queueing else leave_s)
    lane.duration_s = round(free_s + 1.0, 1)
    return lane, receipts


def sightings_of(lane: Lane, detector: Any) -> list[tuple[float, int, str | None, str, list[float]]]:
    """`(seconds, track, actor, zone, box)` of every face of every searched frame."""
    zones = Zones(customer=lane.zones_px["customer"], cashier=lane.zones_px["cashier"])
    tracker = Tracker(zones=zones)
    found = []
    for shot in film(SHARED, lane.scene(), rate_hz=RATE_HZ):
        faces = detector.detect([shot.image])[0]
        for state, face in tracker.update(shot.at_ns, faces, shot.image).seen:
            box = [float(side) for side in face.box_px]
            actor = actor_of(face.box_px, shot.truth)
            found.append((shot.at_ns / 1e9, state.key, actor, zones.zone_of(face.box_px).value, box))
    return found


def judged(lanes: list[dict[str, Any]]) -> Counter[str]:
    """How the receipts of these lanes came out, `companion` counted apart from the others."""
    counts: Counter[str] = Counter()
    for lane in lanes:
        standing: dict[str, Standing] = {}
        actors: dict[str, Counter[str | None]] = {}
        for at_s, track, actor, zone, box in lane["sightings"]:
            actors.setdefault(str(track), Counter())[actor] += 1
            if zone == "customer":
                standing.setdefault(str(track), Standing()).add(round(at_s * 1e9), box[2])
        served: set[str] = set()
        for receipt in lane["receipts"]:
            verdict = choose_payer(
                standing,
                from_ns=round(receipt["first_s"] * 1e9),
                to_ns=round(receipt["total_s"] * 1e9),
                served=served,
            )
            beside = any(actor == f"p-{receipt['customer']}" for own in actors.values() for actor in own)
            word = "beside" if beside else "alone"
            if verdict.payer is None:
                counts[f"{word} {'ambiguous' if verdict.ambiguous else 'nobody'}"] += 1
                continue
            served.add(verdict.payer)
            right = actors[verdict.payer].most_common(1)[0][0] == receipt["customer"]
            counts[f"{word} {'right' if right else 'wrong'}"] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--detector", choices=["yunet", "mtcnn"], default="yunet")
    parser.add_argument("--lanes", type=int, default=20)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    detector = open_detector(
        choose_detector(args.detector, models_folder=SHARED / "models"), intra_op_threads=1
    )
    lanes = []
    for seed in range(args.lanes):
        lane, receipts = party_lane(seed)
        lanes.append({"receipts": receipts, "sightings": sightings_of(lane, detector)})
        print(seed, dict(judged(lanes)), flush=True)
        if args.out:
            args.out.write_text(json.dumps(lanes))


if __name__ == "__main__":
    main()
