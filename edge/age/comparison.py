"""May a bundle take another's place? Its misses at 14–17 against the installed one's, from what `evaluate` wrote.

A till box has no faces to measure on, so `evaluate --into-bundle` leaves one character a 14–17-year-old in the
bundle: "1" where the model missed them. Two bundles measured on the same faces are compared face by face.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge.age.bundle import AgeBundle

__all__ = ["SIGNIFICANT", "MinorsComparison", "compare_minors"]

SIGNIFICANT: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorsComparison:
    """Shares of 14–17-year-olds missed (0..1) of both bundles, and how likely chance alone makes the new one so bad.

    `p` is one-sided; None where the bundles were not measured on the same faces, which `why_not` then tells.
    """

    offered: float | None
    installed: float | None
    n: int
    p: float | None
    why_not: str = ""

    @property
    def worse(self) -> bool:
        """Whether the offered bundle misses significantly more (5 %)."""
        return self.p is not None and self.p < SIGNIFICANT


def compare_minors(offered: AgeBundle, installed: AgeBundle) -> MinorsComparison:
    """Compare two bundles by the misses at their own τ.

    On the same faces by the exact McNemar test (binomial over the faces on which the two differ; McNemar 1947).
    """
    new, old = _minors(offered), _minors(installed)
    if new is None or old is None:
        unmeasured = offered if new is None else installed
        return MinorsComparison(
            offered=_share(new),
            installed=_share(old),
            n=0,
            p=None,
            why_not=f"{unmeasured.name} was never measured at its own τ",
        )
    if new["faces"] != old["faces"] or len(new["missed"]) != len(old["missed"]):
        return MinorsComparison(
            offered=_share(new),
            installed=_share(old),
            n=0,
            p=None,
            why_not="the two were measured on different faces",
        )
    pairs = list(zip(new["missed"], old["missed"], strict=True))
    return MinorsComparison(
        offered=_share(new),
        installed=_share(old),
        n=len(pairs),
        p=_at_least(pairs.count(("1", "0")), pairs.count(("1", "0")) + pairs.count(("0", "1"))),
    )


def _minors(bundle: AgeBundle) -> Mapping[str, str] | None:
    """`metrics.minors` where it is what `evaluate` writes; anything else counts as never measured."""
    told: Any = (bundle.metrics or {}).get("minors")
    if not isinstance(told, Mapping) or not isinstance(told.get("faces"), str):
        return None
    missed = told.get("missed")
    return told if isinstance(missed, str) and missed and set(missed) <= {"0", "1"} else None


def _share(minors: Mapping[str, str] | None) -> float | None:
    return None if minors is None else minors["missed"].count("1") / len(minors["missed"])


def _at_least(hits: int, n: int) -> float:
    """P(X ≥ hits) of n fair coins."""
    return float(math.fsum(math.comb(n, k) for k in range(hits, n + 1)) / 2**n)
