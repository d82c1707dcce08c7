"""Does the correction find what was planted? `python -m export.events.simulate.proof --seeds 20`.

Stores are drawn as `simulate-store` draws them and corrected as `report` corrects, without the files between: those
change nothing, which the tests of both commands hold them to.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from edge.events.sales_schema import DEFAULT_BANDS
from export.events.analysis.age_error import AgeError, load_age_error, shipped_bundle
from export.events.analysis.bands import bands_of_pairs
from export.events.analysis.correction import channel_of, mixture_of, positions_of, rates_of
from export.events.analysis.suppression import LIFT_BASKETS_MIN, hidden_in_rows
from export.events.simulate.goods import make_goods
from export.events.simulate.trade import draw_day, truth_of

__all__ = ["prove"]


def prove(error: AgeError, *, seed: int, preference: bool, days: int = 30, lanes: int = 10) -> dict[str, Any]:
    """One store: how many planted lifts and shares lie in their intervals, and how many lifts exclude 1."""
    bands = bands_of_pairs(DEFAULT_BANDS)
    goods = make_goods(len(bands), np.random.default_rng([seed, 0]), preference=preference)
    truth = truth_of(goods, bands)
    channel = channel_of(error, bands)
    n = np.zeros(channel.cells)
    counts = np.zeros((len(goods.skus), channel.cells))
    soft, soft_all = np.zeros((len(goods.skus), len(bands))), np.zeros(len(bands))
    for number in range(days):
        chance = np.random.default_rng([seed, 1 + number])
        day = draw_day(goods, bands, error, customers=300 * lanes, lanes=lanes, chance=chance)
        cell = np.where(day.unknown, -1, channel.cell_of[positions_of(day.steps)])
        n += np.bincount(cell[cell >= 0], minlength=channel.cells)
        seen = cell[day.line_basket] >= 0
        basket, product = day.line_basket[seen], day.line_product[seen]
        np.add.at(counts, (product, cell[basket]), 1)
        np.add.at(soft, product, day.steps[basket])
        soft_all += day.steps.sum(axis=0)
    mixture = mixture_of(channel, n)
    rates, lifts = rates_of(mixture, counts)
    baskets = rates.value * mixture.share.value * n.sum()
    shown = (
        ~hidden_in_rows(np.minimum(baskets, soft / 20)) & (counts.sum(axis=1) >= LIFT_BASKETS_MIN)[:, None]
    )
    planted = shown & goods.planted[:, None]
    inside = (lifts.low <= truth.lifts) & (truth.lifts <= lifts.high)
    share = mixture.share
    raw = soft / np.maximum(soft.sum(axis=1, keepdims=True), 1) / (soft_all / soft_all.sum())
    return {
        "seed": seed,
        "baskets": int(n.sum()),
        "planted": int(planted.sum()),
        "planted_inside": int(inside[planted].sum()),
        "lifts": int(shown.sum()),
        "excluding_1": int((((lifts.low > 1) | (lifts.high < 1)) & shown).sum()),
        "shares_inside": int(((share.low <= truth.mix) & (truth.mix <= share.high)).sum()),
        "error_corrected": _error(lifts.value, truth.lifts, planted),
        "error_uncorrected": _error(raw, truth.lifts, planted),
        **_favourites(truth.lifts, {"corrected": lifts.value, "uncorrected": raw}, planted),
    }


def _favourites(true: np.ndarray, found: dict[str, np.ndarray], where: np.ndarray) -> dict[str, float | None]:
    """Mean lift of planted products in the band that likes them best, where that is 1.3 or more."""
    best = np.zeros_like(where)
    best[np.arange(len(true)), true.argmax(axis=1)] = True
    best &= where & (true >= 1.3)
    return {
        f"favourite_{name}": round(float(lifts[best].mean()), 4) if best.any() else None
        for name, lifts in {"true": true, **found}.items()
    }


def _error(found: np.ndarray, true: np.ndarray, where: np.ndarray) -> float | None:
    """Mean absolute error of the lifts planted."""
    return round(float(np.abs(found - true)[where].mean()), 4) if where.any() else None


def main() -> None:
    """Print a line for each seed and the sum of all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--bundle", type=Path)
    args = parser.parse_args()
    error = load_age_error(args.bundle or shipped_bundle())
    for preference in (True, False):
        told = []
        for seed in range(1, args.seeds + 1):
            told.append(prove(error, seed=seed, preference=preference))
            print(json.dumps(told[-1]), flush=True)
        print(json.dumps({"preference": preference, "model": error.model, **_whole(told)}), flush=True)


def _whole(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares over all stores, and means of what each store has a mean of; None where nothing was planted."""
    total = {key: sum(one[key] or 0 for one in told) for key in told[0]}
    means = [key for key in told[0] if key.startswith(("error_", "favourite_"))]
    return {
        "seeds": len(told),
        "planted_inside": round(total["planted_inside"] / total["planted"], 4) if total["planted"] else None,
        "excluding_1": round(total["excluding_1"] / total["lifts"], 4),
        "shares_inside": round(total["shares_inside"] / len(told) / len(DEFAULT_BANDS), 4),
        **{key: round(total[key] / len(told), 4) if told[0][key] is not None else None for key in means},
    }


if __name__ == "__main__":
    main()
