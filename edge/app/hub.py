"""The store's hub: other boxes' alerts and lanes on one page, and what is acknowledged here told to their owners.

A box is heard by its heartbeat (`…/heartbeat`, every ten seconds), by its events and by its last will. Messages that
stood at the broker say nothing about life. Alerts of other boxes are kept beside this box's own, never among them.

Who owns an alert owns its entry in the register. Whoever acknowledges at the hub does so at the hub: the hub's register
notes it, and the event goes out as `ack` with the owner's name in `box`. The owner, a `member`, takes it, notes it in
the owner's register as well and tells it once more as its own; so both registers hold, escalation stops on the box that
would have escalated, and a broker that is away only makes the word late.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge.app.hub_reading import KINDS, Place, Unreadable, place_of, read_event, read_heartbeat
from edge.app.sale_book import acknowledge
from edge.config import Config, Hub, read_password
from edge.events import CloudEvent, MqttBroker, StoreError, Transaction, build_event, format_time
from edge.events.hub_book import (
    acknowledge_hub_alert,
    forget_hub,
    hub_alerts,
    hub_boxes,
    keep_hub_alert,
    keep_hub_box,
    lane_of_hub_alert,
)
from edge.events.mqtt_listener import Heard, MqttListener
from edge.events.register import add_entry
from edge.events.types import ALERT_ACKNOWLEDGED, ALERT_RAISED, CAMERA_STATUS
from edge.ops.log import redactor

if TYPE_CHECKING:
    from sqlite3 import Connection

    from edge.app.outbox import Outbox

__all__ = ["HubSide", "MemberSide", "build_hub", "elsewhere"]

_log = logging.getLogger(__name__)
_KEEP_BOX_S = 600.0
"""A known box is written down so often, for the flash's sake; at once where its lanes changed."""
_BOXES_MAX = 200
_OUTCOMES = ("checked", "false_alarm", "escalated")


@dataclass(slots=True)
class _Known:
    """Another box as it is known now; times of `time.monotonic()`, None: not since this process began."""

    heard_s: float | None = None
    heard_ms: int = 0
    offline: bool = False
    kept_s: float = -1e9
    lanes: dict[str, dict[str, Any]] = field(default_factory=dict)


