"""A gate that fails stops the export, and says by how much."""

from __future__ import annotations

import numpy as np
import pytest

from export.model.errors import GateError
from export.model.parity import check_float, check_int8, check_size

AGES = np.array([20.0, 30.0, 40.0, 50.0])


def saying(years: np.ndarray) -> np.ndarray:
    """Logits whose mean is these years."""
    return -0.5 * ((np.arange(101) - years[:, None]) / 2.0) ** 2


def test_equal_models_pass_with_nothing_between_them() -> None:
    assert check_float(saying(AGES), saying(AGES)) == 0
    assert check_int8(saying(AGES), saying(AGES), AGES) == pytest.approx((0, 0), abs=1e-6)
    assert check_size(b"small") == 5


def test_one_face_of_many_that_differs_stops_the_export() -> None:
    other = AGES + np.array([0, 0, 0.02, 0])
    with pytest.raises(GateError, match=r"0\.0200 years on one of 4 crops"):
        check_float(saying(AGES), saying(other))
    assert check_float(saying(AGES), saying(AGES + 0.005)) == pytest.approx(0.005, abs=1e-4)


def test_a_model_that_is_broken_does_not_pass_as_not_a_number() -> None:
    with pytest.raises((GateError, ValueError)):
        check_float(saying(AGES), np.full((4, 101), np.nan))


def test_int8_may_lose_a_tenth_of_a_year_and_no_more() -> None:
    check_int8(saying(AGES + 1), saying(AGES + 1.09), AGES)
    with pytest.raises(GateError, match=r"1\.110 years, fp32 1\.000"):
        check_int8(saying(AGES + 1), saying(AGES + 1.11), AGES)


def test_int8_that_is_suspiciously_better_is_no_parity_either() -> None:
    with pytest.raises(GateError):
        check_int8(saying(AGES + 1), saying(AGES + 0.85), AGES)


def test_a_file_above_the_limit_is_too_big() -> None:
    assert check_size(bytes(25_000_000)) == 25_000_000
    with pytest.raises(GateError, match="25,000,001"):
        check_size(bytes(25_000_001))
