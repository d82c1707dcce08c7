"""How a receipt ends whatever comes together on it, who is judged, and how loud an alert is."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from edge.flow import AgeEstimate, TillEvent, UnknownReason
from edge.rules import AgeRule, AlertRaised, CheckRequested, LaneRules, SaleEnded
from edge.rules.judge import severity
from tests.rules.scene import LANE, Scene, a_policy, ns, words

RULE = AgeRule(legal_age=18, challenge_age=25, tau=0.3)
_P = {"nobody": None, "unreadable": None, "young": 0.9, "older": 0.05}
_FACTS = ("receipt.cancelled", "sale.refused", "item.voided", "id.verified", "id.known")


def first_that_holds(facts: dict[str, bool], who: str) -> tuple[str, str | None]:
    """The order of the format page, by hand."""
    table: list[tuple[bool, tuple[str, str | None]]] = [
        (facts["receipt.cancelled"], ("cancelled", "till")),
        (facts["sale.refused"], ("refused", None)),
        (facts["item.voided"], ("no_restricted_item", None)),
        (facts["id.verified"], ("checked", None)),
        (facts["id.known"], ("checked", "customer_known")),
        (who == "nobody", ("unseen", "no_face")),
        (who == "unreadable", ("unseen", "turned_away")),
        (who == "young", ("unchecked", None)),
        (True, ("not_prompted", None)),
    ]
    return next(outcome for holds, outcome in table if holds)


@pytest.mark.parametrize("who", _P)
def test_the_first_outcome_that_holds_is_the_outcome(who: str) -> None:
    """Every combination of what a till may tell, in the order given and backwards."""
    for told, backwards in product(product((False, True), repeat=len(_FACTS)), (False, True)):
        facts = dict(zip(_FACTS, told, strict=True))
        scene = Scene().beer(at_s=5)
        if who != "nobody":
            scene.person("t-1", from_s=0, to_s=16, p_under_25=_P[who])
        middle = [kind for kind in _FACTS[1:] if facts[kind]]
        for place, kind in enumerate(reversed(middle) if backwards else middle):
            more = {"sku": "lager"} if kind == "item.voided" else {}
            scene.till(kind, at_s=8 + place, **more)
        scene.till("receipt.cancelled" if facts["receipt.cancelled"] else "receipt.closed", at_s=14)
        decisions = scene.play()
        [ended] = [one for one in decisions if isinstance(one, SaleEnded)]
        expected = first_that_holds(facts, who)
        assert (ended.outcome.value, ended.reason) == expected, facts
        alerts = [words(one)[2] for one in decisions if isinstance(one, AlertRaised)]
        assert alerts == {"unchecked": ["unchecked_sale"], "unseen": ["unseen_customer"]}.get(expected[0], [])


@pytest.mark.parametrize(
    ("p_under_18", "p_under_25", "loud"),
    [
        (0.5, 0.9, "high"),
        (0.49994, 0.9, "medium"),
        (0.49995, 0.9, "high"),  # as printed, with four digits, it is 0.5
        (0.1, 0.5, "medium"),
        (0.1, 0.49, "low"),
    ],
)
def test_an_alert_is_as_loud_as_its_own_figures_say(p_under_18: float, p_under_25: float, loud: str) -> None:
    told = AgeEstimate(mean_years=20.0, p_under={18: p_under_18, 25: p_under_25})
    assert severity(told, RULE).value == loud
    assert severity(None, RULE).value == "low"
    assert severity(AgeEstimate(reason=UnknownReason.BLURRED), RULE).value == "low"


def two_young_friends(party: str) -> Scene:
    """As long and as near: nobody can tell who pays."""
    scene = Scene(policy=a_policy(party=party))
    for name in ("a", "b"):
        scene.person(name, from_s=0, to_s=16, p_under_25=0.9, p_under_18=0.8)
    return scene.beer(at_s=5).till("receipt.closed", at_s=14)


def test_where_nobody_can_tell_who_pays_nobody_is_accused() -> None:
    assert two_young_friends("payer").told() == [
        ("outcome", "r-1", "unseen", "ambiguous", None),
        ("alert", "r-1", "unseen_customer", "low"),
    ]


def test_where_anyone_counts_the_cashier_is_asked_though_nobody_can_tell_who_pays() -> None:
    assert two_young_friends("anyone").told()[0][0] == "check"
    assert two_young_friends("anyone").told()[1:] == two_young_friends("payer").told()


def test_a_young_companion_counts_where_anyone_does_and_figures_stay_the_payers() -> None:
    """Event, outcome and alert carry one figure, the payer's, and the alert is as loud as that figure."""

    def a_pair(party: str) -> Scene:
        scene = Scene(policy=a_policy(party=party))
        scene.person("parent", from_s=0, to_s=16, p_under_25=0.05)
        scene.person("son", from_s=0, to_s=16, p_under_25=0.95, p_under_18=0.8, face_px=100)
        return scene.beer(at_s=5).till("receipt.closed", at_s=14)

    assert a_pair("payer").told() == [("outcome", "r-1", "not_prompted", None, "parent")]
    assert a_pair("anyone").told() == [
        ("check", "r-1", "son"),
        ("outcome", "r-1", "unchecked", None, "parent"),
        ("alert", "r-1", "unchecked_sale", "low"),
    ]
    asked, ended, alert = (one for one in a_pair("anyone").play() if words(one)[0] != "person")
    assert isinstance(asked, CheckRequested)
    assert isinstance(ended, SaleEnded)
    assert isinstance(alert, AlertRaised)
    assert asked.estimate.p_under[25] == 0.95
    assert ended.estimate == alert.estimate
    assert ended.estimate is not None
    assert ended.estimate.p_under[25] == 0.05


