"""Marketing's side of the daemon: a closed receipt becomes a basket without its customer, in a store of its own."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from edge.app.retention import months_before
from edge.camera import CameraState, CameraStatus
from edge.config import Config
from edge.events import NO_CLOCK_BEFORE_MS, StoreError, StoreFull, StoreInUse
from edge.events.sales_basket import Basket, BasketLine, in_steps
from edge.events.sales_key import SalesKey
from edge.events.sales_schema import STEPS
from edge.events.sales_store import SalesStore, local_hour
from edge.rules import Line, Outcome, SaleEnded

__all__ = ["Sales", "basket_of"]

_log = logging.getLogger(__name__)
_WAITING_MAX = 1000
_GOOD_QUALITY = 0.5
"""From here on an estimate counts as good: the gate's quality of the best crop, 0..1. Judgement, not a measurement."""
_PARTY_MAX = 127
_QUANTITY_MAX, _PRICE_MAX = Decimal(10**9), Decimal(10**10)
"""What the exported columns hold: decimal(12,3) and decimal(12,2)."""
_BLIND_EVERY_NS = 600 * 10**9
"""A blind lane is counted so often: a crash loses no more of it."""
_NS = 10**9
_DOWN, _UNUSABLE = "down", "unusable"


class Sales:
    """Writes `sales.db`. `sold` and `camera` may be called from any thread and return at once; `tick`, `purge` and
    `close` from one at a time.

    A till is never kept waiting for marketing: where the store refuses, baskets wait in memory, at most
    `_WAITING_MAX`; then the oldest are dropped and counted under `dropped["baskets"]`. Where the file cannot be used
    at all (another key, other bands), the box goes on without, and `notes` says why.
    """

    def __init__(
        self,
        config: Config,
        *,
        model: str,
        clock_ns: Callable[[], int] = time.time_ns,
        group_s: float | None = None,
        unusable: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """`model`: name and version of the age model, kept with every basket. `unusable`: cameras that give pictures
        and yet cannot be used, being moved or covered, with since when. Raises nothing: see `notes`."""
        self._config = config
        self._model = model
        self._clock_ns = clock_ns
        self._group = {} if group_s is None else {"group_s": group_s}
        self._zone = ZoneInfo(config.site.time_zone)
        self._lock = threading.RLock()  # an answer may come while baskets are handed over
        self._waiting: list[Basket] = []
        self._unusable = unusable
        self._blind: dict[str, frozenset[str]] = {}
        self._blind_since_ns: dict[str, int] = {}
        self._problem: str | None = None
        self._damaged: list[str] = []
        self._closed = False
        self.store: SalesStore | None = None
        self.counts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._open()

    # --- what happens, from any thread ----------------------------------------------------------------------

    def sold(self, ended: SaleEnded) -> None:
        """A receipt has ended: where goods were sold, keep its basket."""
        store = self.store
        if store is None:
            self.dropped["no_store"] += 1
            return
        basket = basket_of(ended, key=store.key, config=self._config, zone=self._zone, model=self._model)
        if basket is not None:
            with self._lock:
                self._waiting.append(basket)
            self._hand_over(store)

    def camera(self, status: CameraStatus) -> None:
        """A camera went down or came back: time without sight is part of the coverage."""
        self._see(status.camera, _DOWN, status.state is CameraState.DOWN, at_ns=status.since_ns)

    # --- from the housekeeper ---------------------------------------------------------------------------------

    def tick(self) -> None:
        """About once a second: baskets that wait, lanes that are blind still, a store that could not be had."""
        store = self.store
        if store is not None and (broken := store.stats().broken) is not None:
            _log.error("marketing's store is left: %s", broken)
            self.store = None
            store.close()
        if self.store is None and self._passes:
            self._open()
        if self.store is not None:
            self._hand_over(self.store)
        now_ns = self._clock_ns()
        unusable = self._unusable()
        for camera in self._config.cameras:
            since_ns = unusable.get(camera.name)
            self._see(camera.name, _UNUSABLE, since_ns is not None, at_ns=since_ns or now_ns)
        with self._lock:
            long_blind = [
                lane for lane, since in self._blind_since_ns.items() if now_ns - since >= _BLIND_EVERY_NS
            ]
        for lane in long_blind:
            self._count_blind(lane, until_ns=now_ns, over=False)

    def purge(self) -> None:
        """Delete what is older than `state.sales_months`, by the store's days; nothing while the clock is not set."""
        store, now_ns = self.store, self._clock_ns()
        if store is None or now_ns < NO_CLOCK_BEFORE_MS * 10**6:
            return
        today, _ = local_hour(now_ns, self._zone)
        try:
            deleted = store.purge(before=months_before(today, self._config.state.sales_months))
        except (StoreError, sqlite3.Error) as error:
            _log.warning("retention could not purge marketing's store: %s", error)
            return
        if deleted:
            _log.info("baskets are over their time", extra={"count": deleted})

    @property
    def waiting(self) -> int:
        """Baskets that wait in memory because the store refuses them."""
        return len(self._waiting)

    @property
    def notes(self) -> tuple[str, ...]:
        """What somebody should look at."""
        told = list(self._damaged)
        if self._problem is not None:
            told.append(f"no baskets are kept for marketing: {self._problem}")
        if self.dropped["baskets"]:
            told.append(f"{self.dropped['baskets']} baskets for marketing were lost: its store took none")
        return tuple(told)

    def close(self) -> None:
        """Commit what waits and close; safe to repeat."""
        if self._closed:
            return
        self._closed = True
        now_ns = self._clock_ns()
        for lane in list(self._blind_since_ns):
            self._count_blind(lane, until_ns=now_ns, over=True)
        store = self.store
        if store is not None:
            self._hand_over(store)
            store.close()
        if self._waiting:
            _log.error("baskets for marketing are lost", extra={"count": len(self._waiting)})

    # --- within -----------------------------------------------------------------------------------------------

    def _open(self) -> None:
        site, state = self._config.site, self._config.state
        self._passes = False
        try:
            store = SalesStore(
                state.dir,
                store=site.store,
                bands=self._config.sales.bands,
                time_zone=site.time_zone,
                reserve_bytes=state.min_free_mb * 1_000_000,
                **self._group,
            )
        except (StoreError, sqlite3.Error, OSError, ValueError) as error:
            self._passes = isinstance(error, StoreFull | StoreInUse | OSError)
            if self._problem != str(error):
                _log.error("no baskets are kept for marketing: %s", error)
            self._problem = str(error)
            return
        if store.opened.set_aside is not None:
            aside = store.opened.set_aside
            self._damaged.append(f"marketing's damaged store was set aside as {aside.path}: {aside.reason}")
            _log.error("%s", self._damaged[-1])
        self._problem = None
        self.store = store

    def _hand_over(self, store: SalesStore) -> None:
        """Give the store what waits, in order; what it refuses waits on."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            for place, basket in enumerate(waiting):
                try:
                    answer = store.keep(basket)
                except StoreError as refused:
                    if not self.counts["refused"]:
                        _log.warning("marketing's store refuses baskets, they wait in memory: %s", refused)
                    self.counts["refused"] += 1
                    self._put_back(waiting[place:])
                    return
                answer.add_done_callback(lambda done, own=basket: self._kept(done, own))  # type: ignore[misc]

    def _kept(self, done: Future[bool], basket: Basket) -> None:
        """In the store's writer thread."""
        error = done.exception()
        if error is None:
            self.counts["baskets" if done.result() else "repeats"] += 1
        elif isinstance(error, StoreError):
            with self._lock:
                self._put_back([basket])
        else:
            self.dropped["baskets"] += 1
            _log.error("a basket was not kept: %s", error)

    def _put_back(self, baskets: list[Basket]) -> None:
        self._waiting = baskets + self._waiting
        over = len(self._waiting) - _WAITING_MAX
        if over > 0:
            del self._waiting[:over]
            self.dropped["baskets"] += over

    def _see(self, camera: str, why: str, blind: bool, *, at_ns: int) -> None:
        """A camera that is down and moved is blind until it is neither."""
        with self._lock:
            before = self._blind.get(camera, frozenset())
            reasons = before | {why} if blind else before - {why}
            if reasons == before:
                return
            self._blind[camera] = reasons
            lanes = [lane.name for lane in self._config.lanes if lane.camera == camera]
            if reasons:
                for lane in lanes:
                    self._blind_since_ns.setdefault(lane, at_ns)
                return
        for lane in lanes:
            self._count_blind(lane, until_ns=at_ns, over=True)

    def _count_blind(self, lane: str, *, until_ns: int, over: bool) -> None:
        with self._lock:
            since_ns = self._blind_since_ns.pop(lane, None)
            if since_ns is None:
                return
            if not over:
                self._blind_since_ns[lane] = until_ns
        store = self.store
        if store is None:
            return
        group = self._config.sales.group_of(lane)
        seconds: dict[date, float] = {}
        at_ns = since_ns
        while at_ns < until_ns:  # by quarter hours: midnight falls between two in every time zone
            step_ns = min(until_ns, (at_ns // (900 * _NS) + 1) * 900 * _NS)
            day, _ = local_hour(at_ns, self._zone)
            seconds[day] = seconds.get(day, 0.0) + (step_ns - at_ns) / _NS
            at_ns = step_ns
        for day, spent_s in seconds.items():
            try:
                store.add_blind_seconds(day=day, lane_group=group, model=self._model, seconds=round(spent_s))
            except StoreError:
                self.dropped["blind_spans"] += 1


def basket_of(
    ended: SaleEnded, *, key: SalesKey, config: Config, zone: ZoneInfo, model: str
) -> Basket | None:
    """What marketing may know of a sale; None where nothing was sold.

    A cancelled receipt sold nothing. On a refused one the restricted goods stayed in the shop and the rest was sold:
    that rest is its basket. Voids are off already. An unknown age is a whole `unknown`, never a guess.
    """
    if ended.outcome is Outcome.CANCELLED:
        return None
    refused = ended.outcome is Outcome.REFUSED
    lines = tuple(
        kept
        for line in ended.lines
        if not (refused and line.restricted)
        and (kept := _line(line, currency=config.sales.currency)) is not None
    )
    if not lines:
        return None
    day, hour = local_hour(ended.at_ns, zone)
    basket = key.basket(
        store=config.site.store, lane=ended.lane, receipt=ended.receipt, day=day.isoformat(), hour=hour
    )
    bands, estimate = len(config.sales.bands), ended.estimate
    known = estimate is not None and estimate.reason is None and len(estimate.shares) == bands
    if estimate is not None and known:
        steps, unknown_steps = in_steps(estimate.shares, key.chance(basket)), 0
        quality = "good" if estimate.quality >= _GOOD_QUALITY else "fair"
    else:
        steps, unknown_steps, quality = (0,) * bands, STEPS, "none"
    return Basket(
        basket=basket,
        lane_group=config.sales.group_of(ended.lane),
        day=day,
        hour=hour,
        steps=steps,
        unknown_steps=unknown_steps,
        party_size=min(len(ended.candidates), _PARTY_MAX),
        quality=quality,
        model=model,
        lines=lines,
    )


def _line(line: Line, *, currency: str) -> BasketLine | None:
    """None for a quantity that no column holds: a till that sends such a thing means something else."""
    if not line.sku or line.quantity >= _QUANTITY_MAX:
        return None
    price = None if line.unit_price is None else _whole(line.quantity * line.unit_price, Decimal("0.01"))
    return BasketLine(
        sku=line.sku,
        name=line.name or "",
        category=line.category or "",
        quantity_milli=int(_whole(line.quantity, Decimal("0.001")) * 1000),
        price_cents=None if price is None or abs(price) >= _PRICE_MAX else int(price * 100),
        currency=line.currency or currency,
    )


def _whole(amount: Decimal, step: Decimal) -> Decimal:
    try:
        return amount.quantize(step, ROUND_HALF_UP)
    except InvalidOperation:  # more digits than any column holds
        return _PRICE_MAX
