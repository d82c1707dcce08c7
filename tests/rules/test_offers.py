"""Suggestions: only for whom enough is known, and never restricted goods for somebody who may be a minor."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.flow import AgeEstimate, UnknownReason
from edge.rules import AtTill, Line, ReceiptFacts
from edge.rules.offers import OfferLimits, OfferTable, suggest

LIMITS = OfferLimits(crops_min=3, share_min=0.5, minor_p_max=0.01, items_max=3, legal_ages=(18, 21))
RESTRICTED = {"lager": True, "vodka": True, "crisps": False, "milk": False}
TABLE = OfferTable(
    goods={
        (1, None): ("lager", "crisps", "new-alcopop", "cola", "nuts"),
        (1, "dairy"): ("vodka", "cereal"),
        (0, None): ("crisps", "lager"),
    }
)


def known(p_minor: float = 0.0, *, shares=(0.1, 0.9), crops: int = 5) -> AgeEstimate:
    return AgeEstimate(
        mean_years=20.0,
        median_years=20.0,
        low_years=16.0,
        high_years=30.0,
        p_under={18: p_minor / 2, 21: p_minor},
        crops=crops,
        quality=0.8,
        shares=shares,
    )


def at_till(customer: AgeEstimate | None, *categories: str | None, skus: tuple[str, ...] = ()) -> AtTill:
    lines = tuple(
        Line(
            sku=sku,
            name=None,
            quantity=Decimal(1),
            added_ns=0,
            restricted=False,
            min_age=None,
            category=category,
        )
        for sku, category in [
            *((f"bought-{n}", one) for n, one in enumerate(categories)),
            *((s, None) for s in skus),
        ]
    )
    facts = ReceiptFacts(
        receipt="r-1",
        lane="lane-1",
        opened_ns=0,
        last_ns=0,
        first_item_ns=0,
        closed_ns=None,
        cancelled_ns=None,
        refused_ns=None,
        verified_ns=None,
        known_ns=None,
        cashier=None,
        lines=lines,
    )
    return AtTill(receipt_ns=7, facts=facts, customer=customer)


def said(customer: AgeEstimate | None, *categories: str | None, **more) -> tuple[str, ...] | None:
    found = suggest(at_till(customer, *categories, **more), TABLE, LIMITS, restricted=RESTRICTED)
    return None if found is None else found.items


def test_goods_for_what_is_in_the_basket_come_before_goods_for_any_basket():
    assert said(known(), "dairy") == ("vodka", "cereal", "lager")
    assert said(known(), "toys") == ("lager", "crisps", "new-alcopop")
    assert said(known(), None, skus=("lager",)) == ("crisps", "new-alcopop", "cola")


def test_who_may_be_a_minor_sees_only_what_the_till_has_sold_as_free():
    assert said(known(0.02), "dairy") == ("crisps",)
    assert said(known(0.01), "dairy") == ("vodka", "cereal", "lager")


def test_nothing_is_suggested_while_little_is_known():
    for customer in (
        None,
        AgeEstimate(reason=UnknownReason.BLURRED),
        known(crops=2),
        known(shares=()),
        known(shares=(0.4, 0.3, 0.3)),
    ):
        assert said(customer, "dairy") is None


_AGES = st.floats(0, 1)


@settings(deadline=None)
@given(
    p=st.tuples(_AGES, _AGES),
    without=st.sampled_from([None, 18, 21]),
    limit=st.floats(0, 0.5),
    restricted=st.dictionaries(st.sampled_from("abcdef"), st.booleans()),
    goods=st.lists(st.sampled_from("abcdef"), max_size=6),
    share=st.floats(0.5, 1),
)
def test_restricted_goods_are_never_suggested_to_anyone_who_may_be_under_any_legal_age(
    *, p, without, limit, restricted, goods, share
):
    p_18, p_21 = p
    p_under = {age: p for age, p in ((18, p_18), (21, p_21)) if age != without}
    customer = AgeEstimate(
        mean_years=20.0,
        median_years=20.0,
        low_years=1.0,
        high_years=90.0,
        p_under=p_under,
        crops=9,
        shares=(share, 1 - share),
    )
    table = OfferTable(goods={(0, None): tuple(goods)})
    limits = OfferLimits(crops_min=1, share_min=0.5, minor_p_max=limit, items_max=6, legal_ages=(18, 21))
    found = suggest(at_till(customer, None), table, limits, restricted=restricted)
    may_be_young = any(p_under.get(age, 1.0) > limit for age in (18, 21))
    if may_be_young and found is not None:
        assert all(restricted.get(sku) is False for sku in found.items)
