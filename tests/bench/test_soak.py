"""What the soak says of the samples it took: flat, or grown, and by what."""

from __future__ import annotations

from typing import Any

from edge.bench import soak


def sample(at_s: float, **changed: Any) -> dict[str, Any]:
    kinds = {"file security.db": 5, "pipe": 3, **changed.pop("kinds", {})}
    return {
        "at_s": at_s,
        "rss_mb": 280.0,
        "descriptors": sum(kinds.values()),
        "descriptors_by_kind": kinds,
        "threads": 20,
        **changed,
    }


def figures(samples: list[dict[str, Any]]) -> dict[str, Any]:
    courses = {name: soak._course(samples, name) for name in ("rss_mb", "descriptors", "threads")}
    return {
        **courses,
        "descriptors_by_kind": soak._by_kind(samples),
        "seconds": samples[-1]["at_s"],
        "faults": {"camera cut": 1},
        "events": {"lost_in_file": 0, "lost_in_webhook": 0},
        "till": {"unanswered": 0},
        "lag_s": {"max": 1.0, "max_after_a_calm_minute": 0.5},
    }


def judged(samples: list[dict[str, Any]]) -> tuple[list[str], str]:
    found = figures(samples)
    found["broken"] = soak._broken(found)
    return found["broken"], soak._table(found).splitlines()[-1]


def test_a_box_that_stays_as_it_is_breaks_no_limit() -> None:
    assert judged([sample(2.0 * n) for n in range(900)]) == ([], "limits broken: none")


def test_a_leak_is_told_by_its_name_and_what_comes_and_goes_is_not() -> None:
    """One connection more every two minutes, and a webhook's that is there every other sample."""
    leaking = [
        sample(2.0 * n, kinds={"file security.db": 5 + n // 60, "tcp established to :443": n % 2})
        for n in range(900)
    ]

    broken, told = judged(leaking)

    assert broken == ["descriptors_growth"]
    assert told == "limits broken: descriptors_growth (file security.db +11)"


def test_what_fills_up_in_the_first_two_minutes_is_no_growth() -> None:
    warming = [sample(2.0 * n, rss_mb=min(280.0, 200.0 + 2 * n)) for n in range(900)]
    assert judged(warming)[0] == []


def test_memory_that_creeps_is_told() -> None:
    creeping = [sample(2.0 * n, rss_mb=280 + n / 40) for n in range(900)]
    assert judged(creeping)[0] == ["growth_share"]


def test_a_run_of_three_minutes_judges_nothing_that_takes_time() -> None:
    short = [sample(2.0 * n, kinds={"pipe": n}) for n in range(90)]
    assert (soak._course(short, "descriptors")["growth"], soak._by_kind(short)) == (None, None)
    assert judged(short)[0] == []
