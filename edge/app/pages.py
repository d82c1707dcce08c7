"""The pages over a running box: what they ask is answered from store, desk and cameras."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from edge.app.alert_test import marked_alert, send_test
from edge.app.assistance import call_for_help
from edge.app.attention import Attention
from edge.app.digest import current_shift
from edge.app.hub import HubSide, build_hub, elsewhere
from edge.app.parked import ParkedDeliveries
from edge.app.recorded import explain
from edge.app.sale_book import acknowledge
from edge.app.weekly import sign_week, week_report, weeks_kept
from edge.config import Config
from edge.config.reminders import reminders
from edge.events import Store, StoreError, Transaction, format_time
from edge.events.attention import escalated_at, marked_tests
from edge.events.book import alert_rows, gaps, open_gaps, prompted
from edge.events.store import StoredEvent, kept_here
from edge.events.types import (
    ALERT_ACKNOWLEDGED,
    ALERT_ESCALATED,
    ALERT_RAISED,
    CAMERA_STATUS,
    CHECK_REQUESTED,
    SALE_OUTCOME,
    SHIFT_DIGEST,
)
from edge.flow import Role, TillEvent, TillEventType, TrackReport
from edge.page import Access, Box, CashierAct, FeedEvent, Pages, PeopleFile, Sessions, check_binding
from edge.till import Batch, events_of, till_ahead_ns

if TYPE_CHECKING:
    from sqlite3 import Connection

    from edge.app.alert_labels import LabelCount
    from edge.app.desk import Desk
    from edge.app.drift import DriftWatch
    from edge.app.outbox import Outbox
    from edge.camera import Camera

__all__ = ["PageSide", "Running", "check_protected", "users_file"]

T = TypeVar("T")

_FEED = (
    ALERT_RAISED.name,
    ALERT_ACKNOWLEDGED.name,
    CAMERA_STATUS.name,
    CHECK_REQUESTED.name,
    SALE_OUTCOME.name,
    ALERT_ESCALATED.name,
    SHIFT_DIGEST.name,
    kept_here(ALERT_RAISED.name),
)
_FROM_BOXES = tuple(kept_here(kind.name) for kind in (ALERT_ACKNOWLEDGED, ALERT_ESCALATED, SHIFT_DIGEST))
_DIGESTS_MAX, _TESTS_MAX = 10, 20
_DIGESTS_AMONG = 50_000
"""So many of the newest events are looked through for digests."""
_ACTS = {
    "verified": TillEventType.ID_VERIFIED,
    "known": TillEventType.ID_KNOWN,
    "refused": TillEventType.SALE_REFUSED,
}
_ANSWERED = {*_ACTS.values(), TillEventType.RECEIPT_CLOSED, TillEventType.RECEIPT_CANCELLED}
_DAY_NS = 86_400_000_000_000
_WAITS = {
    "en": "{sink}: {count} events wait ({error})",
    "ru": "{sink}: ждут отправки: {count} ({error})",
}


class Running(Protocol):
    """What of a daemon the pages look at."""

    config: Config
    outbox: Outbox
    notes: list[str]
    desk: Desk | None
    cameras: list[Camera]
    drift: DriftWatch
    labels: LabelCount
    lanes_now: dict[str, dict[str, TrackReport]]
    listeners: list[Callable[[TrackReport], None]]


def users_file(config: Config) -> Path:
    """Where this box's users are."""
    return config.http.users_file or config.state.dir / "users.json"


def check_protected(config: Config) -> None:
    """Raises UnprotectedError where pages would stand open to a network, PeopleError for a broken users file."""
    http = config.http
    check_binding(
        http.host,
        users=bool(PeopleFile(users_file(config)).read().users),
        tls=http.tls_cert is not None,
        unprotected=http.unprotected,
    )


