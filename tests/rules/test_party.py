"""Twenty scenes drawn by hand: who pays?

A scene is a list of people `(name, from_s, to_s, face_px)`, seen five times a second in the customer zone; the first
item is scanned at 10 s, the total comes at 20 s.
"""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rules.party import GAP_S, PartyVerdict, Standing, choose_payer

SECOND = 10**9
Person = tuple[str, float, float, float]


def standing(people: list[Person]) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    for name, from_s, to_s, face_px in people:
        own = found.setdefault(name, Standing())
        for step in range(round((to_s - from_s) * 5) + 1):
            own.add(round((from_s + step / 5) * SECOND), face_px)
    return found


def judged(people: list[Person], *, served: set[str] = frozenset(), total_s: float = 20.0) -> PartyVerdict:  # type: ignore[assignment]
    return choose_payer(standing(people), from_ns=10 * SECOND, to_ns=round(total_s * SECOND), served=served)


SCENES: dict[str, tuple[list[Person], str | None, bool]] = {
    "one customer": ([("a", 8, 22, 120)], "a", False),
    "nobody": ([], None, False),
    "somebody who left before the first item": ([("a", 1, 9, 120)], None, False),
    "somebody who came after the total": ([("a", 21, 30, 120)], None, False),
    "a child beside a parent": ([("parent", 8, 22, 120), ("child", 8, 22, 95)], "parent", False),
    "two of a size, as near": ([("a", 8, 22, 120), ("b", 8, 22, 120)], None, True),
    "two almost as near": ([("a", 8, 22, 120), ("b", 8, 22, 118)], None, True),
    "a friend who came late": ([("payer", 8, 22, 115), ("friend", 16, 22, 118)], "payer", False),
    "the next one waits behind": ([("payer", 8, 22, 120), ("next", 12, 40, 75)], "payer", False),
    "the next one stands close for the last seconds": (
        [("payer", 8, 20, 110), ("next", 17, 40, 112)],
        "payer",
        False,
    ),
    "the one before lingers": ([("before", 0, 13, 120), ("payer", 9, 22, 115)], "payer", False),
    "the one before stands nearer, shortly": (
        [("before", 0, 12, 150), ("payer", 10, 22, 100)],
        "payer",
        False,
    ),
    "somebody walks by": ([("payer", 8, 22, 110), ("x", 14, 15, 170)], "payer", False),
    "only somebody who walks by": ([("x", 14, 14.4, 170)], None, False),
    "the payer looks away for two seconds": (
        [("a", 8, 14, 120), ("a", 16, 22, 120), ("b", 8, 22, 100)],
        "a",
        False,
    ),
    "the payer turned away for most of it": (
        [("a", 8, 11, 120), ("a", 17, 22, 120), ("b", 8, 22, 90)],
        "b",
        False,
    ),
    "the payer came when scanning had begun": ([("a", 13, 22, 120)], "a", False),
    "a family of three": ([("a", 8, 22, 125), ("b", 8, 22, 105), ("c", 8, 22, 80)], "a", False),
    "three friends as near": ([("a", 8, 22, 120), ("b", 8, 22, 119), ("c", 8, 22, 118)], None, True),
    "a tall one behind, nearer in pixels but there for half": (
        [("a", 8, 22, 105), ("b", 15, 22, 125)],
        "a",
        False,
    ),
}


def test_there_are_twenty_scenes() -> None:
    assert len(SCENES) == 20


@pytest.mark.parametrize(("people", "payer", "ambiguous"), SCENES.values(), ids=SCENES.keys())
def test_the_payer_of_a_scene(people: list[Person], payer: str | None, ambiguous: bool) -> None:
    verdict = judged(people)
    assert (verdict.payer, verdict.ambiguous) == (payer, ambiguous)
    assert payer not in verdict.companions
    assert {one.track for one in verdict.candidates} == {*verdict.companions, *([payer] if payer else [])}


def test_who_paid_the_receipt_before_gives_way_to_somebody_less_near() -> None:
    people: list[Person] = [("before", 0, 22, 130), ("payer", 9, 22, 110)]
    assert judged(people).payer == "before"
    assert judged(people, served={"before"}).payer == "payer"
    assert judged([people[0]], served={"before"}).payer == "before"  # bought something again, alone


def test_a_receipt_of_one_item_is_judged_over_its_last_second() -> None:
    assert judged([("a", 8, 22, 120)], total_s=10.0).payer == "a"


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_sightings_may_come_in_any_order_and_twice(seed: int) -> None:
    rng = random.Random(seed)
    times = sorted(rng.sample(range(0, 30_000, 50), 40))
    ordered, shuffled = Standing(), Standing()
    for at in times:
        ordered.add(at * 10**6, float(at))
    for at in rng.sample(times, len(times)) + times[:5]:
        shuffled.add(at * 10**6, float(at))
    assert (ordered.at_ns, ordered.face_px) == (shuffled.at_ns, shuffled.face_px)
    from_ns, to_ns = sorted(rng.randrange(0, 30_000) * 10**6 for _ in range(2))
    assert (
        ordered.seconds(from_ns, to_ns)
        == shuffled.seconds(from_ns, to_ns)
        == pytest.approx(_by_hand(times, from_ns, to_ns))
    )


def _by_hand(times_ms: list[int], from_ns: int, to_ns: int) -> float:
    """Milliseconds counted one by one: covered where a gap up to `GAP_S` lies between two sightings before `to`."""
    known = [at for at in times_ms if at * 10**6 <= to_ns]
    total_ns = 0
    for before, after in pairwise(known):
        if after - before <= GAP_S * 1000:
            total_ns += max(0, after * 10**6 - max(before * 10**6, from_ns)) if after * 10**6 > from_ns else 0
    return total_ns / 1e9