class HubSide:
    """Takes what other boxes tell. `start`, then `tick` about once a second, then `stop`. Any thread may look."""

    def __init__(
        self,
        config: Config,
        outbox: Outbox,
        *,
        changed: Callable[[], None] = lambda: None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` is called when a box falls silent, is heard again or a lane changes."""
        assert config.hub is not None  # noqa: S101 - built with a hub only
        self._config, self._hub, self._outbox = config, config.hub, outbox
        self._changed, self._clock_s = changed, clock_s
        self._lock = threading.Lock()
        self._boxes: dict[str, _Known] = {name: _Known() for name in self._hub.boxes}
        self._restored = False
        self._since_s: float | None = None
        self._states: Mapping[str, str] = {}
        self.refused = 0
        start = f"{self._hub.prefix}/{config.site.store}/+"
        self._listener = MqttListener(
            _broker(self._hub),
            topics=[f"{start}/status", f"{start}/heartbeat", *(f"{start}/+/{kind.word}" for kind in KINDS)],
            client_id=f"{config.site.store}-{config.site.box}-hub",
            hear=self.hear,
        )

    @property
    def lost(self) -> str | None:
        """Why the broker cannot be had; None where it can."""
        return self._listener.error

    def start(self) -> None:
        """Listen."""
        self._listener.start()

    def stop(self) -> None:
        """Listen no more; what is told meanwhile waits at the broker."""
        self._listener.stop()

    def tick(self) -> None:
        """Offer again what the store refused, and notice who has fallen silent."""
        self._restore()
        if not self._listener.connected:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = self._clock_s()
        self._listener.retry()
        states = {box["box"]: box["state"] for box in self.boxes()}
        if states != self._states:
            for name, state in states.items():
                if self._states.get(name) != state:
                    _log.log(
                        logging.INFO if state in ("up", "waiting") else logging.WARNING,
                        "box %s is %s", name, state,
                    )  # fmt: skip
            self._states = states
            self._changed()

    def purge(self, *, before_ms: int) -> None:
        """Forget alerts, and boxes not heard since."""
        self._outbox.submit(lambda transaction: forget_hub(transaction.connection, before_ms=before_ms))

    # --- what the page shows ----------------------------------------------------------------------------------

    def boxes(self) -> list[dict[str, Any]]:
        """Every other box: `box`, `state` (`up`, `waiting`, `silent`, `offline`), `heard`."""
        with self._lock:
            return [
                {
                    "box": name,
                    "state": self._state(known),
                    "heard": format_time(known.heard_ms * 10**6) if known.heard_ms else None,
                }
                for name, known in sorted(self._boxes.items())
            ]

    def lanes(self) -> list[dict[str, Any]]:
        """The lanes of every other box as it told of them, with `box` and `box_state`."""
        with self._lock:
            return [
                {**lane, "box": name, "box_state": self._state(known), "elsewhere": True}
                for name, known in sorted(self._boxes.items())
                for _, lane in sorted(known.lanes.items())
            ]

    def alerts(self, connection: Connection, *, limit: int) -> list[dict[str, Any]]:
        """The newest alerts of other boxes, named as the page names them."""
        return [
            {**row, "alert": f"{row['box']}:{row['alert']}", "elsewhere": True}
            for row in hub_alerts(connection, limit=limit)
        ]

    def acknowledge(self, box: str, alert: str, *, by: str, outcome: str, note: str) -> Future[bool]:
        """Somebody looked at another box's alert; False where there is no such alert. Raises as `Desk.acknowledge`."""
        if outcome not in _OUTCOMES:
            raise ValueError(f"an alert ends as {', '.join(_OUTCOMES)}; got {outcome!r}")
        at_ns, site = time.time_ns(), self._config.site

        def act(transaction: Transaction) -> bool:
            lane = lane_of_hub_alert(transaction.connection, box, alert)
            if lane is None:
                return False
            at = format_time(at_ns)
            told = {"alert": alert, "by": by, "outcome": outcome, "note": note, "box": box}
            acknowledge_hub_alert(transaction.connection, box, alert, {**told, "at": at})
            event = build_event(
                ALERT_ACKNOWLEDGED,
                store=site.store,
                box=site.box,
                lane=lane,
                subject=alert,
                at_ns=at_ns,
                identity=(box, by, outcome, note, at),
                data=told,
            )
            if transaction.append([event]).sequences:
                payload = {"lane": lane, **told}
                add_entry(
                    transaction.connection, kind="acknowledgement", at_ms=at_ns // 10**6, payload=payload
                )
            return True

        return self._outbox.submit(act, now=True)

    # --- what other boxes tell, in the listener's thread ------------------------------------------------------

    def hear(self, heard: Heard) -> Future[Any] | None:
        """Take one message; the future is done when it is kept. Raises StoreError where it must come again."""
        site = self._config.site
        try:
            place = place_of(heard.topic, prefix=self._hub.prefix, store=site.store)
            if place.box == site.box or (self._hub.boxes and place.box not in self._hub.boxes):
                return None
            if place.lane is not None:
                return self._event(place, heard)
            self._status(place, heard)
        except Unreadable as unreadable:
            self.refused += 1
            _log.warning("the hub passes over what it cannot read: %s", unreadable)
        return None

    def _status(self, place: Place, heard: Heard) -> None:
        lanes = read_heartbeat(heard.body) if place.word == "heartbeat" else None
        online = None if lanes is not None else {b"online": True, b"offline": False}.get(heard.body)
        if lanes is None and online is None:
            raise Unreadable(f"'{place.word}' of {place.box}")
        with self._lock:
            known = self._known(place.box)
            if lanes is not None:
                fresh = {lane["lane"]: lane for lane in lanes}
                changed = fresh.keys() != known.lanes.keys()
                known.lanes = fresh
            else:
                changed = known.kept_s < 0
                known.offline = not online
        if not heard.retained and online is not False:
            self._alive(place.box, keep=changed)
        elif changed:
            self._keep(place.box)

    def _event(self, place: Place, heard: Heard) -> Future[Any] | None:
        event = read_event(heard.body, place=place, store=self._config.site.store)
        if not heard.retained:
            self._alive(place.box)
        if event.type == CAMERA_STATUS.name:
            self._camera(place.box, event)
            return None
        return self._outbox.submit(lambda transaction: _kept(transaction, place.box, event), now=True)

    def _camera(self, box: str, event: CloudEvent) -> None:
        """Sooner than the next heartbeat, and all there is of a box that sends none."""
        data = event.data
        with self._lock:
            lanes = self._known(box).lanes
            lane = lanes.get(data["lane"], {**_UNKNOWN_LANE, "lane": data["lane"]})
            told = {name: data[name] for name in ("state", "reason")} | {"name": data["camera"]}
            lanes[data["lane"]] = {**lane, "camera": {**lane["camera"], **told}}
        self._changed()

    def _alive(self, box: str, *, keep: bool = False) -> None:
        with self._lock:
            known = self._known(box)
            known.heard_s, known.heard_ms = self._clock_s(), time.time_ns() // 10**6
            known.offline = False
            keep = keep or self._clock_s() - known.kept_s > _KEEP_BOX_S
        if keep:
            self._keep(box)

    def _keep(self, box: str) -> None:
        with self._lock:
            known = self._boxes[box]
            known.kept_s = self._clock_s()
            told, heard_ms = {"lanes": list(known.lanes.values())}, known.heard_ms or time.time_ns() // 10**6
        try:
            self._outbox.submit(
                lambda transaction: keep_hub_box(transaction.connection, box, told, heard_ms=heard_ms)
            )
        except StoreError as error:
            _log.warning("a box could not be noted: %s", error)

    def _known(self, box: str) -> _Known:
        """Under the lock. Raises Unreadable where there are more boxes than any store has."""
        if box not in self._boxes and len(self._boxes) >= _BOXES_MAX:
            raise Unreadable(f"{box} is one box too many ({_BOXES_MAX})")
        return self._boxes.setdefault(box, _Known())

    def _restore(self) -> None:
        """Boxes of before a restart: one that is gone for good must be seen as silent, not be missing."""
        store = self._outbox.store
        if self._restored or store is None:
            return
        rows = store.read(hub_boxes)
        with self._lock:
            for name, heard_ms, told in rows:
                if self._hub.boxes and name not in self._hub.boxes:
                    continue
                known = self._boxes.setdefault(name, _Known())
                known.heard_ms = known.heard_ms or heard_ms
                if not known.lanes:
                    known.lanes = {lane["lane"]: lane for lane in told["lanes"]}
        self._restored = True

    def _state(self, known: _Known) -> str:
        """`waiting` only as long as nobody could know: since the broker was reached, at most `silent_s`."""
        if known.offline:
            return "offline"
        now_s, limit_s = self._clock_s(), self._hub.silent_s
        if known.heard_s is not None and now_s - known.heard_s <= limit_s:
            return "up"
        if known.heard_s is None and self._since_s is not None and now_s - self._since_s <= limit_s:
            return "waiting"
        return "silent"


class MemberSide:
    """Takes the acknowledgements that a hub made of this box's alerts."""

    def __init__(self, config: Config, outbox: Outbox) -> None:
        assert config.hub is not None  # noqa: S101 - built with a hub only
        self._config, self._hub, self._outbox = config, config.hub, outbox
        self.refused = 0
        self._listener = MqttListener(
            _broker(self._hub),
            topics=[f"{self._hub.prefix}/{config.site.store}/+/+/{ALERT_ACKNOWLEDGED.word}"],
            client_id=f"{config.site.store}-{config.site.box}-member",
            hear=self.hear,
        )

    @property
    def lost(self) -> str | None:
        """Why the broker cannot be had; None where it can."""
        return self._listener.error

    def start(self) -> None:
        """Listen."""
        self._listener.start()

    def stop(self) -> None:
        """Listen no more; what is told meanwhile waits at the broker."""
        self._listener.stop()

    def tick(self) -> None:
        """Offer again what the store refused."""
        self._listener.retry()

    def purge(self, *, before_ms: int) -> None:
        """Nothing of other boxes is kept beside the events."""

    def hear(self, heard: Heard) -> Future[Any] | None:
        """Take one acknowledgement; others' are passed over. Raises StoreError where it must come again."""
        site = self._config.site
        try:
            place = place_of(heard.topic, prefix=self._hub.prefix, store=site.store)
            if place.box == site.box or (self._hub.boxes and place.box not in self._hub.boxes):
                return None
            event = read_event(heard.body, place=place, store=site.store)
            if event.data.get("box") != site.box:
                return None
            if event.data["outcome"] not in _OUTCOMES:
                raise Unreadable(f"the outcome {event.data['outcome'][:40]!r}")
        except Unreadable as unreadable:
            self.refused += 1
            _log.warning("an acknowledgement cannot be read: %s", unreadable)
            return None

        def act(transaction: Transaction) -> bool:
            # Known by its id: one that comes twice must not undo what somebody corrected here in between.
            if not transaction.append([event], only_here=True).sequences:
                return False
            data = event.data
            return acknowledge(
                transaction,
                store=site.store,
                box=site.box,
                alert=data["alert"],
                by=f"{data['by'][:120]} · {place.box}",
                outcome=data["outcome"],
                note=str(data.get("note") or "")[:500],
                at_ns=event.time_ns,
            )

        return self._outbox.submit(act, now=True)


def build_hub(config: Config, outbox: Outbox, *, changed: Callable[[], None]) -> HubSide | MemberSide | None:
    """What the configuration asks for. Raises SecretError, OSError (ssl.SSLError)."""
    if config.hub is None:
        return None
    return (
        HubSide(config, outbox, changed=changed) if config.hub.role == "hub" else MemberSide(config, outbox)
    )


def elsewhere(event: Mapping[str, Any], *, box: str) -> dict[str, Any]:
    """An event of another box as this hub's page names things: `box` and `alert` tell whose it is."""
    data = {**event["data"], "box": box, "elsewhere": True}
    if "alert" in data:
        data["alert"] = f"{box}:{data['alert']}"
    return {**event, "data": data}


_UNKNOWN_LANE: Mapping[str, Any] = {
    "camera": {"name": "", "state": "unknown", "reason": "", "fps": None},
    "till": {"state": "unknown", "last": None},
    "last_customer": None,
    "checks": "",
    "asks": False,
}


def _kept(transaction: Transaction, box: str, event: CloudEvent) -> None:
    """Within a commit; one that is known already changes nothing."""
    if not transaction.append([event], only_here=True).sequences:
        return
    data = event.data
    if event.type == ALERT_RAISED.name:
        keep_hub_alert(transaction.connection, box, data, recorded_ms=time.time_ns() // 10**6)
    elif event.type == ALERT_ACKNOWLEDGED.name:
        # The owner's word, or another hub's about this owner's alert.
        owner = data.get("box") if isinstance(data.get("box"), str) else box
        told = {name: data.get(name) for name in ("by", "outcome", "note")} | {"at": event.time}
        acknowledge_hub_alert(transaction.connection, str(owner), data["alert"], told)


def _broker(hub: Hub) -> MqttBroker:
    password = read_password(hub)
    if password:
        redactor.learn(password)
    return MqttBroker(
        host=hub.host,
        port=hub.effective_port,
        user=hub.user,
        password=password,
        tls=hub.tls,
        ca_file=hub.ca_file,
        cert_file=hub.cert_file,
        key_file=hub.key(),
    )