class PageSide:
    """Answers what `edge.page` asks. Built after the daemon's parts; `pages` go to the web server."""

    def __init__(self, daemon: Running, *, port: int) -> None:
        """`port` names the cookie."""
        config = daemon.config
        self._daemon, self._config = daemon, config
        self._hooked: Store | None = None
        self._last_customer_ns: dict[str, int] = {}
        self._parked = ParkedDeliveries(config, daemon.outbox)
        people = PeopleFile(users_file(config))
        self.sessions = Sessions(people, config.state.dir / "page-sessions.json")
        secure = config.http.tls_cert is not None
        self.pages = Pages(
            self._box(),
            Access(people, self.sessions, secure=secure, port=port),
            language=config.site.language,
            escalate_minutes=config.http.escalate_minutes,
        )
        self.hub = build_hub(config, daemon.outbox, changed=self.pages.feed.wake)
        self.attention = Attention(config, daemon.outbox, hub=self.hub, lanes=self._lanes_told)
        daemon.listeners.append(self._left)
        if daemon.desk is not None:
            daemon.desk.heard.append(self._heard)

    def start(self) -> None:
        """Watch from now on over what nobody has looked at, tell other boxes that this one lives, hear them."""
        self.attention.start()

    def stop(self) -> None:
        """Before the outbox closes."""
        self.attention.stop()

    def _box(self) -> Box:
        config, desk = self._config, self._daemon.desk
        return Box(
            lanes=tuple(lane.name for lane in config.lanes),
            newest=lambda: self._read(lambda c: Transaction(c, recorded_ms=0).last_position()),
            after=self._after,
            alerts=self._alerts,
            state=self._state,
            acknowledge=self._acknowledge,
            act=None if desk is None else self._act,
            assist=self._assist,
            open_prompts=self._open_prompts,
            explain=None if desk is None else self._explain,
            gaps=self._gaps,
            digests=self._digests,
            test_alert=self._test,
            retry_parked=self._parked.retry,
            weeks=None if desk is None else (lambda: weeks_kept(config, now_ns=time.time_ns())),
            week=self._week,
            sign_week=self._sign_week,
            buttons=frozenset(lane.name for lane in config.lanes if lane.reports_id_checks == "page"),
            unreported=frozenset(lane.name for lane in config.lanes if lane.reports_id_checks == "none"),
        )

    def _store(self) -> Store:
        store = self._daemon.outbox.store
        if store is None:
            raise StoreError("there is no store now")
        if store is not self._hooked:  # a damaged one was set aside
            self._hooked = store
            store.on_commit(self.pages.feed.wake)
        return store

    def _read(self, look: Callable[[Connection], T]) -> T:
        return self._store().read(look)

    def _after(self, position: int, limit: int) -> Sequence[FeedEvent]:
        types = (*_FEED, *_FROM_BOXES) if isinstance(self.hub, HubSide) else _FEED
        found = self._store().read_after(position, types, limit=limit)
        return [FeedEvent(position=one.position, body=self._as_shown(one)) for one in found]

    def _as_shown(self, stored: StoredEvent) -> str:
        """On a hub, alerts of other boxes carry whose they are, and this box's own say so too."""
        if not isinstance(self.hub, HubSide):
            return stored.body
        event = json.loads(stored.body)
        own, data = self._config.site.box, event["data"]
        box = event["source"].split("/")[2]
        if stored.type == ALERT_ACKNOWLEDGED.name or stored.type == kept_here(ALERT_ACKNOWLEDGED.name):
            box = data.get("box") or box  # whose alert it is, not who looked
        shown = elsewhere(event, box=box) if box != own else {**event, "data": {**data, "box": own}}
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))

    def _alerts(self, limit: int) -> Sequence[Mapping[str, Any]]:
        hub, own = self.hub, self._config.site.box

        def look(connection: Connection) -> list[dict[str, Any]]:
            passed_on = escalated_at(connection)
            mine: list[dict[str, Any]] = [
                {
                    **row.body,
                    "count": row.count,
                    "open": row.open,
                    "acknowledged": row.acknowledged,
                    "escalated": None if row.alert not in passed_on else _when(passed_on[row.alert] * 10**6),
                }
                for row in alert_rows(connection, limit=limit)
            ]
            mine += marked_tests(connection, limit=_TESTS_MAX)
            if not isinstance(hub, HubSide):
                return mine
            return [*({**row, "box": own} for row in mine), *hub.alerts(connection, limit=limit)]

        return self._read(look)

    def _digests(self) -> Sequence[Mapping[str, Any]]:
        types = (SHIFT_DIGEST.name, kept_here(SHIFT_DIGEST.name))

        def look(connection: Connection) -> list[StoredEvent]:
            rows = connection.execute(
                "SELECT position, type, recorded_ms, body FROM events WHERE type IN (?, ?)"
                " AND position > (SELECT max(position) FROM events) - ? ORDER BY position DESC LIMIT ?",
                (*types, _DIGESTS_AMONG, _DIGESTS_MAX),
            )
            return [StoredEvent(position=a, type=b, recorded_ms=c, body=d) for a, b, c, d in rows]

        return [json.loads(self._as_shown(one))["data"] for one in self._read(look)]

    def _acknowledge(self, alert: str, by: str, outcome: str, note: str) -> Future[bool]:
        box, colon, name = alert.partition(":")
        if colon and isinstance(self.hub, HubSide):
            return self.hub.acknowledge(box, name, by=by, outcome=outcome, note=note)
        site, at_ns = self._config.site, time.time_ns()
        return self._daemon.outbox.submit(
            lambda transaction: acknowledge(
                transaction,
                store=site.store,
                box=site.box,
                alert=alert,
                by=by,
                outcome=outcome,
                note=note,
                at_ns=at_ns,
            ),
            now=True,
        )

    def _test(self, _by: str) -> Sequence[Mapping[str, Any]]:
        """First into this page's own feed, then through every sink."""
        event = marked_alert(self._config, at_ns=time.time_ns()).numbered(1)
        here: dict[str, Any] = {"sink": "page", "ok": True, "detail": ""}
        try:
            self._daemon.outbox.submit(
                lambda transaction: transaction.append([event], only_here=True), now=True
            ).result(10)
        except (StoreError, TimeoutError) as error:
            here |= {"ok": False, "detail": str(error)}
        return [
            here,
            *(
                {"sink": one.sink, "ok": one.taken, "skipped": one.skipped, "detail": one.detail}
                for one in send_test(self._config, event=event)
            ),
        ]

    def _week(self, week: str) -> Mapping[str, Any]:
        return self._read(lambda c: week_report(c, self._config, week, now_ns=time.time_ns()))

    def _sign_week(self, week: str, by: str) -> Future[Any]:
        at_ns = time.time_ns()
        return self._daemon.outbox.submit(
            lambda transaction: sign_week(transaction, self._config, week, by=by, at_ns=at_ns), now=True
        )

    def _act(self, act: CashierAct) -> Future[Any]:
        """The cashier's name stays the till's business.

        The till's other events carry its own clock, which may be wrong: a check that was noted by ours could stand
        behind the close and count for nothing. So what the receipt's events tell of that clock is taken.
        """
        desk = self._daemon.desk
        assert desk is not None  # noqa: S101 - `act` is offered with a desk only
        ahead_ns = self._read(lambda c: till_ahead_ns(c, lane=act.lane, receipt=act.receipt))
        if ahead_ns is None:
            ahead_ns = -int(self._config.till.offset_s(act.lane) * 1e9)
        event = TillEvent(
            id=f"page-{act.by}-{uuid.uuid4()}",
            lane=act.lane,
            at_ns=time.time_ns() + ahead_ns,
            type=_ACTS[act.action],
            receipt=act.receipt,
        )
        return desk.take(Batch(events=(event,), rejected=(), letters=()), door="page")

    def _assist(self, lane: str, by: str) -> Future[Any]:
        config, at_ns = self._config, time.time_ns()
        return self._daemon.outbox.submit(
            lambda transaction: call_for_help(transaction, config, lane=lane, by=by, at_ns=at_ns), now=True
        )

    def _open_prompts(self) -> Iterable[tuple[str, str]]:
        def look(connection: Connection) -> list[tuple[str, str]]:
            return [
                (lane, receipt)
                for lane, receipt, _ in prompted(connection)
                if not any(one.type in _ANSWERED for one in events_of(connection, receipt, lane=lane))
            ]

        return self._read(look)

    def _explain(self, receipt: str, lane: str | None) -> Sequence[Mapping[str, Any]]:
        return self._read(lambda connection: explain(connection, receipt, lane=lane))

    def _gaps(self) -> Sequence[Mapping[str, Any]]:
        now_ns = time.time_ns()
        from_ns = now_ns - self._config.state.security_days * _DAY_NS
        return [
            {"lane": lane, "kind": kind, "from": format_time(begun), "to": _when(ended)}
            for lane, kind, begun, ended in self._read(lambda c: gaps(c, from_ns=from_ns, to_ns=now_ns))
        ]

    def _state(self) -> Mapping[str, Any]:
        own, hub = self._config.site.box, self.hub
        lanes, boxes, lost = self._lanes(), [], None
        if isinstance(hub, HubSide):
            lanes = [*({**lane, "box": own} for lane in lanes), *hub.lanes()]
            boxes, lost = [{"box": own, "state": "up", "heard": None}, *hub.boxes()], hub.lost
        try:
            parked = self._parked.rows(self._store())
        except StoreError:
            parked = []
        begun_ns, ends_ns = current_shift(self._config, at_ns=time.time_ns())
        return {
            "lanes": lanes,
            "boxes": boxes,
            "hub_lost": lost,
            "parked": parked,
            "shift": {"from": format_time(begun_ns), "to": format_time(ends_ns)},
            "labels": [asdict(one) for one in self._daemon.labels.now()],
            "notices": self._notices(),
        }

    def _lanes_told(self) -> list[dict[str, Any]]:
        """The own lanes for a hub, with what stands on the cashier's screen."""
        return [{**lane, "asks": self.pages.board.screen(lane["lane"]).asks} for lane in self._lanes()]

    def _lanes(self) -> list[dict[str, Any]]:
        daemon, config = self._daemon, self._config
        try:
            silent = {lane for lane, kind, _ in self._read(open_gaps) if kind == "till"}
        except StoreError:
            silent = set()
        last_till = {} if daemon.desk is None else daemon.desk.last_till_ns
        cameras = {camera.name: camera for camera in daemon.cameras}
        lanes = []
        for lane in config.lanes:
            camera = cameras[lane.camera]
            standing = [report.to_ns for report in tuple(daemon.lanes_now[lane.name].values())]
            customer_ns = max([*standing, self._last_customer_ns.get(lane.name, 0)])
            lanes.append(
                {
                    "lane": lane.name,
                    "camera": {
                        "name": camera.name,
                        "state": camera.status.state.value,
                        "reason": camera.status.reason.value,
                        "fps": round(camera.figures().fps, 1),
                        "warnings": [
                            one.kind for one in daemon.drift.standing() if one.camera == camera.name
                        ],
                    },
                    "till": {
                        "state": "none" if daemon.desk is None else "silent" if lane.name in silent else "up",
                        "last": _when(last_till.get(lane.name)),
                    },
                    "last_customer": _when(customer_ns or None),
                    "checks": lane.reports_id_checks,
                    "clock": self.attention.clocks.get(lane.name),
                }
            )
        return lanes

    def _notices(self) -> list[str]:
        waits = _WAITS[self._config.site.language]
        parked = [
            waits.format(sink=name, count=courier.stats().pending, error=courier.stats().last_error)
            for name, (_, courier) in tuple(self._daemon.outbox.couriers.items())
            if courier.stats().last_error is not None
        ]
        reminded = reminders(self._config, language=self._config.site.language)
        return [*self._daemon.notes, *self._daemon.outbox.notes, *parked, *reminded]

    def _left(self, report: TrackReport) -> None:
        if report.role is not Role.PASSER_BY:
            last_ns = self._last_customer_ns.get(report.lane, 0)
            self._last_customer_ns[report.lane] = max(last_ns, report.to_ns)

    def _heard(self, events: Sequence[TillEvent]) -> None:
        for event in events:
            self.pages.board.till(event)


def _when(at_ns: int | None) -> str | None:
    return None if at_ns is None else format_time(at_ns)
