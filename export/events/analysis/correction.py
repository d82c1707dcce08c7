"""The correction for the age model's error: from what was estimated to what was there. Pure.

A basket's estimate is a share for every age band. Its centre of gravity over the bands, the *position*, is sorted
into cells. On labelled faces we know how often a face of band t falls into cell c: B[t, c]. Then

- the age mix π is what makes the counts of the cells most likely, Σ_t π_t B[t, c] (expectation-maximisation);
- a basket of cell c is of band t with A[c, t] = π_t B[t, c] / Σ, and the rates by band r (of a product, of spend)
  are what makes the cells' rates most likely, y_c = Σ_t A[c, t] r_t (expectation-maximisation again).

Both stay at or above zero, which pulls estimates near zero up; intervals are therefore built around the weighted
least-squares solution of the same equations, which is free of that and linear in the baskets: the spread over
baskets follows in closed form, the spread over the faces behind B by drawing them again (bootstrap, within bands).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from export.events.analysis.age_error import AgeError
from export.events.analysis.bands import Band
from export.events.analysis.errors import NoErrorMeasured

__all__ = [
    "Channel",
    "Estimate",
    "Mixture",
    "channel_of",
    "mixture_of",
    "positions_of",
    "rates_of",
    "stacked",
]

_F64 = NDArray[np.float64]

STEPS: Final = 20
"""A share is kept in twentieths."""
# More cells tell more about the bands but are each measured on fewer faces; above 20 little is gained.
_CELLS: Final = 20
_FACES_MIN: Final = 30
_REPLICATES: Final = 200
_EM_STEPS: Final = 400
_Z: Final = 1.96
_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """How a model turns bands into cells. K bands, C cells, R bootstraps of the faces.

    `cell_of`: the cell of each position 0..20 (K − 1). `b`: `(K, C)`, rows sum to 1. `replicates`: `(R, K, C)`.
    `named[t, e]`: how often e is the likeliest band of a face of band t.
    """

    model: str
    bands: tuple[Band, ...]
    faces: tuple[int, ...]
    cell_of: NDArray[np.int64]
    b: _F64
    replicates: _F64
    named: _F64

    @property
    def cells(self) -> int:
        return int(self.b.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Corrected values with their 95 % intervals, all of one shape."""

    value: _F64
    low: _F64
    high: _F64


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """The age mix behind counts of cells `(C,)`, and what is needed to correct rates over the same baskets.

    `share`: of each band, sums to 1. `a`: P(band | cell) `(C, K)`. `solve`: `(K, C)` turns the cells' rates into
    rates by band; `solve_replicates`: the same for every bootstrap `(R, K, C)`.
    """

    n: _F64
    share: Estimate
    share_replicates: _F64
    a: _F64
    solve: _F64
    solve_replicates: _F64


