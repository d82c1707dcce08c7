"""The pages over a running box: what they ask is answered from store, desk and cameras."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from edge.app.alert_test import send_test
from edge.app.assistance import call_for_help
from edge.config import Config
from edge.events import Store, StoreError, Transaction, format_time
from edge.events.book import alert_rows, gaps, open_gaps, prompted, receipt_rows
from edge.events.types import ALERT_ACKNOWLEDGED, ALERT_RAISED, CAMERA_STATUS, CHECK_REQUESTED, SALE_OUTCOME
from edge.flow import Role, TillEvent, TillEventType, TrackReport
from edge.page import Access, Box, CashierAct, FeedEvent, Pages, PeopleFile, Sessions, check_binding
from edge.till import Batch, events_of

if TYPE_CHECKING:
    from sqlite3 import Connection

    from edge.app.desk import Desk
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
)
_ACTS = {
    "verified": TillEventType.ID_VERIFIED,
    "known": TillEventType.ID_KNOWN,
    "refused": TillEventType.SALE_REFUSED,
}
_ANSWERED = {*_ACTS.values(), TillEventType.RECEIPT_CLOSED, TillEventType.RECEIPT_CANCELLED}
_DAY_NS = 86_400_000_000_000


class Running(Protocol):
    """What of a daemon the pages look at."""

    config: Config
    outbox: Outbox
    notes: list[str]
    desk: Desk | None
    cameras: list[Camera]
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
        people = PeopleFile(users_file(config))
        self.sessions = Sessions(people, config.state.dir / "page-sessions.json")
        secure = config.http.tls_cert is not None
        self.pages = Pages(
            self._box(),
            Access(people, self.sessions, secure=secure, port=port),
            language=config.site.language,
            escalate_minutes=config.http.escalate_minutes,
        )
        daemon.listeners.append(self._left)
        if daemon.desk is not None:
            daemon.desk.heard.append(self._heard)

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
            test_alert=lambda _by: [
                {"sink": one.sink, "ok": one.taken or one.skipped, "detail": one.detail}
                for one in send_test(config)
            ],
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
        found = self._store().read_after(position, _FEED, limit=limit)
        return [FeedEvent(position=one.position, body=one.body) for one in found]

    def _alerts(self, limit: int) -> Sequence[Mapping[str, Any]]:
        rows = self._read(lambda c: alert_rows(c, limit=limit))
        return [
            {**row.body, "count": row.count, "open": row.open, "acknowledged": row.acknowledged}
            for row in rows
        ]

    def _acknowledge(self, alert: str, by: str, outcome: str, note: str) -> Future[bool]:
        desk = self._daemon.desk
        if desk is not None:
            return desk.acknowledge(alert, by=by, outcome=outcome, note=note)
        nothing: Future[bool] = Future()
        nothing.set_result(False)
        return nothing

    def _act(self, act: CashierAct) -> Future[Any]:
        """The till's own clock is what its other events carry; the cashier's name stays the till's business."""
        desk = self._daemon.desk
        assert desk is not None  # noqa: S101 - `act` is offered with a desk only
        offset_ns = int(self._config.till.offset_s(act.lane) * 1e9)
        event = TillEvent(
            id=f"page-{act.by}-{uuid.uuid4()}",
            lane=act.lane,
            at_ns=time.time_ns() - offset_ns,
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

    def _explain(self, receipt: str) -> Sequence[Mapping[str, Any]]:
        def look(connection: Connection) -> list[dict[str, Any]]:
            told = [
                {"at": format_time(one.at_ns), "lane": one.lane, "till": one.type.value, "sku": one.sku,
                 "name": one.name, "quantity": str(one.quantity), "restricted": one.restricted,
                 "cashier": one.cashier}
                for one in events_of(connection, receipt)
            ]  # fmt: skip
            return [*told, *(dict(row.told) for row in receipt_rows(connection, receipt=receipt))]

        return self._read(look)

    def _gaps(self) -> Sequence[Mapping[str, Any]]:
        now_ns = time.time_ns()
        from_ns = now_ns - self._config.state.security_days * _DAY_NS
        return [
            {"lane": lane, "kind": kind, "from": format_time(begun), "to": _when(ended)}
            for lane, kind, begun, ended in self._read(lambda c: gaps(c, from_ns=from_ns, to_ns=now_ns))
        ]

    def _state(self) -> Mapping[str, Any]:
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
                    },
                    "till": {
                        "state": "none" if daemon.desk is None else "silent" if lane.name in silent else "up",
                        "last": _when(last_till.get(lane.name)),
                    },
                    "last_customer": _when(customer_ns or None),
                    "checks": lane.reports_id_checks,
                }
            )
        return {"lanes": lanes, "notices": self._notices()}

    def _notices(self) -> list[str]:
        parked = [
            f"{name}: {courier.stats().pending} events wait ({courier.stats().last_error})"
            for name, (_, courier) in tuple(self._daemon.outbox.couriers.items())
            if courier.stats().last_error is not None
        ]
        return [*self._daemon.notes, *self._daemon.outbox.notes, *parked]

    def _left(self, report: TrackReport) -> None:
        if report.role is not Role.PASSER_BY:
            last_ns = self._last_customer_ns.get(report.lane, 0)
            self._last_customer_ns[report.lane] = max(last_ns, report.to_ns)

    def _heard(self, events: Sequence[TillEvent]) -> None:
        for event in events:
            self.pages.board.till(event)


def _when(at_ns: int | None) -> str | None:
    return None if at_ns is None else format_time(at_ns)
