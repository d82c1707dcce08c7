"""Configured sinks to couriers: each reads the store from its own cursor."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge.config import Config, FileSink, MqttSink, Sink, WebhookSink, read_password
from edge.config.address import hidden_in_address
from edge.events import Courier, MqttBroker, Store
from edge.events import FileSink as LinesOut
from edge.events import MqttSink as MqttOut
from edge.events import WebhookSink as WebhookOut
from edge.events.attention import park
from edge.events.webhook_sink import Parked
from edge.ops.log import redactor

__all__ = ["build_couriers", "build_receiver"]

_COMMIT_S = 10.0


def build_couriers(config: Config, store: Store) -> dict[str, tuple[Sink, Courier]]:
    """A courier for each configured sink, by name; nothing moves before `start`. Raises SecretError."""
    return {
        sink.name: (
            sink,
            Courier(
                store,
                build_receiver(sink, config, keep=partial(_keep_parked, store, sink.name)),
                name=sink.name,
                purpose=sink.purpose,
                types=sink.types or None,
            ),
        )
        for sink in config.sinks
    }


def build_receiver(
    sink: Sink, config: Config, *, keep: Callable[[Parked], None] = lambda _parked: None
) -> LinesOut | MqttOut | WebhookOut:
    """What a sink hands events to; `keep` notes what a webhook's receiver refuses for good.

    Raises SecretError, and ValueError for a secret that is none.
    """
    if isinstance(sink, FileSink):
        return LinesOut(
            _below(config.state.dir, sink.path),
            rotate_bytes=round(sink.rotate_mb * 1e6),
            keep=sink.keep_files,
        )
    if isinstance(sink, WebhookSink):
        return _webhook(sink, keep)
    return MqttOut(_broker(sink), prefix=sink.prefix, store=config.site.store, box=config.site.box)


def _webhook(sink: WebhookSink, keep: Callable[[Parked], None]) -> WebhookOut:
    secret = read_password(sink)
    for hidden in (secret or "", *hidden_in_address(sink.url)):
        redactor.learn(hidden)
    return WebhookOut(
        sink.url.replace("{secret}", secret or ""),
        secret=secret if sink.template == "cloudevent" else None,
        template=sink.template,
        topic=sink.topic,
        keep=keep,
    )


def _keep_parked(store: Store, sink: str, parked: Parked) -> None:
    """Note it on disk. Raises StoreError, TimeoutError; then the event is not parked and comes again."""
    store.submit(
        lambda transaction: park(
            transaction.connection,
            sink=sink,
            position=parked.position,
            type_=parked.type,
            reason=f"answered {parked.status}",
            at_ms=time.time_ns() // 10**6,
        ),
        now=True,
    ).result(_COMMIT_S)


def _broker(sink: MqttSink) -> MqttBroker:
    password = read_password(sink)
    if password:
        redactor.learn(password)
    return MqttBroker(
        host=sink.host,
        port=sink.effective_port,
        user=sink.user,
        password=password,
        tls=sink.tls,
        ca_file=sink.ca_file,
        cert_file=sink.cert_file,
        key_file=sink.key(),
        keepalive_s=sink.keepalive_s,
    )


def _below(folder: Path, path: Path) -> Path:
    return path if path.is_absolute() else folder / path
