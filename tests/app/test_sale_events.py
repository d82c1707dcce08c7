"""What a prompt and an alert carry, so that months later somebody can say why they came."""

from __future__ import annotations

from typing import Any

import pytest

from edge.app.sale_events import SaleEvents
from edge.rules import AlertRaised, CheckRequested, Decision
from tests.rules.scene import Scene, a_policy

POLICY = a_policy(name="night", config_hash="c0ffee", clock_offset_s=1.5)
URL = "https://vms.example/{camera}?from={from}&to={to}&s={from_s}-{to_s}&r={receipt}&lane={lane}"


def told_of(scene: Scene, kind: type[Decision]) -> dict[str, Any]:
    sales = SaleEvents(
        store="store-1", box="box-1", camera="cam 1", policy=POLICY, vms_url_template=URL, model="m/2+beef"
    )
    [decision] = [one for one in scene.play() if isinstance(one, kind)]
    return dict(sales.event(decision).data)


def a_sale(*, seen: bool = True) -> Scene:
    """Opened at 5 s and closed at 14 s of the till's clock, which is 1.5 s behind the camera's."""
    scene = Scene(policy=POLICY).till("receipt.opened", at_s=5, receipt="r/1", cashier="c-7")
    if seen:
        scene.person("t-1", from_s=0, to_s=18, p_under_25=0.9, p_under_18=0.6)
    return scene.beer(at_s=7, receipt="r/1").till("receipt.closed", at_s=14, receipt="r/1")


@pytest.mark.parametrize("kind", [CheckRequested, AlertRaised])
def test_it_names_model_threshold_policy_configuration_camera_and_clock(kind: type[Decision]) -> None:
    told = told_of(a_sale(), kind)
    assert (told["model"], told["camera"], told["clock_offset_s"]) == ("m/1", "cam 1", 1.5)
    policy = told["policy"]
    assert (policy["name"], policy["tau"], policy["config_hash"]) == ("night", 0.3, "c0ffee")
    assert (policy["legal_age"], policy["challenge_age"]) == (18, 25)


def test_an_alert_spans_the_receipt_by_the_box_s_clock_and_five_seconds_to_either_side() -> None:
    told = told_of(a_sale(), AlertRaised)
    assert (told["from"], told["to"]) == ("2026-01-05T10:00:01.500Z", "2026-01-05T10:00:20.500Z")
    assert (told["lane"], told["receipt"], told["items"]) == ("lane-1", "r/1", ["lager"])
    assert (told["severity"], told["cashier"]) == ("high", "c-7")
    assert told["p_under"]["18"] == 0.6


def test_its_link_into_the_shop_s_recorder_has_the_same_span_and_nothing_that_breaks_an_address() -> None:
    assert told_of(a_sale(), AlertRaised)["vms_url"] == (
        "https://vms.example/cam%201?from=2026-01-05T10%3A00%3A01.500Z&to=2026-01-05T10%3A00%3A20.500Z"
        "&s=1767607201-1767607221&r=r%2F1&lane=lane-1"
    )


def test_an_alert_about_somebody_unseen_names_the_model_in_use_and_no_figures() -> None:
    told = told_of(a_sale(seen=False), AlertRaised)
    assert (told["kind"], told["model"], told["age"], told["p_under"]) == (
        "unseen_customer",
        "m/2+beef",
        None,
        None,
    )
    assert told["policy"]["tau"] == 0.3
