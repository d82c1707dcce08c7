"""Twenty stores of thirty days and ten lanes: as many planted lifts as promised lie in their intervals."""

from __future__ import annotations

import pytest

from export.events.analysis.age_error import load_age_error, shipped_bundle
from export.events.simulate.proof import prove


@pytest.mark.soak
@pytest.mark.parametrize("preference", [True, False])
def test_twenty_stores(preference: bool) -> None:
    error = load_age_error(shipped_bundle())
    told = [prove(error, seed=seed, preference=preference) for seed in range(1, 21)]
    excluding = sum(one["excluding_1"] for one in told) / sum(one["lifts"] for one in told)
    if preference:
        assert sum(one["planted_inside"] for one in told) >= 0.9 * sum(one["planted"] for one in told)
        assert excluding > 0.05  # and something is found
    else:
        assert excluding <= 0.07
        assert max(one["excluding_1"] / one["lifts"] for one in told) <= 0.07
    assert sum(one["shares_inside"] for one in told) >= 0.9 * 20 * 7


def test_one_small_store() -> None:
    """The proof itself is tried by default, on a twelfth of a store."""
    told = prove(load_age_error(shipped_bundle()), seed=1, preference=True, days=5, lanes=5)
    assert told["planted_inside"] >= 0.9 * told["planted"] > 100
    assert told["error_uncorrected"] is not None