@pytest.mark.parametrize(
    ("ages", "legal_age"), [((16,), 16), ((18, 16), 18), ((17,), 18), ((None,), 18), ((65,), 21)]
)
def test_goods_of_several_ages_are_judged_by_the_strictest_rule_that_covers_them(
    ages: tuple[int | None, ...], legal_age: int
) -> None:
    rules = {age: AgeRule(legal_age=age, challenge_age=age + 5, tau=0.3) for age in (16, 18, 21)}
    scene = Scene(policy=a_policy(rules=rules, default_legal_age=18))
    for place, age in enumerate(ages):
        scene.till("item.added", at_s=5 + place, sku=f"s-{place}", restricted=True, min_age=age)
    scene.till("receipt.closed", at_s=14)
    [ended] = [one for one in scene.play() if isinstance(one, SaleEnded)]
    assert ended.rule.legal_age == legal_age


def test_a_beer_scanned_twice_and_struck_and_scanned_again_is_asked_for_once() -> None:
    scene = Scene().person("t-1", from_s=0, to_s=30, p_under_25=0.9)
    scene.beer(at_s=5).beer(at_s=6).till("item.voided", at_s=7, sku="lager")
    scene.till("item.voided", at_s=8, sku="lager").beer(at_s=9).till("item.voided", at_s=10, sku="lager")
    scene.beer(at_s=12, quantity=3).till("item.voided", at_s=13, sku="lager").till("receipt.closed", at_s=20)
    assert scene.told() == [
        ("check", "r-1", "t-1"),
        ("outcome", "r-1", "unchecked", None, "t-1"),
        ("alert", "r-1", "unchecked_sale", "medium"),
    ]


def test_a_receipt_that_the_till_forgets_is_abandoned_once_and_late_words_change_nothing() -> None:
    scene = Scene(policy=a_policy(receipt_timeout_s=60)).beer(at_s=5).beer(at_s=40, receipt="r-1")
    rules = LaneRules(lane=LANE, policy=scene.policy)
    first, second = (fact.what for fact in scene.facts)
    rules.on_till(first)  # type: ignore[arg-type]
    assert rules.tick(ns(64)) == []
    rules.on_till(second)  # type: ignore[arg-type]
    assert rules.tick(ns(99)) == []
    assert [words(one)[2:4] for one in rules.tick(ns(101))] == [("cancelled", "abandoned")]
    late = Scene().till("receipt.closed", at_s=110, id="late").facts[0].what
    assert rules.on_till(late) == []  # type: ignore[arg-type]
    assert rules.tick(ns(400)) == []
    assert rules.open_receipts == 0


def test_a_receipt_that_is_told_again_at_night_has_ended_and_its_number_given_anew_has_not() -> None:
    """By another door, under other ids: it ended a second time, with an alert, since nobody remembered it."""

    def a_sale(at_s: float, name: str) -> list[TillEvent]:
        scene = Scene().beer(at_s=at_s).till("receipt.closed", at_s=at_s + 9)
        facts = [fact.what for fact in scene.facts if isinstance(fact.what, TillEvent)]
        return [replace(fact, id=f"{name}-{fact.id}") for fact in facts]

    rules, told = LaneRules(lane=LANE, policy=a_policy()), 0
    hour = 3600.0

    def tell(facts: list[TillEvent], now_s: float) -> int:
        for fact in facts:
            rules.on_till(fact)
        return sum(isinstance(one, SaleEnded) for one in rules.tick(ns(now_s)))

    assert tell(a_sale(0, "live"), 20) == 1
    for now_s in range(60, int(12 * hour), 600):
        told += tell([], now_s)
    assert told == 0
    assert tell(a_sale(0, "night"), 12 * hour) == 0
    assert tell(a_sale(11 * hour, "anew"), 12 * hour + 1) == 1
    assert tell(a_sale(-20 * hour, "yesterday"), 12 * hour + 2) == 1


def test_a_lane_hears_no_other_lane() -> None:
    told = Scene().beer(at_s=5).facts[0].what
    with pytest.raises(ValueError, match="lane-1"):
        LaneRules(lane="lane-2", policy=a_policy()).on_till(told)  # type: ignore[arg-type]
