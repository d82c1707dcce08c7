"""Spans without evidence: a till that says nothing, a camera that sees nothing, each told once while it lasts."""

from __future__ import annotations

from dataclasses import replace

from edge.flow import Role
from edge.rules.gaps import Blindness, Silence
from tests.rules.scene import Scene, a_policy, ns

POLICY = a_policy(till_silent_s=600.0)


def a_customer(from_s: float, *, role: Role = Role.CUSTOMER):  # type: ignore[no-untyped-def]
    scene = Scene().person("t", from_s=from_s, to_s=from_s + 10)
    return replace(scene.facts[-1].what, role=role)  # type: ignore[type-var]


def test_customers_without_a_receipt_make_a_till_silent_once_until_it_speaks() -> None:
    silence = Silence("lane-1", POLICY, since_ns=ns(0))
    for number in range(3):
        silence.left(a_customer(100.0 * number))
    assert silence.tick(ns(599)) is None
    alert = silence.tick(ns(600))
    assert alert is not None
    assert (alert.kind.value, alert.from_ns, alert.count) == ("till_silent", ns(0), 3)
    assert silence.tick(ns(5000)) is None
    silence.heard(ns(6000))
    for number in range(3):
        silence.left(a_customer(6100.0 + 100 * number))
    again = silence.tick(ns(6700))
    assert again is not None
    assert again.alert != alert.alert


def test_an_empty_shop_and_people_who_walk_by_make_no_till_silent() -> None:
    silence = Silence("lane-1", POLICY, since_ns=ns(0))
    for number in range(9):
        silence.left(a_customer(50.0 * number, role=Role.PASSER_BY))
    silence.left(a_customer(500.0))
    assert silence.tick(ns(90_000)) is None


def test_a_till_that_may_be_silent_for_ever_is_never_told() -> None:
    silence = Silence("lane-1", a_policy(till_silent_s=0.0), since_ns=ns(0))
    for number in range(9):
        silence.left(a_customer(50.0 * number))
    assert silence.tick(ns(90_000)) is None


def test_a_silence_that_was_told_before_a_restart_is_not_told_again() -> None:
    silence = Silence("lane-1", POLICY, since_ns=ns(5000), told_ns=ns(0))
    for number in range(9):
        silence.left(a_customer(5000.0 + 50 * number))
    assert silence.tick(ns(90_000)) is None


def test_a_blind_camera_counts_the_sales_that_closed_in_its_span_alone() -> None:
    blind = Blindness("lane-1", POLICY)
    began = blind.begin(ns(100))
    assert began is not None
    assert blind.begin(ns(101)) is None
    assert blind.counts(ns(90), ns(99), receipt="r-0", receipt_ns=ns(90), items=()) is None
    counted = blind.counts(ns(110), ns(110), receipt="r-1", receipt_ns=ns(105), items=("lager",))
    assert counted is not None
    assert (counted.alert, counted.count, counted.from_ns) == (began.alert, 1, ns(100))
    blind.end(ns(120))
    assert blind.counts(ns(130), ns(130), receipt="r-2", receipt_ns=ns(125), items=()) is None
    assert blind.spans == ((ns(100), ns(120)),)


def test_a_sale_that_is_judged_when_the_lane_sees_again_counts_in_the_span_that_it_closed_in() -> None:
    blind = Blindness("lane-1", POLICY)
    began = blind.begin(ns(100))
    blind.end(ns(120))
    late = blind.counts(ns(119), ns(119), receipt="r-1", receipt_ns=ns(105), items=())
    assert began is not None
    assert late is not None
    assert (late.alert, late.count) == (began.alert, 1)
    again = blind.begin(ns(200))
    assert again is not None
    assert again.count == 0
    both = blind.counts(ns(110), ns(210), receipt="r-2", receipt_ns=ns(110), items=())
    assert both is not None
    assert (both.alert, both.count) == (again.alert, 1)
    blind.forget(ns(150))
    assert blind.spans == ((ns(200), 2**63),)
