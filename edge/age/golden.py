"""Does the model answer on this machine as it did where it was exported?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge.age.bundle import AgeBundle
from edge.age.distribution import log_softmax, mean_years
from edge.age.reader import AgeReader

__all__ = ["TOLERANCE_YEARS", "GoldenResult", "golden_check"]

# The int8 kernels add whole numbers, so CPUs agree but for the order of a few float sums at both ends.
# Measured: 0.000 years between thread counts and batch sizes, below 0.05 years for fp16 against fp32. A CPU
# whose 8-bit sums overflow, or an altered weight that slipped through, is years away.
TOLERANCE_YEARS: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenResult:
    """How far the answers are from the golden ones: years of the mean, and the largest logit's difference."""

    crops: int
    worst_years: float
    worst_logit: float
    passed: bool
    reason: str | None


def golden_check(
    bundle: AgeBundle, reader: AgeReader, *, tolerance_years: float = TOLERANCE_YEARS
) -> GoldenResult:
    """Read the bundle's golden crops and compare; never raises for a difference, `reason` says what to do."""
    golden = bundle.golden()
    expected = golden.logits if reader.variant == "int8" else golden.float_logits
    got = reader.read(golden.crops)
    if not np.isfinite(got).all():
        worst_logit = worst_years = float("inf")
    else:
        worst_logit = float(np.abs(got - expected).max())
        years = mean_years(np.exp(log_softmax(got))) - mean_years(np.exp(log_softmax(expected)))
        worst_years = float(np.abs(years).max())
    passed = worst_years <= tolerance_years
    reason = None
    if not passed:
        reason = (
            f"the {reader.variant} age model on {reader.provider} is {worst_years:.2f} years off its golden answers "
            f"(allowed {tolerance_years}). Way out: try provider cpu; if that fails too, this CPU does not run "
            "8-bit sums as the model needs, or ONNX Runtime is not the version in requirements/"
        )
    return GoldenResult(
        crops=len(golden.crops),
        worst_years=worst_years,
        worst_logit=worst_logit,
        passed=passed,
        reason=reason,
    )
