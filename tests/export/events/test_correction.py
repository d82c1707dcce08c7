"""The correction for the model's error: planted truth is found again, and what is not there is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.events.analysis.age_error import AgeError, load_age_error, shipped_bundle
from export.events.analysis.bands import Band, bands_of_pairs
from export.events.analysis.correction import channel_of, mixture_of, positions_of, rates_of
from export.events.analysis.errors import DamagedFile, NoErrorMeasured

BANDS = bands_of_pairs([(0, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 100)])
MIX = np.array([0.05, 0.12, 0.22, 0.20, 0.16, 0.13, 0.12])


@pytest.fixture(scope="module")
def error() -> AgeError:
    return load_age_error(shipped_bundle())


def drawn(error: AgeError, mix: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True bands and estimated shares in twentieths of so many customers."""
    chance = np.random.default_rng(seed)
    of_face, soft = error.in_bands(BANDS)
    band = chance.choice(len(mix), count, p=mix)
    face = np.array([0] * count)
    for k in range(len(mix)):
        face[band == k] = chance.choice(np.flatnonzero(of_face == k), (band == k).sum())
    upto = np.floor(np.cumsum(soft, axis=1)[face] * 20 + chance.random((count, 1)))
    upto[:, -1] = 20
    return band, np.diff(upto, axis=1, prepend=0).astype(int)


def test_a_rare_band_that_estimates_inflate_gets_its_true_share_back(error: AgeError) -> None:
    channel = channel_of(error, BANDS)
    _, shares = drawn(error, MIX, 60_000, seed=1)
    soft = shares.mean(axis=0) / 20
    mixture = mixture_of(
        channel, np.bincount(channel.cell_of[positions_of(shares)], minlength=channel.cells) * 1.0
    )
    assert soft[0] > 1.7 * MIX[0]
    assert mixture.share.value == pytest.approx(MIX, abs=0.03)
    assert ((mixture.share.low <= MIX) & (mixture.share.high >= MIX)).all()
    assert mixture.share.value.sum() == pytest.approx(1.0)


def test_a_lift_flattened_by_the_error_is_found_again_within_its_interval(error: AgeError) -> None:
    """A lift of 1.75 for 18-24, read off estimates, looks like 1.2; the corrected interval holds the truth."""
    channel = channel_of(error, BANDS)
    band, shares = drawn(error, MIX, 80_000, seed=2)
    taste = np.array([1, 1.75, 1, 1, 1, 1, 1])
    taken = np.random.default_rng(3).random((40, len(band))) < 0.05 * taste[band]
    cell = channel.cell_of[positions_of(shares)]
    mixture = mixture_of(channel, np.bincount(cell, minlength=channel.cells) * 1.0)
    sums = np.stack([np.bincount(cell[row], minlength=channel.cells) * 1.0 for row in taken])
    _, lifts = rates_of(mixture, sums)
    truth = taste / (taste @ MIX)
    soft = np.stack([shares[row].sum(axis=0) / shares[row].sum() for row in taken])
    soft_lift = (soft / (shares.sum(axis=0) / shares.sum()))[:, 1].mean()
    inside = (lifts.low <= truth) & (truth <= lifts.high)
    assert soft_lift < 1.35
    assert lifts.value[:, 1].mean() == pytest.approx(truth[1], rel=0.08)
    assert inside.mean() >= 0.9


def test_what_every_band_buys_alike_excludes_1_at_most_by_chance(error: AgeError) -> None:
    channel = channel_of(error, BANDS)
    chance = np.random.default_rng(4)
    n = np.random.default_rng(5).multinomial(60_000, MIX @ channel.b) * 1.0
    sums = chance.binomial(n.astype(int), chance.uniform(0.005, 0.1, (400, 1))) * 1.0
    _, lifts = rates_of(mixture_of(channel, n), sums)
    assert ((lifts.low > 1) | (lifts.high < 1)).mean() <= 0.07


def test_spend_by_band_is_told_apart(error: AgeError) -> None:
    channel = channel_of(error, BANDS)
    band, shares = drawn(error, MIX, 60_000, seed=6)
    spend = np.random.default_rng(7).gamma(4.0, np.array([2.0, 3, 4, 5, 6, 5, 4])[band] / 4)
    cell = channel.cell_of[positions_of(shares)]
    mixture = mixture_of(channel, np.bincount(cell, minlength=channel.cells) * 1.0)
    sums = np.bincount(cell, spend, channel.cells)[None]
    squares = np.bincount(cell, spend**2, channel.cells)[None]
    rates, _ = rates_of(mixture, sums, squares)
    truth = np.array([2.0, 3, 4, 5, 6, 5, 4])
    assert ((rates.low[0] <= truth) & (truth <= rates.high[0])).all()
    assert rates.value[0, 0] < 2.4  # as estimated it is near 3


def test_bands_with_too_few_faces_are_refused(error: AgeError) -> None:
    with pytest.raises(NoErrorMeasured, match="30 are needed"):
        channel_of(error, (Band(0, 17), Band(18, 92), Band(93, 100)))


def test_a_bundle_without_a_measured_error_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NoErrorMeasured, match="measure-error"):
        load_age_error(tmp_path)
    (tmp_path / "age_error.npz").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(DamagedFile, match="measure-error"):
        load_age_error(tmp_path)


def test_what_measure_error_writes_is_what_the_report_reads(tmp_path: Path) -> None:
    from training.age_error import AGE_ERROR_FILE, write_age_error

    p = np.zeros((2, 101))
    p[0, 20], p[1, [30, 40]] = 1.0, 0.5
    write_age_error(
        tmp_path / AGE_ERROR_FILE, model="m/1+ab", source="crops, val", ages=np.array([21.0, 33.7]), p=p
    )
    error = load_age_error(tmp_path)
    band, soft = error.in_bands(BANDS)
    assert (error.model, error.source, error.ages.tolist()) == ("m/1+ab", "crops, val", [21, 33])
    assert band.tolist() == [1, 2]
    assert soft == pytest.approx(np.array([[0, 1, 0, 0, 0, 0, 0], [0, 0, 0.5, 0.5, 0, 0, 0]]), abs=1 / 255)


def test_the_shipped_bundle_carries_its_own_error() -> None:
    from edge.age import AgeBundle
    from edge.face import CONTRACT

    bundle = AgeBundle.load(shipped_bundle(), contract_digest=CONTRACT.digest)
    assert load_age_error(shipped_bundle()).model == bundle.name, (
        "the bundle was replaced; measure its error: checkout-age measure-error edge/models/age --data CROPS"
    )
