"""How often the drift watch is wrong: camera-years of unchanged lanes. `python -m tests.ops.measure_drift [YEARS]`.

Customers are drawn from figures that the pipeline gave on clips of a lane (place, size, blur, light of best crops);
each day has an effect of its own on every measure, weekends other ages, evenings less light. One judgement an hour.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from edge.ops.drift import HourFigures, find_drift

DAYS_BEFORE = 28


def customer(chance: random.Random, day: dict[str, float], *, weekend: bool, dusk: float) -> tuple:
    unknown = chance.random() < 0.06 + day["unknown"]
    years = max(3.0, chance.gauss((38 if weekend else 43) + day["years"], 18))
    blur = min(1.0, max(0.0, abs(chance.gauss(0.05, 0.15)) + day["blur"]))
    measures = {
        "x": (0.35 if chance.random() < 0.88 else 0.17) + chance.gauss(day["x"], 0.03),
        "y": chance.gauss(0.41 + day["y"], 0.03),
        "size": chance.gauss(-2.4 + day["size"], 0.17),
        "blur": blur,
        "brightness": chance.gauss(150 + day["light"] - dusk, 25),
    }
    return (None if unknown else years), measures


def camera_year(seed: int, *, days: int = 365) -> Counter[str]:
    """Warnings that began, by kind, at a camera that nobody touched."""
    chance = random.Random(seed)
    traffic = chance.choice([6, 15, 30])
    hours: dict[int, HourFigures] = {}
    began: Counter[str] = Counter()
    standing: set[str] = set()
    for number in range(days + DAYS_BEFORE):
        day = {name: chance.gauss(0, spread) for name, spread in DAY_EFFECT.items()}
        for clock in range(8, 21):
            hour = number * 24 + clock
            figures = HourFigures(hour=hour)
            for _ in range(max(0, round(chance.gauss(traffic, traffic**0.5)))):
                years, measures = customer(chance, day, weekend=number % 7 > 4, dusk=25.0 * (clock > 17))
                figures = figures.with_customer(mean_years=years, measures=measures)
            hours[hour] = figures
            if number < DAYS_BEFORE:
                continue
            found = {one.kind for one in find_drift(hours.values(), now_hour=hour)}
            began.update(found - standing)
            standing = found
        hours = {hour: one for hour, one in hours.items() if hour > (number - 29) * 24}
    return began


DAY_EFFECT = {"x": 0.008, "y": 0.005, "size": 0.03, "blur": 0.02, "light": 8.0, "years": 1.5, "unknown": 0.01}

if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    days = int(sys.argv[2]) if len(sys.argv) > 2 else 365
    total: Counter[str] = Counter()
    for seed in range(count):
        total.update(camera_year(seed, days=days))
    print(f"{count * days / 365:.2f} camera-years, one judgement an hour: {dict(total) or 'no warning'}")
