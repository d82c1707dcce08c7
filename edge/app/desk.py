"""The desk: one thread that holds what tills tell against what cameras see, in event time, and keeps what follows."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from edge.age import AgeBundle
from edge.app.desk_state import DeskState, read_state
from edge.app.outbox import Outbox
from edge.app.policies import lane_policy
from edge.app.sale_book import acknowledge, keeping
from edge.app.sale_events import SaleEvents
from edge.camera import CameraReason, CameraState, CameraStatus
from edge.config import Config
from edge.events import FullReason, StoreError, StoreFull, Transaction
from edge.events.book import close_alert, end_gap, forget_book
from edge.events.register import retire_before
from edge.flow import Sighting, TillEvent, TrackReport
from edge.rules import (
    AlertKind,
    AlertRaised,
    CheckRequested,
    Decision,
    LaneRules,
    PersonTold,
    SaleEnded,
)
from edge.till import Batch, Kept, NoRoom, Overloaded, forget_before, keep, mark_done, park

__all__ = ["Desk"]

_log = logging.getLogger(__name__)
_TURN_S = 0.1
_QUEUE_MAX = 50_000
_UNSAVED_MAX = 10_000
_PURGE_ROUNDS = 40
_DAY_MS = 86_400_000
_BLIND_BECAUSE = {"down": "down", "black": "covered", "covered": "covered", "moved": "moved"}
"""What its alert says where a camera cannot be used for several reasons: the first."""

_Item = Callable[[], None]


class Desk:
    """Rules of every lane of a box. `start`, then tell it what happens from any thread, then `stop`.

    Till events enter through `take`, which commits them first. What waits for this thread is bounded: beyond
    `_QUEUE_MAX` sightings are dropped and counted (`dropped["sightings"]`); till events never are, since they stand in
    the inbox. Decisions that the store refuses wait, in order, up to `_UNSAVED_MAX`; a restart decides them again.
    """

    def __init__(
        self,
        config: Config,
        bundle: AgeBundle,
        outbox: Outbox,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        told: Callable[[PersonTold], None] = lambda _told: None,
        sold: Callable[[SaleEnded], None] = lambda _ended: None,
        looked: Callable[[LaneRules, int], None] = lambda _rules, _now_ns: None,
        moved: Callable[[], Mapping[str, int]] = dict,
        covered: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """`told` hears, in the desk's thread, of everybody who left, `sold` of every receipt that ended; `looked` may
        look at a lane's rules at every turn. `moved`, `covered`: cameras that were moved, or whose lens
        is covered though the camera finds nothing wrong, with since when.

        Raises PolicyError, ThresholdError.
        """
        self._config = config
        self._outbox = outbox
        self._clock_ns = clock_ns
        self._told = told
        self._sold = sold
        self._looked = looked
        self._changed = {"moved": moved, "covered": covered}
        self._blind: dict[str, frozenset[str]] = {camera.name: frozenset() for camera in config.cameras}
        self._sales: dict[str, SaleEvents] = {}
        for lane in config.lanes:
            self._sales[lane.name] = SaleEvents(
                store=config.site.store,
                box=config.site.box,
                camera=lane.camera,
                policy=lane_policy(config, lane, bundle),
                vms_url_template=config.policy.vms_url_template,
                model=bundle.name,
            )
        self.rules: dict[str, LaneRules] = {}
        self.counts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.duplicates: Counter[str] = Counter()
        self.refused: dict[str, Counter[str]] = {}
        """Till events by door, refused ones by reason too; written by the writer's thread."""
        self.outcomes: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()
        self._handed = self._looked_at = 0
        self.last_till_ns: dict[str, int] = {}
        self.heard: list[Callable[[Sequence[TillEvent]], None]] = []
        """Told of new till events as soon as they are on disk, in the writer's thread: be quick."""
        self.beat_s = time.monotonic()
        self._begun_ns = clock_ns()
        self._queue: deque[_Item] = deque()
        self._wake = threading.Condition()
        self._unsaved: deque[tuple[str, list[Decision]]] = deque()
        self._silent: set[str] = set()
        self._stopping = False
        self._restored = False
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)

    def start(self) -> None:
        """Judge from now on; first what a restart left open."""
        self._thread.start()

    def stop(self) -> None:
        """Judge what is queued and hand it to the store. Open receipts stay open: the next start goes on with them."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(10)

    # --- what happens, from any thread ----------------------------------------------------------------------

    def take(
        self, batch: Batch, *, door: str, also: Callable[[Transaction], None] | None = None
    ) -> Future[Kept]:
        """Commit a batch to the inbox (and its dead letters); done when it is on disk.

        `also` runs in the same commit, for a door's own place. Raises NoRoom, Overloaded, at once or by the future.
        """

        def act(transaction: Transaction) -> Kept:
            now_ms = self._clock_ns() // 10**6
            kept = keep(transaction.connection, batch.events, door=door, recorded_ms=now_ms)
            if batch.letters:
                park(transaction.connection, batch.letters, recorded_ms=now_ms)
            if also is not None:
                also(transaction)
            return kept

        answer: Future[Kept] = Future()

        def done(committed: Future[Kept]) -> None:
            error = committed.exception()
            if error is not None:
                answer.set_exception(_as_till_hears(error))
                return
            kept = committed.result()
            self.accepted[door] += len(kept.new)
            self.duplicates[door] += kept.duplicates
            if batch.letters:
                refused = Counter(letter.reason.value for letter in batch.letters)
                self.refused[door] = self.refused.get(door, Counter()) + refused
            if kept.new:
                self._handed += len(kept.new)
                self._put(lambda: self._take_up(kept.new))
            answer.set_result(kept)
            for hear in self.heard if kept.new else ():
                hear(kept.new)

        try:
            committed = self._outbox.submit(act, weight=max(1, len(batch.events)))
        except StoreError as error:
            raise _as_till_hears(error) from error
        committed.add_done_callback(done)
        return answer

    def judged(self, reports: Sequence[TrackReport], sightings: Sequence[Sighting]) -> None:
        """What the vision thread found in one batch of frames."""
        if not reports and not sightings:
            return
        if len(self._queue) >= _QUEUE_MAX:
            self.dropped["sightings"] += len(sightings)
            sightings = ()
        self._put(lambda: self._on_judged(reports, sightings))

    def camera(self, status: CameraStatus) -> None:
        """A camera went down or came back."""
        self._put(lambda: self._on_camera(status))

    def acknowledge(self, alert: str, *, by: str, outcome: str, note: str = "") -> Future[bool]:
        """Note that somebody looked at an alert, as an event and in the register; False for no such alert.

        Raises StoreError at once or by the future; the future raises ValueError for an outcome that is not known.
        """
        at_ns, site = self._clock_ns(), self._config.site
        return self._outbox.submit(
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

    def purge(self) -> None:
        """Delete what is older than security's retention: till events, dead letters, sales, alerts, gaps.

        The register keeps its chain and forgets what its entries said after `state.register_days`.
        """
        now_ms, state = self._clock_ns() // 10**6, self._config.state
        before_ms = now_ms - state.security_days * _DAY_MS
        register_ms = now_ms - state.register_days * _DAY_MS
        for _ in range(_PURGE_ROUNDS):
            try:
                deleted = self._outbox.submit(
                    lambda transaction: (
                        forget_before(transaction.connection, before_ms)
                        + forget_book(transaction.connection, before_ms=before_ms)
                        + retire_before(transaction.connection, before_ms=register_ms, at_ms=now_ms)
                    )
                ).result(30)
            except (StoreError, TimeoutError) as error:
                _log.warning("retention could not purge the till's tables: %s", error)
                return
            if not deleted:
                return

    @property
    def waiting(self) -> int:
        """Decisions that wait in memory because the store refuses them."""
        return len(self._unsaved)

    @property
    def backlog(self) -> int:
        """Till events on disk at which this thread has not looked yet."""
        return max(0, self._handed - self._looked_at)

    # --- in the desk's thread --------------------------------------------------------------------------------

    def _put(self, item: _Item) -> None:
        with self._wake:
            self._queue.append(item)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._queue and not self._stopping:
                    self._wake.wait(_TURN_S)
                items, self._queue = self._queue, deque()
                stopping = self._stopping
            self.beat_s = time.monotonic()
            if not self._restored and not self._restore():
                with self._wake:
                    self._queue.extendleft(reversed(items))
                if stopping:
                    return
                time.sleep(_TURN_S)
                continue
            for item in items:
                self._guarded(item)
            self._guarded(self._tick)
            if stopping:
                self._guarded(self._tell_all)
            self._save_again()
            if stopping:
                return

    def _guarded(self, item: _Item) -> None:
        try:
            item()
        except Exception:  # noqa: BLE001 - one fact that breaks the rules must not end all lanes; it is counted
            self.counts["failures"] += 1
            _log.exception("the desk could not judge", extra={"count": self.counts["failures"]})

    def _restore(self) -> bool:
        """Build the rules with what the last run left open; False while there is no store."""
        store = self._outbox.store
        if store is None:
            return False
        state = store.read(lambda connection: read_state(connection, now_ns=self._clock_ns()))
        for name, sales in self._sales.items():
            self.rules[name] = LaneRules(
                lane=name,
                policy=sales.policy,
                restarted_ns=self._begun_ns,
                decided=state.decided.get(name),
                prompted=state.prompted.get(name, ()),
                silent_ns=state.silent.get(name),
            )
        self._silent.update(lane for lane in state.silent if lane in self.rules)
        self._restored = True
        self._hear_again(state)
        return True

    def _hear_again(self, state: DeskState) -> None:
        for lane, from_ns, count in state.blind:
            if lane in self.rules:
                self.rules[lane].on_camera(blind=True, at_ns=from_ns, count=count)  # told before the restart
        if state.waiting:
            _log.info("receipts are open from before the restart", extra={"count": len(state.waiting)})
        self._on_till(state.waiting)

    def _take_up(self, events: Sequence[TillEvent]) -> None:
        try:
            self._on_till(events)
        finally:
            self._looked_at += len(events)

    def _on_till(self, events: Sequence[TillEvent]) -> None:
        for event in events:
            rules = self.rules.get(event.lane)
            if rules is None:  # the lane was taken out of the configuration
                self.dropped["lane_gone"] += 1
                self._done(event)
                continue
            self.last_till_ns[event.lane] = max(self.last_till_ns.get(event.lane, 0), event.at_ns)
            if rules.ended(event):
                self.counts["too_late"] += 1
                self._done(event)
                continue
            self._keep(event.lane, rules.on_till(event))
            self._till_is_back(event.lane)

    def _on_judged(self, reports: Sequence[TrackReport], sightings: Sequence[Sighting]) -> None:
        by_lane: dict[str, list[Sighting]] = {}
        for seen in sightings:
            by_lane.setdefault(seen.lane, []).append(seen)
        for lane, own in by_lane.items():
            self.rules[lane].on_sightings(own)
        for report in reports:
            self._keep(report.lane, self.rules[report.lane].on_age(report))

    def _on_camera(self, status: CameraStatus) -> None:
        down, black = status.state is CameraState.DOWN, status.reason is CameraReason.BLACK
        reasons = self._blind[status.camera] - {"down", "black"}
        if down:
            reasons |= {"black" if black else "down"}
        self._see(status.camera, reasons, at_ns=status.since_ns)

    def _look_for_changed(self, now_ns: int) -> None:
        """Cameras that were moved or covered are told by the drift watch, not by themselves."""
        for why, told in self._changed.items():
            changed = told()
            for camera, reasons in tuple(self._blind.items()):
                if camera in changed and why not in reasons:
                    self._see(camera, reasons | {why}, at_ns=changed[camera])
                elif why in reasons and camera not in changed:
                    self._see(camera, reasons - {why}, at_ns=now_ns)

    def _see(self, camera: str, reasons: frozenset[str], *, at_ns: int) -> None:
        """A camera that is down and moved sees its lanes again when it is neither."""
        self._blind[camera] = reasons
        for lane in self._config.lanes:
            if lane.camera != camera:
                continue
            if reasons:
                because = next(said for why, said in _BLIND_BECAUSE.items() if why in reasons)
                self._sales[lane.name] = replace(self._sales[lane.name], blind_because=because)
            self._keep(lane.name, self.rules[lane.name].on_camera(blind=bool(reasons), at_ns=at_ns))
            if not reasons:
                self._passed(lane.name, AlertKind.CAMERA_BLIND, "camera", at_ns)

    def _tick(self) -> None:
        now_ns = self._clock_ns()
        self._look_for_changed(now_ns)
        for lane, rules in self.rules.items():
            self._keep(lane, rules.tick(now_ns))
            self._looked(rules, now_ns)

    def _tell_all(self) -> None:
        for lane, rules in self.rules.items():
            self._keep(lane, rules.tell_all(self._clock_ns()))

    def _till_is_back(self, lane: str) -> None:
        if lane in self._silent:
            self._silent.discard(lane)
            self._passed(lane, AlertKind.TILL_SILENT, "till", self._clock_ns())

    def _passed(self, lane: str, kind: AlertKind, gap: str, at_ns: int) -> None:
        def act(transaction: Transaction) -> None:
            close_alert(transaction.connection, lane=lane, kind=kind.value)
            end_gap(transaction.connection, lane=lane, kind=gap, to_ns=at_ns)

        self._quietly(act)

    def _done(self, event: TillEvent) -> None:
        self._quietly(
            lambda transaction: mark_done(transaction.connection, lane=event.lane, receipt=event.receipt)
        )

    def _quietly(self, act: Callable[[Transaction], None]) -> None:
        try:
            self._outbox.submit(act)
        except StoreError as error:
            _log.warning("the store refuses: %s", error)

    # --- keeping decisions -----------------------------------------------------------------------------------

    def _keep(self, lane: str, decisions: list[Decision]) -> None:
        if not decisions:
            return
        for decision in decisions:
            self._count(decision)
            if isinstance(decision, PersonTold):
                self._told(decision)
            elif isinstance(decision, SaleEnded):
                self._sold(decision)
            elif getattr(decision, "kind", None) is AlertKind.TILL_SILENT:
                self._silent.add(lane)
        if self._unsaved or not self._save(lane, decisions):
            self._unsaved.append((lane, decisions))
            if len(self._unsaved) > _UNSAVED_MAX:
                self._unsaved.popleft()
                self.dropped["decisions"] += 1

    def _count(self, decision: Decision) -> None:
        self.counts[type(decision).__name__] += 1
        if isinstance(decision, SaleEnded):
            self.outcomes[decision.outcome.value] += 1
        elif isinstance(decision, AlertRaised) and not (
            decision.kind is AlertKind.CAMERA_BLIND and decision.count
        ):
            self.alerts[decision.kind.value] += 1

    def _save(self, lane: str, decisions: list[Decision]) -> bool:
        urgent = any(not isinstance(decision, PersonTold) for decision in decisions)

        def done(future: Future[None]) -> None:
            error = future.exception()
            if error is None:
                # Who leaves is told with the receipt, which takes as long as a sale: how fast this box is shows in
                # its prompts, from the later of face and item.
                for decision in decisions:
                    if isinstance(decision, CheckRequested):
                        self._outbox.commits.add(max(0.0, (self._clock_ns() - decision.at_ns) / 1e9))
                return
            if isinstance(error, StoreError):
                self._put(lambda: self._unsaved.append((lane, decisions)))
                return
            self.dropped["decisions"] += len(decisions)
            _log.error("decisions could not be kept: %s", error)

        try:
            committed = self._outbox.submit(
                keeping(decisions, self._sales[lane]), now=urgent, weight=len(decisions)
            )
        except StoreError as error:
            _log.warning("decisions wait for the store: %s", error)
            return False
        committed.add_done_callback(done)
        return True

    def _save_again(self) -> None:
        while self._unsaved and self._save(*self._unsaved[0]):
            self._unsaved.popleft()


def _as_till_hears(error: BaseException) -> BaseException:
    if isinstance(error, StoreFull):
        return NoRoom(str(error)) if error.reason is FullReason.DISK else Overloaded(str(error))
    return error
