"""The drift watch of a running box: what customers' faces say of their camera, and one warning when it changed."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any

from edge.app.drift_book import accepted_hour, forget_hours, hours_of, keep_hours
from edge.app.outbox import Outbox
from edge.config import Config
from edge.events import NO_CLOCK_BEFORE_MS, StoreError, build_event
from edge.events.types import MODEL_WARNING
from edge.flow import Frame, Role, TrackReport
from edge.ops.drift import Finding, HourFigures, find_drift, sentence
from edge.ops.drift_scene import SceneWatch

__all__ = ["CameraWarning", "DriftWatch", "camera_setup"]

_log = logging.getLogger(__name__)
_HOUR_NS = 3_600_000_000_000
_LOOK_EVERY_NS = 5_000_000_000
_KEEP_EVERY_S, _JUDGE_EVERY_S, _PURGE_EVERY_S = 900.0, 600.0, 3600.0
_DAYS_KEPT = 29
_Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraWarning:
    """A warning that stands now."""

    camera: str
    kind: str
    said: str
    since_ns: int
    figures: Mapping[str, float | int | str]


def camera_setup(config: Config, camera: str, model: str) -> str:
    """A digest of what decides how a camera sees: with another source, zone, size or model, the usual begins anew."""
    one = config.camera(camera)
    deciding = {
        "source": one.source,
        "detect_size": one.detect_size,
        "zones": [asdict(lane.zones_px) for lane in config.lanes if lane.camera == camera],
        "model": model,
    }
    text = json.dumps(deciding, sort_keys=True, default=str)
    return hashlib.blake2s(text.encode(), digest_size=8).hexdigest()


class DriftWatch:
    """`left` and `look` belong to the vision thread, `tick` to the housekeeper, `standing` to anybody.

    In memory: the sums of hours that are not on disk yet (at most 15 minutes' worth, lost with a killed process) and
    two small mean pictures a camera (see `SceneWatch`).
    """

    def __init__(
        self,
        config: Config,
        outbox: Outbox,
        *,
        model: str,
        size_of: Callable[[str], _Size | None],
        clock_ns: Callable[[], int] = time.time_ns,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`size_of`: the size of a camera's newest picture."""
        self._config = config
        self._outbox = outbox
        self._size_of = size_of
        self._clock_ns = clock_ns
        self._monotonic_s = monotonic_s
        self._setups = {camera.name: camera_setup(config, camera.name, model) for camera in config.cameras}
        self._scenes = {camera.name: SceneWatch() for camera in config.cameras}
        self._looked_ns: dict[str, int] = {}
        self._accepted: dict[str, int] = {}
        self._lock = threading.Lock()
        self._fresh: dict[tuple[str, int], HourFigures] = {}
        self._standing: dict[tuple[str, str], CameraWarning] = {}
        self._kept_s = self._judged_s = self._purged_s = monotonic_s()
        self.raised: Counter[str] = Counter()

    # --- in the vision thread ---------------------------------------------------------------------------------

    def left(self, report: TrackReport) -> None:
        """Count somebody who has gone; passers-by stand anywhere and do not count."""
        if not report.ended or report.role is Role.PASSER_BY:
            return
        hour = report.to_ns // _HOUR_NS
        measures = _measures(report, self._size_of(report.camera))
        with self._lock:
            before = self._fresh.get((report.camera, hour), HourFigures(hour=hour))
            self._fresh[report.camera, hour] = before.with_customer(
                mean_years=report.estimate.mean_years, measures=measures
            )

    def look(self, frames: Sequence[Frame]) -> None:
        """Take a look at each camera's place every few seconds."""
        for frame in frames:
            due_ns = self._looked_ns.get(frame.camera, 0) + _LOOK_EVERY_NS
            if self._looked_ns.get(frame.camera, 0) <= frame.at_ns < due_ns:
                continue
            self._looked_ns[frame.camera] = frame.at_ns
            self._scenes[frame.camera].look(frame.at_ns / 1e9, frame.image)

    # --- in the housekeeper -----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Call about once a second: hand sums to the store, judge, tell."""
        now_s = self._monotonic_s()
        if now_s - self._kept_s >= _KEEP_EVERY_S:
            self._kept_s = now_s
            self.keep()
        if now_s - self._purged_s >= _PURGE_EVERY_S:
            self._purged_s = now_s
            self.purge()
        if now_s - self._judged_s >= _JUDGE_EVERY_S:
            self._judged_s = now_s
            self.judge()
        else:
            self._tell(self._scene_findings(), measured=False)

    def keep(self) -> Future[None] | None:
        """Hand what was counted to the store; it stays here while the store refuses."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
        if not fresh:
            return None

        def act(connection: sqlite3.Connection) -> None:
            for (camera, _), hour in fresh.items():
                keep_hours(connection, {(camera, self._setups[camera]): hour})

        def done(future: Future[None]) -> None:
            if future.exception() is not None:
                self._put_back(fresh)

        try:
            kept = self._outbox.submit(lambda transaction: act(transaction.connection))
        except StoreError:
            self._put_back(fresh)
            return None
        kept.add_done_callback(done)
        return kept

    def purge(self) -> None:
        """Delete hours that are over their time, also of cameras that see nobody or are gone."""
        now_ns = self._clock_ns()
        if now_ns < NO_CLOCK_BEFORE_MS * 10**6:
            return
        before_hour = now_ns // _HOUR_NS - 24 * _DAYS_KEPT
        try:
            self._outbox.submit(
                lambda transaction: forget_hours(transaction.connection, before_hour=before_hour)
            )
        except StoreError as error:
            _log.warning("retention could not purge the drift watch: %s", error)

    def judge(self) -> None:
        """Compare the last hours with the last weeks, and tell what is new."""
        store = self._outbox.store
        if store is None:
            return
        now_hour = self._clock_ns() // _HOUR_NS
        found = dict(self._scene_findings())
        try:
            for camera, setup in self._setups.items():
                hours, accepted = store.read(
                    lambda c, camera=camera, setup=setup: (  # type: ignore[misc]
                        hours_of(c, camera=camera, setup=setup, from_hour=now_hour - 24 * _DAYS_KEPT),
                        accepted_hour(c, camera),
                    )
                )
                if accepted > self._accepted.setdefault(camera, accepted):
                    self._accepted[camera] = accepted
                    self._scenes[camera] = SceneWatch()
                    found = {key: finding for key, finding in found.items() if key[0] != camera}
                for finding in find_drift(self._with_fresh(camera, hours), now_hour=now_hour):
                    found.setdefault((camera, finding.kind), finding)
        except (StoreError, sqlite3.Error) as error:
            _log.warning("the drift watch could not read: %s", error)
            return
        self._tell(found, measured=True)

    def standing(self) -> tuple[CameraWarning, ...]:
        """What stands now, by camera and kind."""
        with self._lock:
            return tuple(self._standing[key] for key in sorted(self._standing))

    def stop(self) -> None:
        """Hand over what was counted; before the outbox closes."""
        self.keep()

    # ----------------------------------------------------------------------------------------------------------

    def _put_back(self, fresh: Mapping[tuple[str, int], HourFigures]) -> None:
        with self._lock:
            for key, hour in fresh.items():
                self._fresh[key] = hour.plus(self._fresh[key]) if key in self._fresh else hour

    def _with_fresh(self, camera: str, hours: Iterable[HourFigures]) -> list[HourFigures]:
        known = {one.hour: one for one in hours}
        with self._lock:
            for (name, hour), more in self._fresh.items():
                if name == camera:
                    known[hour] = known[hour].plus(more) if hour in known else more
        return list(known.values())

    def _scene_findings(self) -> dict[tuple[str, str], Finding]:
        seen = ((camera, scene.finding) for camera, scene in self._scenes.items())
        return {(camera, finding.kind): finding for camera, finding in seen if finding is not None}

    def _tell(self, found: Mapping[tuple[str, str], Finding], *, measured: bool) -> None:
        """`measured`: all that stands was looked for; else only the pictures were, and the rest stays."""
        now_ns = self._clock_ns()
        with self._lock:
            before = dict(self._standing)
            now = {} if measured else {key: one for key, one in before.items() if not _of_scene(one)}
            for key, finding in found.items():
                since_ns = before[key].since_ns if key in before else now_ns
                now.setdefault(key, _warning(key, finding, since_ns))
            self._standing = now
        for key in sorted(set(now) - set(before)):
            self.raised[key[1]] += 1
            _log.warning("%s", now[key].said, extra={"camera": key[0], "kind": key[1]})
            self._send(now[key], now_ns)
        for camera, kind in sorted(set(before) - set(now)):
            _log.info("a camera is as usual again", extra={"camera": camera, "kind": kind})

    def _send(self, warning: CameraWarning, at_ns: int) -> None:
        site = self._config.site
        for lane in self._config.lanes:
            if lane.camera != warning.camera:
                continue
            data: dict[str, Any] = {
                "camera": warning.camera, "kind": warning.kind, "figures": dict(warning.figures)
            }  # fmt: skip
            self._outbox.append(
                build_event(
                    MODEL_WARNING,
                    store=site.store,
                    box=site.box,
                    lane=lane.name,
                    subject=warning.camera,
                    at_ns=at_ns,
                    identity=(warning.kind, warning.since_ns),
                    data=data,
                )
            )


def _of_scene(warning: CameraWarning) -> bool:
    return warning.figures["measure"] in ("scene", "detail", "covered")


def _warning(key: tuple[str, str], finding: Finding, since_ns: int) -> CameraWarning:
    camera, kind = key
    return CameraWarning(
        camera=camera, kind=kind, said=sentence(camera, finding), since_ns=since_ns, figures=finding.figures()
    )


def _measures(report: TrackReport, size_px: _Size | None) -> dict[str, float]:
    """What of a customer is summed; places need the picture's size."""
    measures: dict[str, float] = {}
    if size_px is not None:
        x, y, width, height = report.seen_box_px
        measures["x"] = (x + width / 2) / size_px[0]
        measures["y"] = (y + height / 2) / size_px[1]
        measures["size"] = math.log(max(1.0, width) / size_px[0])
    if report.blur is not None:
        measures["blur"] = report.blur
    if report.brightness is not None:
        measures["brightness"] = report.brightness
    return measures
