"""What the figures mean for the customer's two goals, decided by rules that stand here and nowhere else. Pure."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["CHALLENGE_RULES", "OFFER_RULES", "conclusions"]

# Offers by age group: a wrong group costs a poor suggestion, so the mean may be off by half a band of ten years.
OFFER_RULES: Final = {"mae_max": 6.5, "cs5_min": 0.5, "coverage_min": 0.88, "coverage_max": 0.92}
# The challenge: a miss is what the law is about, a false challenge what customers leave for.
CHALLENGE_RULES: Final = {
    "miss_14_17_low_max": 0.07,
    "miss_14_17_max": 0.10,
    "false_35_plus_max": 0.10,
    "ece_max": 0.03,
    "n_14_17_min": 50,
}


def conclusions(figures: dict[str, Any]) -> dict[str, Any]:
    """For `offers` and `challenge`: a verdict (`yes`, `no` or `unknown`) and the checks behind it.

    A check is `{"rule", "value", "limit", "passed"}`; `passed` is None where the figure is missing.
    """
    overall, calibration = figures["overall"], figures["calibration"]
    tau = figures["challenge25"]["tau"]
    covered = calibration["coverage90"]
    offers = [
        _at_most("mae", overall["mae_mean"], OFFER_RULES["mae_max"]),
        _at_least("cs5", overall["cs5"], OFFER_RULES["cs5_min"]),
        _at_least("coverage90", covered, OFFER_RULES["coverage_min"]),
        _at_most("coverage90", covered, OFFER_RULES["coverage_max"]),
    ]
    interval = tau["ci95"]
    challenge = [
        _at_least("n_14_17", tau.get("n_14_17"), CHALLENGE_RULES["n_14_17_min"]),
        _at_most("miss_14_17", tau["miss_14_17"], CHALLENGE_RULES["miss_14_17_max"]),
        _at_most(
            "miss_14_17_ci_low", interval[0] if interval else None, CHALLENGE_RULES["miss_14_17_low_max"]
        ),
        _at_most("false_35_plus", tau["false_35_plus"], CHALLENGE_RULES["false_35_plus_max"]),
        _at_most("ece_under_25", calibration["ece_under_25"], CHALLENGE_RULES["ece_max"]),
    ]
    return {
        "offers": {"verdict": _verdict(offers), "checks": offers},
        "challenge": {"verdict": _verdict(challenge), "checks": challenge},
    }


def _at_most(rule: str, value: float | None, limit: float) -> dict[str, Any]:
    return {
        "rule": rule,
        "bound": "at_most",
        "value": value,
        "limit": limit,
        "passed": None if value is None else value <= limit,
    }


def _at_least(rule: str, value: float | None, limit: float) -> dict[str, Any]:
    return {
        "rule": rule,
        "bound": "at_least",
        "value": value,
        "limit": limit,
        "passed": None if value is None else value >= limit,
    }


def _verdict(checks: list[dict[str, Any]]) -> str:
    if any(check["passed"] is False for check in checks):
        return "no"
    return "unknown" if any(check["passed"] is None for check in checks) else "yes"
