"""Whatever order a till's facts arrive in, within the patience everything is decided as if they had come in theirs."""

from __future__ import annotations

import random
from dataclasses import fields
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.flow import TillEvent
from edge.rules import AlertRaised, Decision, SaleEnded
from tests.rules.scene import Fact, Scene, a_policy

PATIENCE_S = 2.0
_MIDDLE = ("id.verified", "id.known", "sale.refused", "item.voided", "item.added", "bread")


def a_shift(rng: random.Random) -> Scene:
    """A few customers one after the other, some overlapping, each with a receipt that goes any way a receipt may go.

    Some receipts are parked while the next customer is served; at some shifts the camera sees nothing for a while, or
    the till's clock is configured to be off.
    """
    offset_s = rng.choice((0.0, 0.0, 1.5, -4.0))
    policy = a_policy(lateness_s=PATIENCE_S, party=rng.choice(("payer", "anyone")), clock_offset_s=offset_s)
    scene = Scene(policy=policy)
    now_s = 0.0
    for number in range(rng.randint(1, 4)):
        receipt, stay_s = f"r-{number}", rng.uniform(3, 15)
        later = (now_s + rng.uniform(1, stay_s), rng.random()) if rng.random() < 0.5 else None
        if rng.random() < 0.9:
            scene.person(
                f"t-{number}",
                from_s=now_s,
                to_s=now_s + stay_s + rng.uniform(0, 4),
                p_under_25=rng.choice((None, 0.05, 0.25, 0.35, 0.9)),
                face_px=rng.uniform(80, 140),
                later_p=later,
            )
        parked_s = rng.uniform(3, 20) if rng.random() < 0.2 else 0.0
        times = sorted(rng.uniform(now_s, now_s + stay_s) for _ in range(rng.randint(2, 6)))
        times[-1] += parked_s
        _goods(scene, rng, receipt, [at_s - offset_s for at_s in times])
        now_s += stay_s + rng.uniform(0, 3)
    if rng.random() < 0.3:
        blind_s = rng.uniform(0, now_s)
        scene.blind = [(blind_s, True), (blind_s + rng.uniform(1, 20), False)]
    return scene


def _goods(scene: Scene, rng: random.Random, receipt: str, times: list[float]) -> None:
    """Beer first, an end last (or none), and whatever a cashier does between them; times are the till's."""
    scene.beer(at_s=times[0], receipt=receipt, quantity=rng.randint(1, 2))
    for at_s in times[1:-1]:
        kind = rng.choice(_MIDDLE)
        if kind == "bread":
            scene.bread(at_s=at_s, receipt=receipt)
        elif kind == "item.added":
            scene.beer(at_s=at_s, receipt=receipt)
        else:
            more = {"sku": "lager"} if kind == "item.voided" else {}
            scene.till(kind, at_s=at_s, receipt=receipt, **more)
    end = rng.choice(("receipt.closed",) * 4 + ("receipt.cancelled", None))
    if end is not None:
        scene.till(end, at_s=times[-1], receipt=receipt)


def ends(decisions: list[Decision]) -> list[dict[str, Any]]:
    """Every outcome and alert with all its figures, but the names that come from a receipt's first fact to arrive."""
    told = [
        {field.name: getattr(one, field.name) for field in fields(one)}
        for one in decisions
        if isinstance(one, SaleEnded | AlertRaised)
    ]
    return sorted(
        ({name: value for name, value in one.items() if name not in ("receipt_ns", "alert")} for one in told),
        key=repr,
    )


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_late_facts_change_no_outcome_and_no_alert_in_any_figure(seed: int) -> None:
    rng = random.Random(seed)
    scene = a_shift(rng)

    late_s = {id(fact): rng.uniform(0, 0.95 * PATIENCE_S) for fact in scene.facts}

    def on_time_s(fact: Fact) -> float:
        """A till that is behind tells at once all the same: by the box's clock its fact is of now."""
        return fact.at_s + (scene.policy.clock_offset_s if isinstance(fact.what, TillEvent) else 0.0)

    def arrives_s(fact: Fact) -> float:
        return on_time_s(fact) + (late_s[id(fact)] if isinstance(fact.what, TillEvent) else 0.0)

    assert ends(scene.play(arriving=arrives_s)) == ends(scene.play(arriving=on_time_s))
    receipts = [one["receipt"] for one in ends(scene.play()) if "outcome" in one]
    assert sorted(receipts) == sorted(
        {fact.what.receipt for fact in scene.facts if isinstance(fact.what, TillEvent)}
    )
