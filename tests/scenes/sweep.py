"""Lanes of chance by the dozen: `python -m tests.scenes.sweep --seeds 30 --detector both`.

Prints who was lost, split, merged or made up, lane by lane and in total. About a minute a lane on one core, most of it
for drawing; `--first-seed` continues where another run ended.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.face import choose_detector, open_detector
from edge.track import Tracker, Zones
from tests.scenes.film import film
from tests.scenes.random_lane import random_lane
from tests.scenes.score import Score, follow, score

SHARED = Path(__file__).resolve().parent.parent.parent.parent / "shared"


def main() -> None:
    """Sweep and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30, help="how many lanes")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--customers", type=int, default=5, help="customers a lane")
    parser.add_argument("--rate-hz", type=float, default=5.0, help="pictures searched in a second")
    parser.add_argument("--score-min", type=float, help="the detector's threshold, instead of its own")
    parser.add_argument(
        "--split", choices=["val", "test", "both"], default="both", help="both: odd seeds val"
    )
    parser.add_argument("--detector", choices=["yunet", "mtcnn", "both"], default="yunet")
    options = parser.parse_args()
    names = ["yunet", "mtcnn"] if options.detector == "both" else [options.detector]
    choices = {name: choose_detector(name, models_folder=SHARED / "models") for name in names}
    detectors = {name: open_detector(choice, score_min=options.score_min) for name, choice in choices.items()}
    totals = {name: Score() for name in names}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        split = ("test", "val")[seed % 2] if options.split == "both" else options.split
        lane = random_lane(SHARED, seed=seed, split=split, customers=options.customers)
        shots = list(film(SHARED, lane.scene(), rate_hz=options.rate_hz))
        roles = {actor["id"]: actor["role"] for actor in lane.scene()["actors"]}
        for name in names:
            found = ((shot, detectors[name].detect([shot.image])[0]) for shot in shots)
            result = score(follow(Tracker(zones=Zones(**lane.zones_px)), found), roles=roles)
            totals[name].add(result)
            print(
                f"seed {seed} {name}: {result}" + ("" if result.clean() else f" {result.names()}"), flush=True
            )
    for name, total in totals.items():
        print(f"all {name}: {total}")


if __name__ == "__main__":
    main()
