"""A day at the tills of the pretended store, drawn in whole arrays. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from export.events.analysis.age_error import AgeError
from export.events.analysis.bands import Band
from export.events.simulate.goods import Goods

__all__ = ["Day", "Truth", "draw_day", "truth_of"]

STEPS: Final = 20
OPENS, CLOSES = 8, 22
_UNKNOWN: Final = 0.06
# Small, usual and weekly trips: how much of everything is taken, and how often each happens.
_TRIPS: Final = np.array([0.35, 1.0, 2.4])
_TRIP_SHARES: Final = np.array([0.45, 0.40, 0.15])
_MIX: Final = {0: 0.05, 18: 0.12, 25: 0.22, 35: 0.20, 45: 0.16, 55: 0.13, 65: 0.12}
_PARTY: Final = np.array([0.7, 0.24, 0.06])


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the analysis should find: shares of the bands `(K,)` and lifts `(products, K)` over baskets with goods."""

    mix: NDArray[np.float64]
    lifts: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """n baskets in no order, and their lines sorted by basket. `steps`: twentieths by band `(n, K)`, 0 if unknown."""

    hour: NDArray[np.int64]
    lane: NDArray[np.int64]
    party: NDArray[np.int64]
    steps: NDArray[np.int64]
    unknown: NDArray[np.bool_]
    ids: tuple[str, ...]
    line_basket: NDArray[np.int64]
    line_product: NDArray[np.int64]
    line_pieces: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.hour)


def truth_of(goods: Goods, bands: tuple[Band, ...]) -> Truth:
    """Work out shares and lifts. Who takes nothing gives no basket, and a little less often where more is bought."""
    takes = np.zeros(len(bands))
    buys = goods.rates * float(_TRIP_SHARES @ _TRIPS)
    for trip, share in zip(_TRIPS, _TRIP_SHARES, strict=True):
        takes += share * (1 - np.exp(np.log1p(-goods.rates * trip).sum(axis=0)))
    came = _mix(bands) * takes
    mix = came / came.sum()
    rates = buys / takes
    return Truth(mix=mix, lifts=rates / (rates @ mix)[:, None])


def draw_day(
    goods: Goods,
    bands: tuple[Band, ...],
    error: AgeError,
    *,
    customers: int,
    lanes: int,
    chance: np.random.Generator,
) -> Day:
    """Draw the customers of a day: their band, their estimate as the model errs on faces of that band, their goods."""
    band = np.sort(chance.choice(len(bands), customers, p=_mix(bands)))
    trip = chance.choice(len(_TRIPS), customers, p=_TRIP_SHARES)
    basket, product = _taken(goods, band, trip, chance)
    bought = np.unique(basket)
    basket = np.searchsorted(bought, basket)
    band = band[bought]
    unknown = chance.random(len(band)) < _UNKNOWN
    steps = _estimates(error, bands, band, chance)
    steps[unknown] = 0
    pieces = 1 + (chance.random(len(basket)) < 0.18) + (chance.random(len(basket)) < 0.05)
    ids = chance.bytes(16 * len(band)).hex()
    return Day(
        hour=_hours(band, len(bands), chance),
        lane=chance.integers(lanes, size=len(band)),
        party=1 + chance.choice(len(_PARTY), len(band), p=_PARTY),
        steps=steps,
        unknown=unknown,
        ids=tuple(ids[32 * i : 32 * i + 32] for i in range(len(band))),
        line_basket=basket,
        line_product=product,
        line_pieces=pieces.astype(np.int64),
    )


def _mix(bands: tuple[Band, ...]) -> NDArray[np.float64]:
    """The customers' ages: the usual bands' shares, or by years of life where the bands are others."""
    if [band.first for band in bands] == list(_MIX):
        return np.array(list(_MIX.values()))
    years = np.array([min(b.last, 85) - max(b.first, 10) + 1.0 for b in bands]).clip(1)
    return np.asarray(years / years.sum())


def _taken(
    goods: Goods, band: NDArray[np.int64], trip: NDArray[np.int64], chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Who takes what: each product independently, with the chance of the customer's band and trip."""
    keys = []
    products = len(goods.skus)
    for k in range(goods.rates.shape[1]):
        for size, factor in enumerate(_TRIPS):
            who = np.flatnonzero((band == k) & (trip == size))
            if not len(who):
                continue
            # So many darts at the customers, doublets taken out, hit each with the chance wanted.
            darts = chance.poisson(-len(who) * np.log1p(-goods.rates[:, k] * factor))
            which = who[chance.integers(len(who), size=darts.sum())]
            keys.append(which * products + np.repeat(np.arange(products), darts))
    taken = np.unique(np.concatenate(keys))
    return taken // products, taken % products


def _estimates(
    error: AgeError, bands: tuple[Band, ...], band: NDArray[np.int64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """Twentieths by band `(n, K)`: a labelled face of the true band is drawn, and rounded as the daemon rounds."""
    true, soft = error.in_bands(bands)
    face = np.empty(len(band), dtype=np.int64)
    for k in range(len(bands)):
        who = band == k
        face[who] = chance.choice(np.flatnonzero(true == k), who.sum())
    upto = np.cumsum(soft, axis=1) * STEPS
    upto[:, -1] = STEPS
    cut = np.floor(upto[face] + chance.random((len(band), 1))).clip(0, STEPS)
    cut[:, -1] = STEPS
    return np.diff(cut, axis=1, prepend=0).astype(np.int64)


def _hours(band: NDArray[np.int64], bands: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """The hour of each basket: the old come in the morning, the young in the evening."""
    hours = np.arange(OPENS, CLOSES)
    busy = 1.0 + np.exp(-(((hours - 18) / 2.2) ** 2)) + 0.5 * np.exp(-(((hours - 12) / 1.8) ** 2))
    hour = np.empty(len(band), dtype=np.int64)
    for k in range(bands):
        who = band == k
        tilt = np.exp((0.5 - k / max(bands - 1, 1)) * (hours - 15) / 5)
        p = busy * tilt
        hour[who] = chance.choice(hours, who.sum(), p=p / p.sum())
    return hour
