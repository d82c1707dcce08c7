"""What is suggested to whom, and what may be claimed of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.cli import main
from export.events.analysis.age_error import load_age_error, shipped_bundle
from export.events.analysis.bands import bands_of_pairs
from export.events.analysis.correction import Mixture, channel_of, mixture_of
from export.events.offers.evaluation import evaluate
from export.events.offers.ranking import Ranking, rank, suggestions
from tests.export.events.pretended import exported, simulated

BANDS = bands_of_pairs([(0, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 100)])
MIX = np.array([0.05, 0.12, 0.22, 0.20, 0.16, 0.13, 0.12])
SKUS = [f"s{i}" for i in range(30)]
NAMED = channel_of(load_age_error(shipped_bundle()), BANDS).named
AS_THEY_ARE = np.ones((30, 7))
SHELVES = ["bread" if i % 2 else "alcohol" for i in range(30)]


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    channel = channel_of(load_age_error(shipped_bundle()), BANDS)
    return mixture_of(channel, np.random.default_rng(1).multinomial(200_000, MIX @ channel.b) * 1.0)


def counts(mixture: Mixture, taste: np.ndarray) -> np.ndarray:
    """Baskets by cell of thirty goods, each a little less sold than the one before; `taste` `(30, K)`."""
    channel = channel_of(load_age_error(shipped_bundle()), BANDS)
    base = 0.05 * 0.97 ** np.arange(30)
    joint = MIX[:, None] * channel.b
    by_cell = (joint / joint.sum(axis=0)).T
    rate = base[:, None] * (taste @ by_cell.T)
    return np.random.default_rng(2).binomial(mixture.n.astype(int), np.clip(rate, 0, 1)) * 1.0


def ranked(mixture: Mixture, sold: NDArray[np.float64]) -> Ranking:
    return rank(mixture, NAMED, SKUS, SHELVES, sold, estimated=AS_THEY_ARE, together={}, bands=7, never={})


def test_where_every_age_buys_alike_everybody_is_shown_what_everybody_buys(mixture: Mixture) -> None:
    ranking = ranked(mixture, counts(mixture, np.ones((30, 7))))
    for entry in ranking.entries:
        assert [item.sku for item in entry.items] == list(ranking.popular[0][:10])
        assert {item.lift for item in entry.items} == {1.0}


def test_what_the_old_prefer_rises_in_their_list_and_in_no_other(mixture: Mixture) -> None:
    taste = np.ones((30, 7))
    taste[20, 6] = 3.5
    ranking = rank(
        mixture,
        NAMED,
        SKUS,
        SHELVES,
        counts(mixture, taste),
        estimated=AS_THEY_ARE,
        together={},
        bands=7,
        never={},
    )
    lists = {entry.band: [item.sku for item in entry.items] for entry in ranking.entries}
    assert "s20" in lists[6][:2]
    assert all("s20" not in lists[band][:5] for band in range(5))


def test_a_band_with_minors_is_shown_nothing_for_adults(mixture: Mixture) -> None:
    made = rank(
        mixture,
        NAMED,
        SKUS,
        SHELVES,
        counts(mixture, np.ones((30, 7))),
        estimated=AS_THEY_ARE,
        together={},
        bands=7,
        never={0: frozenset({"alcohol"})},
    )
    youngest = next(entry for entry in made.entries if entry.band == 0)
    assert all(int(item.sku[1:]) % 2 for item in youngest.items)
    assert "s0" in {item.sku for entry in made.entries if entry.band == 1 for item in entry.items}


def test_goods_that_go_with_what_is_in_the_basket_come_first(mixture: Mixture) -> None:
    sold = counts(mixture, np.ones((30, 7)))
    total = sold.sum(axis=1)
    together = {("bread", sku): int(0.3 * n) for sku, n in zip(SKUS, total, strict=True)}
    together["bread", "s28"] = int(0.9 * total[28])
    ranking = rank(
        mixture, NAMED, SKUS, SHELVES, sold, estimated=AS_THEY_ARE, together=together, bands=7, never={}
    )
    shown = suggestions(ranking, 3, ["bread"], ["s1"])
    assert "s28" in shown
    assert "s1" not in shown
    assert "s28" not in suggestions(ranking, 3, ["fish"], ["s1"])


def test_a_thing_seldom_sold_is_not_suggested_however_well_it_fits(mixture: Mixture) -> None:
    sold = counts(mixture, np.ones((30, 7)))
    sold[5] = 0
    sold[5, 0] = 49
    ranking = ranked(mixture, sold)
    assert all(item.sku != "s5" for entry in ranking.entries for item in entry.items)


def test_equal_lists_claim_no_gain(mixture: Mixture) -> None:
    ranking = ranked(mixture, counts(mixture, np.ones((30, 7))))
    held = {
        "basket": np.array(["aaaaaa", "aaaaaa", "bbbbbb", "bbbbbb", "cccccc"]),
        "sku": np.array(["s0", "s1", "s2", "s29", "s3"]),
        "category": np.array(["alcohol", "bread", "alcohol", "bread", "bread"]),
        **{f"p{k}": np.array([20 if k == 3 else 0] * 5) for k in range(7)},
    }
    found = evaluate(ranking, held, 7)
    assert found.n == 2
    assert found.hit_rate == found.popularity_hit_rate
    assert not found.beats_popularity


def test_a_gain_that_chance_explains_is_not_claimed_and_one_that_it_does_not_is(mixture: Mixture) -> None:
    """Four hits more of four hundred baskets may be chance; a hundred more are not. The interval decides."""
    taste = np.ones((30, 7))
    taste[20, 6] = 3.5
    ranking = rank(
        mixture, NAMED, SKUS, SHELVES, counts(mixture, taste), estimated=taste, together={}, bands=7, never={}
    )

    def tried(hits: int) -> tuple[bool, float, float]:
        """Four hundred baskets of the old, so many with what only their list suggests beside a rare thing."""
        taken = ["s20"] * hits + ["s28"] * (400 - hits)
        held = {
            "basket": np.repeat([f"{n:05d}a" for n in range(400)], 2),
            "sku": np.array([sku for one in taken for sku in (one, one)]),
            "category": np.array(["bread"] * 800),
            **{f"p{k}": np.array([20 if k == 6 else 0] * 800) for k in range(7)},
        }
        found = evaluate(ranking, held, 7)
        assert (found.n, found.hit_rate, found.popularity_hit_rate) == (400, hits / 400, 0.0)
        assert found.difference_low is not None
        assert found.difference_high is not None
        return found.beats_popularity, found.difference_low, found.difference_high

    few, many = tried(3), tried(100)
    assert (few[0], many[0]) == (False, True)
    assert few[1] < 0 < few[2]


def test_offers_of_a_store_without_preferences_beat_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated(tmp_path / "state", "--days", "4", "--lanes", "3", "--seed", "2", "--no-preference")
    files = exported(tmp_path / "state", tmp_path / "files")
    assert main(["offers", str(files), "--out", str(tmp_path / "offers.json")]) == 0
    said = capsys.readouterr().out
    assert "no better than popularity" in said
    assert "95 % interval" in said
    told = json.loads((tmp_path / "offers.json").read_text(encoding="utf-8"))
    assert not told["evaluation"]["beats_popularity"]
    assert told["evaluation"]["hit_rate_at_5"] == pytest.approx(
        told["evaluation"]["popularity_hit_rate_at_5"], abs=0.02
    )
    assert told["evaluation"]["n"] > 500
    assert {"band", "category", "items"} <= told["bands"][0].keys()
    assert {"sku", "lift", "support", "ci95", "uncorrected"} <= told["bands"][0]["items"][0].keys()


def test_the_till_reads_what_offers_wrote(tmp_path: Path) -> None:
    from edge.app.offers import read_offers

    simulated(tmp_path / "state", "--days", "3", "--lanes", "2", "--seed", "4")
    files = exported(tmp_path / "state", tmp_path / "files")
    assert main(["offers", str(files), "--out", str(tmp_path / "offers.json")]) == 0
    table = read_offers(tmp_path / "offers.json", bands=[(band.first, band.last) for band in BANDS])
    assert {band for band, category in table.goods if category is None} == set(range(7))


def test_one_day_alone_is_too_little(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulated(tmp_path / "state", "--days", "1", "--lanes", "1")
    files = exported(tmp_path / "state", tmp_path / "files")
    assert main(["offers", str(files), "--out", str(tmp_path / "offers.json")]) == 2
    assert "one day alone" in capsys.readouterr().err
