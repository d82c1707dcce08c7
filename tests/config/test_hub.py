"""Hub and shifts: what a shop may write, and what it is told where it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.hub import build_hub
from edge.config import Config, ConfigError, parse_config
from tests.events.test_mqtt import certificates

LEAST = "cameras: [{name: cam-1, source: demo}]\nlanes: [{name: lane-1, camera: cam-1}]\n"
SINK = "sinks: [{kind: mqtt, name: broker, purpose: security, host: broker.shop.example}]\n"


def read(more: str) -> Config:
    return parse_config((LEAST + more).encode(), file="box.yaml", folder=Path())


def test_a_hub_turns_boxes_red_within_a_minute_whatever_is_set() -> None:
    hub = read(SINK + "hub: {host: broker.shop.example, boxes: [box-2]}").hub
    assert hub is not None
    assert (hub.role, hub.silent_s, hub.effective_port, hub.boxes) == ("hub", 40.0, 1883, ("box-2",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SINK + "hub: {host: b.example, silent_s: 90}",
            "hub.silent_s: '90' is not allowed; a number from 25 to 55",
        ),
        (
            SINK + "hub: {host: b.example, role: chief}",
            "hub.role: 'chief' is not allowed; one of hub, member",
        ),
        (SINK + "hub: {host: b.example, ca_file: pyproject.toml}", "has no effect without 'tls: true'"),
        (
            SINK + "hub: {host: b.example, tls: true, cert_file: pyproject.toml}",
            "cert_file and key_file (or key_credential) belong together",
        ),
        (SINK + "hub: {host: b.example, password_env: P}", "a password without 'user'"),
        ("hub: true", "hub: 'true' is not allowed; a mapping with host, role"),
        ("hub: {host: b.example}", "hub: needs an MQTT sink with 'purpose: security'"),
        (
            SINK.replace("host", "types: [checkout.alert.raised.v1], host") + "hub: {host: b.example}",
            "hub: needs an MQTT sink with 'purpose: security'",
        ),
        ("shifts: {begin: ['14:00', '06:00']}", "shifts.begin: times rise from shift to shift, each once"),
        ("shifts: {begin: ['6:00']}", "'6:00' is not allowed; a time such as '06:00'"),
        ("shifts: {begin: []}", "shifts.begin: 0 entries are not allowed; a list of 1 to 12 entries"),
    ],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(text)
    assert said in str(error.value)


def test_hub_true_takes_the_broker_of_the_sink_for_security() -> None:
    sinks = (
        "sinks:\n"
        "  - {kind: mqtt, name: m, purpose: marketing, host: other.example}\n"
        "  - {kind: mqtt, name: s, purpose: security, host: b.example, port: 1999, prefix: shop, user: u,"
        " password_env: P}\n"
    )
    hub = read(sinks + "hub: true").hub
    assert hub is not None
    assert (hub.role, hub.host, hub.effective_port, hub.prefix, hub.user) == (
        "hub",
        "b.example",
        1999,
        "shop",
        "u",
    )
    assert (
        hub == read(sinks + "hub: {host: b.example, port: 1999, prefix: shop, user: u, password_env: P}").hub
    )


def test_hub_true_shows_the_broker_the_sinks_own_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that asks for one let the sink in and the hub not."""
    ca, key, cert = certificates(tmp_path, "shop")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    tls = f"host: b.example, tls: true, ca_file: {ca}, cert_file: {cert}"
    for told in (f"key_file: {key}", f"key_credential: {key.name}"):
        config = read(f"sinks: [{{kind: mqtt, name: s, purpose: security, {tls}, {told}}}]\nhub: true")
        hub = build_hub(config, None, changed=lambda: None)  # type: ignore[arg-type]
        assert hub is not None
        broker = hub._listener._broker
        assert (broker.ca_file, broker.cert_file, broker.key_file) == (ca, cert, key)


def test_hub_false_is_no_hub() -> None:
    assert read(SINK + "hub: false").hub is None


def test_hub_true_passes_over_a_sink_that_boxes_cannot_hear_each_other_by() -> None:
    sinks = (
        "sinks:\n"
        "  - {kind: mqtt, name: n, purpose: security, types: [checkout.alert.raised.v1], host: narrow.example}\n"
        "  - {kind: mqtt, name: w, purpose: security, host: whole.example}\n"
    )
    hub = read(sinks + "hub: true").hub
    assert hub is not None
    assert hub.host == "whole.example"


@pytest.mark.parametrize(
    "odd",
    [
        "kind: mqtt\n    ? [a]\n    : b",
        "kind: mqtt\n    types: 5",
        "kind: mqtt\n    types: [[a]]",
        "kind: [mqtt]",
    ],
)
def test_hub_true_beside_a_sink_that_is_no_sink_is_refused_in_words(odd: str) -> None:
    with pytest.raises(ConfigError):
        read(f"sinks:\n  - name: s\n    purpose: security\n    host: b.example\n    {odd}\nhub: true")