def positions_of(shares: NDArray[np.integer]) -> NDArray[np.int64]:
    """The position 0..20 (K − 1) of baskets `(n, K)` in twentieths: Σ k·share, scaled where part is unknown."""
    known = np.maximum(shares.sum(axis=1, dtype=np.int64), 1)
    return np.asarray(shares.astype(np.int64) @ np.arange(shares.shape[1]) * STEPS // known)


def channel_of(
    error: AgeError, bands: Sequence[Band], *, replicates: int = _REPLICATES, seed: int = 0
) -> Channel:
    """Measure the channel on labelled faces, the export's rounding to twentieths included.

    Raises NoErrorMeasured where a band has fewer than 30 faces: its rates would be a guess.
    """
    band, soft = error.in_bands(bands)
    faces = np.bincount(band, minlength=len(bands))
    if faces.min() < _FACES_MIN:
        thin = ", ".join(f"{b.label}: {n}" for b, n in zip(bands, faces, strict=True) if n < _FACES_MIN)
        raise NoErrorMeasured(
            f"{error.source}: too few labelled faces to correct these bands ({thin}; {_FACES_MIN} are needed); "
            "measure the error on more faces, or export wider bands"
        )
    spread = _spread_by_face(soft)
    by_band = np.stack([spread[band == k].mean(axis=0) for k in range(len(bands))])
    cell_of = _cells(by_band.mean(axis=0))
    cells = int(cell_of.max()) + 1
    per_face = np.zeros((len(band), cells))
    np.add.at(per_face.T, cell_of, spread.T)
    chance = np.random.default_rng(seed)
    drawn = np.empty((replicates, len(bands), cells))
    for k, n in enumerate(faces):
        own = per_face[band == k]
        weight = chance.multinomial(n, np.full(n, 1 / n), size=replicates) / n
        drawn[:, k] = weight @ own
    b = np.stack([per_face[band == k].mean(axis=0) for k in range(len(bands))])
    return Channel(
        model=error.model,
        bands=tuple(bands),
        faces=tuple(int(n) for n in faces),
        cell_of=cell_of,
        b=b,
        replicates=drawn,
        named=_named(band, soft),
    )


def stacked(channels: Sequence[Channel]) -> Channel:
    """Channels of several models over the same bands, their cells one after the other."""
    first = channels[0]
    if len(channels) == 1:
        return first
    return Channel(
        model=" + ".join(c.model for c in channels),
        bands=first.bands,
        faces=first.faces,
        cell_of=np.concatenate(
            [c.cell_of + sum(o.cells for o in channels[:i]) for i, c in enumerate(channels)]
        ),
        b=np.concatenate([c.b for c in channels], axis=1),
        replicates=np.concatenate([c.replicates for c in channels], axis=2),
        named=np.mean([c.named for c in channels], axis=0),
    )


def mixture_of(channel: Channel, n: _F64, *, seed: int = 0) -> Mixture:
    """The age mix of baskets counted by cell `(C,)`; at least one basket."""
    total = n.sum()
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(int(total), n / total, size=len(channel.replicates)).astype(np.float64)
    # Cells of several models: each model's cells hold the share of baskets it saw.
    b, b_drawn = _scaled(channel.b, n), _scaled(channel.replicates, n)
    free, free_drawn = _free_mix(b, n), _free_mix(b_drawn, drawn)
    share = _em_mix(b[None], n[None], np.clip(free, 0.0, None)[None])[0]
    spread = free_drawn.std(axis=0, ddof=1)
    around = _interval(share, free, spread)
    share_drawn = np.clip(free_drawn, _TINY, None)
    share_drawn /= share_drawn.sum(axis=1, keepdims=True)
    a = _posterior(b, share)
    return Mixture(
        n=n,
        share=Estimate(value=around.value, low=around.low, high=np.minimum(around.high, 1.0)),
        share_replicates=share_drawn,
        a=a,
        solve=_solver(a, n),
        solve_replicates=_solver(_posterior(b_drawn, share_drawn), n),
    )


def rates_of(mixture: Mixture, sums: _F64, squares: _F64 | None = None) -> tuple[Estimate, Estimate]:
    """Rates by band of I quantities, and their lifts over the average of all bands, `(I, K)` each.

    `sums`: of the quantity by cell `(I, C)`; `squares`: of its squares over baskets, None for what a basket has
    or has not. A quantity is not negative; a basket without it counts as 0.
    """
    n = np.maximum(mixture.n, _TINY)
    y = sums / n
    mean = np.maximum(sums.sum(axis=1, keepdims=True) / n.sum(), _TINY)
    free = y @ mixture.solve.T
    rate = _em_rates(mixture, sums, np.clip(free, 0.05 * mean, None))
    fitted = np.maximum(rate @ mixture.a.T, 1e-3 * mean)
    if squares is None:
        variance = fitted * np.clip(1 - fitted, 0.0, 1.0) / n
    else:
        # The scatter of all baskets, moved by the cell's own mean: thin cells would understate it.
        ratio = squares.sum(axis=1, keepdims=True) / np.maximum(sums.sum(axis=1, keepdims=True), _TINY)
        variance = np.maximum(ratio * fitted - fitted**2, 0.0) / n
    weight = mixture.n / mixture.n.sum()
    # Fitted, not counted rates: the scatter of the baskets is in already.
    smooth = rate @ mixture.a.T
    settled = smooth @ mixture.solve.T
    by_faces = np.zeros_like(free)
    for solve in mixture.solve_replicates:
        by_faces += (smooth @ solve.T - settled) ** 2
    by_faces /= len(mixture.solve_replicates)
    rate_spread = np.sqrt(variance @ (mixture.solve**2).T + by_faces)
    free_lift = free / mean
    # The average in the denominator comes from the same baskets: its share of the scatter cancels.
    lift_variance = (
        variance @ (mixture.solve**2).T
        - 2 * free_lift * (variance @ (mixture.solve * weight).T)
        + free_lift**2 * (variance @ weight**2)[:, None]
    )
    lift_spread = np.sqrt(np.maximum(lift_variance, 0.0) + by_faces) / mean
    return _interval(rate, free, rate_spread), _interval(rate / mean, free_lift, lift_spread)


def _named(band: NDArray[np.int64], soft: _F64) -> _F64:
    named = np.zeros((soft.shape[1], soft.shape[1]))
    np.add.at(named, (band, soft.argmax(axis=1)), 1.0)
    return np.asarray(named / named.sum(axis=1, keepdims=True))


def _spread_by_face(soft: _F64) -> _F64:
    """Where each face's position falls over the export's rounding: `(n, 20 (K − 1) + 1)`, rows sum to 1."""
    upto = np.cumsum(soft, axis=1)[:, :-1] * STEPS
    spread = np.zeros((len(soft), STEPS * (soft.shape[1] - 1) + 1))
    offsets = (np.arange(STEPS) + 0.5) / STEPS
    rows = np.arange(len(soft))
    for offset in offsets:
        position = (STEPS - np.floor(upto + offset).clip(0, STEPS)).sum(axis=1).astype(int)
        np.add.at(spread, (rows, position), 1 / len(offsets))
    return spread


def _cells(by_position: _F64) -> NDArray[np.int64]:
    """Neighbouring positions joined into cells of about equal weight."""
    middle = (np.cumsum(by_position) - by_position / 2) / by_position.sum()
    cell = np.minimum((middle * _CELLS).astype(int), _CELLS - 1)
    return np.asarray(np.unique(cell, return_inverse=True)[1])


def _scaled(b: _F64, n: _F64) -> _F64:
    """Rows of stacked channels sum to the number of models; bring the whole back to 1."""
    total = b.sum(axis=-1, keepdims=True)
    if np.allclose(total, 1.0):
        return b
    blocks = round(float(total.ravel()[0]))
    size = b.shape[-1] // blocks
    seen = [n[i * size : (i + 1) * size].sum() / n.sum() for i in range(blocks)]
    return np.asarray(b * np.repeat(seen, size))


def _free_mix(b: _F64, n: _F64) -> _F64:
    """Weighted least squares of the cells' shares on `b`, sum 1; `(…, K)` of `b` `(…, K, C)` and `n` `(…, C)`."""
    y = n / n.sum(axis=-1, keepdims=True)
    weight = 1 / np.maximum(y, 0.1 / n.shape[-1])
    scaled = b * weight[..., None, :]
    normal = scaled @ np.swapaxes(b, -1, -2)
    share = np.linalg.solve(normal + 1e-9 * np.eye(b.shape[-2]), (scaled @ y[..., None]))[..., 0]
    return np.asarray(share / share.sum(axis=-1, keepdims=True))


def _em_mix(b: _F64, n: _F64, start: _F64) -> _F64:
    """The likeliest mix, `(G, K)`, of counts `(G, C)`; the weighted least-squares solution is a good start."""
    share = start + 0.002
    share = share / share.sum(axis=1, keepdims=True)
    total = n.sum(axis=1, keepdims=True)
    for _ in range(_EM_STEPS):
        expected = np.maximum(np.einsum("gk,gkc->gc", share, b), _TINY)
        share = share * np.einsum("gkc,gc->gk", b, n / expected) / total
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def _posterior(b: _F64, share: _F64) -> _F64:
    """P(band | cell) `(…, C, K)`."""
    joint = np.swapaxes(b * share[..., None], -1, -2)
    return np.asarray(joint / np.maximum(joint.sum(axis=-1, keepdims=True), _TINY))


def _solver(a: _F64, n: _F64) -> _F64:
    """The weighted least-squares inverse of `a`, `(…, K, C)`. Weights are the baskets of each cell."""
    weighted = np.swapaxes(a, -1, -2) * n
    normal = weighted @ a
    scale = np.trace(normal, axis1=-2, axis2=-1)[..., None, None]
    return np.asarray(np.linalg.solve(normal + 1e-9 * scale * np.eye(a.shape[-1]), weighted))


def _em_rates(mixture: Mixture, sums: _F64, start: _F64) -> _F64:
    """The likeliest rates by band `(I, K)` at or above zero."""
    reach = np.maximum(mixture.n @ mixture.a, _TINY)
    rate = start
    for _ in range(_EM_STEPS):
        expected = np.maximum(rate @ mixture.a.T, _TINY)
        rate = rate * ((sums / expected) @ mixture.a) / reach
    return rate


def _interval(value: _F64, centre: _F64, spread: _F64) -> Estimate:
    """The 95 % interval of the free solution, kept at or above zero; it always holds the estimate shown."""
    low = np.clip(np.minimum(centre - _Z * spread, value), 0.0, None)
    return Estimate(value=value, low=low, high=np.maximum(centre + _Z * spread, value))
