"""The daemon: every part of a box built from its configuration, started, watched and stopped."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from edge.app.alert_labels import LabelCount
from edge.app.cameras import build_cameras
from edge.app.desk import Desk
from edge.app.doors import Doors
from edge.app.drift import DriftWatch
from edge.app.offers import Offers
from edge.app.outbox import Outbox
from edge.app.pages import PageSide, check_protected
from edge.app.parts import Models, build_vision, open_models
from edge.app.sales import Sales
from edge.app.till_stats import TillWatch
from edge.app.together import together
from edge.app.vision_loop import Judged, VisionLoop
from edge.camera import CameraState, CameraStatus
from edge.config import Config
from edge.events import age_event, camera_status_event
from edge.flow import Role, TrackReport
from edge.ops.identity import check_identity
from edge.ops.latency import LatencyWindow
from edge.ops.log import redactor
from edge.ops.process import clock_synchronised
from edge.page import Role as PageRole
from edge.page import WebServer, listen, operations_routes

__all__ = ["Daemon"]

_log = logging.getLogger(__name__)
_HOUSEKEEPING_S = 1.0
_PURGE_EVERY_S = 3600.0
_FIRST_PURGE_S = 60.0
_GONE_NS = 10_000_000_000
_CAMERA_STOP_S = 1.0
_RENEW_EVERY_S = 10.0
_UNFIT = "the renewed certificate cannot be used"


class Daemon:
    """All lanes of one box in one process. `start`, then your own loop, then `stop`."""

    def __init__(
        self,
        config: Config,
        *,
        another_port: bool = False,
        models: Models | None = None,
        last_good: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        """Open models, store, sinks and port. `another_port`: take a free one where the configured is busy.

        `models`: those that are open already, as `config.inference` wants them. `last_good`: the configuration is not
        the file's, which cannot be used. `notes`: what somebody should look at from the start; the box counts as
        degraded for each.

        Raises DetectorError, AgeModelError, StoreError, SecretError, PortBusyError, UnprotectedError, OSError with the
        way out; nothing stays open then.
        """
        self.last_good = last_good
        self.notes: list[str] = list(notes)
        try:
            self._build(config, another_port=another_port, models=models)
        except BaseException:
            self._abandon()
            raise

    def _build(self, config: Config, *, another_port: bool, models: Models | None) -> None:
        self.config = config
        self.started_s = time.monotonic()
        self.estimates = LatencyWindow()
        self.counts: Counter[str] = Counter()
        self.lanes_now: dict[str, dict[str, TrackReport]] = {lane.name: {} for lane in config.lanes}
        self._sighted_ns: dict[str, int] = {}
        self.first_judged = threading.Event()
        self.listeners: list[Callable[[TrackReport], None]] = []
        self._stopping = threading.Event()
        check_protected(config)
        self._certificate = config.http.certificate()
        self._unfit_certificate = ""
        self._metrics_token = config.http.metrics_token()
        if self._metrics_token:
            redactor.learn(self._metrics_token)
        self._socket = listen(config.http.host, config.http.port, or_another=another_port)
        port = self._socket.getsockname()[1]
        if config.http.port not in (0, port):
            self.notes.append(f"port {config.http.port} is taken by another program: this box took {port}")
            _log.warning("%s", self.notes[-1])
        self.models: Models = models or open_models(config.inference)
        self.outbox = Outbox(config)
        self.sales: Sales | None = None
        self.offers: Offers | None = None
        self.desk, self.doors = self._till_side(config)
        vision = build_vision(
            self.models,
            lanes=config.lanes,
            cameras=config.cameras,
            tracking=config.tracking,
            under_ages=config.policy.legal_ages,
            band_ends=config.sales.band_ends if config.sales.enabled or config.offers.enabled else (),
        )
        self.vision = VisionLoop(vision=vision, tell=self._judged)
        self.labels = LabelCount(self.outbox)
        self.cameras = build_cameras(config.cameras, told=self._camera_told, wake=self.vision.wake)
        for camera in self.cameras:
            self.vision.watch(camera)
        by_name = {camera.name: camera for camera in self.cameras}
        self.drift = DriftWatch(
            config,
            self.outbox,
            model=self.models.bundle.name,
            size_of=lambda camera: by_name[camera].figures().size_px,
        )
        self.listeners.append(self.drift.left)
        self.vision.looks.append(self.drift.look)
        self.till_watch = (
            None if self.desk is None or self.doors is None else TillWatch(self.desk, self.doors, self.outbox)
        )
        self.page_side = PageSide(self, port=port)
        self._housekeeper = threading.Thread(target=self._keep_house, name="house", daemon=True)
        self.beat_s = time.monotonic()
        self.web: WebServer | None = None
        self._look_around()

    def _abandon(self) -> None:
        """Give back what was opened before a part refused, so that another configuration can be tried."""
        sales: Sales | None = getattr(self, "sales", None)
        if sales is not None:
            sales.close()
        outbox: Outbox | None = getattr(self, "outbox", None)
        if outbox is not None:
            outbox.close()
        opened: socket.socket | None = getattr(self, "_socket", None)
        if opened is not None:
            opened.close()

    def _look_around(self) -> None:
        """What is told once, at the start: a disk that was cloned, a clock that nobody sets."""
        site = self.config.site
        try:
            said = check_identity(self.config.state.dir, store=site.store, box=site.box)
        except OSError as error:
            said = None
            _log.warning("whether this disk was cloned cannot be told: %s", error)
        if said is not None:
            self.notes.append(said)
            _log.error("%s", said)
        if clock_synchronised() is False:
            _log.warning("the clock is not synchronised: start a time service (timedatectl set-ntp true)")

    def start(self) -> None:
        """Start every thread; from now on frames are judged and events are delivered."""
        from edge.app.box_stats import box_stats
        from edge.ops.descriptors import DescriptorCount
        from edge.ops.health import judge
        from edge.ops.metrics import CONTENT_TYPE, MetricsPage

        metrics = MetricsPage(lambda: box_stats(self))
        descriptors = DescriptorCount()

        def health() -> tuple[str, tuple[str, ...]]:
            told = judge(box_stats(self))
            return told.state.value, told.reasons

        self.web = WebServer(
            sock=self._socket,
            routes=operations_routes(
                version=_version(),
                stats=lambda: {**box_stats(self).as_json(), "descriptors": descriptors.now()},
                health=health,
                metrics=lambda: (metrics.render(), CONTENT_TYPE),
                metrics_token=self._metrics_token,
            )
            + ([] if self.doors is None else self.doors.routes)
            + self.page_side.pages.routes,
            lifespan=self.page_side.pages.lifespan,
            before_stop=self.page_side.pages.feed.close,
            certificate=self._certificate,
        )
        if self.desk is not None:
            self.desk.start()
        self.vision.start()
        self.outbox.start()
        for camera in self.cameras:
            camera.start()
        self.web.start()
        self.page_side.start()
        if self.doors is not None:
            self.doors.start()
        self._housekeeper.start()
        _log.info(
            "the box is up",
            extra={
                "url": self.web.url,
                "lanes": len(self.config.lanes),
                "detector": self.models.choice.name,
                "model": self.models.bundle.name,
                "provider": self.models.ages.provider,
            },
        )

    def stop(self) -> None:
        """Stop in the way of a frame, so that everything that was seen is committed and offered to the sinks once."""
        self._stopping.set()
        together({one.name: partial(one.stop, timeout_s=_CAMERA_STOP_S) for one in self.cameras})
        self.vision.stop()
        together(
            {
                "page": self.page_side.stop,
                "doors": (lambda: None) if self.doors is None else self.doors.stop,
                "web server": self._socket.close if self.web is None else self.web.stop,
            }
        )
        if self.desk is not None:
            self.desk.stop()
        if self.sales is not None:
            self.sales.close()
        self.drift.stop()
        self.outbox.close()

    def sign_in_url(self) -> str:
        """A link that opens the pages once, as a manager: for the demo, printed on the terminal of who started it."""
        path = self.page_side.sessions.one_time_link(name="demo", role=PageRole.MANAGER)
        return f"{self.web.url if self.web else ''}{path}"

    def _till_side(self, config: Config) -> tuple[Desk | None, Doors | None]:
        """Desk and doors, where a till can reach this box at all; without them people are told as they leave."""
        if not config.till.any_door:
            return None, None
        if config.sales.enabled:
            self.sales = Sales(
                config,
                model=self.models.bundle.name,
                unusable=lambda: {**self._changed("covered"), **self._changed("moved")},
            )
        self.offers = Offers(config, self.outbox.append)
        desk = Desk(
            config,
            self.models.bundle,
            self.outbox,
            sold=(lambda _ended: None) if self.sales is None else self.sales.sold,
            looked=self.offers.looked,
            moved=lambda: self._changed("moved"),
            covered=lambda: self._changed("covered"),
        )
        desk.heard.append(self.offers.heard)
        return desk, Doors(config, desk, lambda: self.outbox.store)

    def _changed(self, word: Literal["moved", "covered"]) -> dict[str, int]:
        """Cameras that the drift watch takes for moved (or covered in bright), with since when."""
        return {
            one.camera: one.since_ns
            for one in self.drift.standing()
            if word in (one.kind, one.figures["measure"])
        }

    def _judged(self, judged: Judged) -> None:
        """In the vision thread: keep what is to be seen now, make events of who has left."""
        if judged.captured_ns is not None:
            self.first_judged.set()
        if self.desk is not None:
            self.desk.judged(judged.reports, judged.sightings)
        for report in judged.reports:
            lane = self.lanes_now[report.lane]
            if not report.ended:
                lane[report.track] = report
                if judged.captured_ns is not None:
                    self.estimates.add((time.time_ns() - judged.captured_ns) / 1e9)
                continue
            lane.pop(report.track, None)
            self.counts["customers"] += report.role is Role.CUSTOMER
            self.counts["unknown"] += report.estimate.reason is not None
            site = self.config.site
            self.counts["events"] += 1
            if self.desk is None:  # else the desk tells of them, once their receipt has given them a role
                self.outbox.append(
                    age_event(report, store=site.store, box=site.box), captured_ns=judged.captured_ns
                )
            for listener in self.listeners:
                listener(report)
        if judged.captured_ns is not None:
            self._forget_who_went(judged, judged.captured_ns)

    def _forget_who_went(self, judged: Judged, at_ns: int) -> None:
        """Who is never told as gone (a poster, a glimpse) must not stay in `lanes_now` for months."""
        self._sighted_ns.update({sighting.track: at_ns for sighting in judged.sightings})
        here = {track: ns for track, ns in self._sighted_ns.items() if abs(at_ns - ns) <= _GONE_NS}
        self._sighted_ns = here
        for lane in self.lanes_now.values():
            for track in [track for track in lane if track not in here]:
                del lane[track]

    def _camera_told(self, status: CameraStatus) -> None:
        """In the camera's thread: an event for each lane that it sees, and nobody is left standing there."""
        level = logging.INFO if status.state is CameraState.UP else logging.WARNING
        _log.log(
            level,
            "camera is %s",
            status.state.value,
            extra={"camera": status.camera, "reason": status.reason.value, "detail": status.detail},
        )
        if status.state is CameraState.DOWN:
            self.vision.camera_lost(status.camera)
        if self.desk is not None:
            self.desk.camera(status)
        if self.sales is not None:
            self.sales.camera(status)
        site = self.config.site
        for lane in self.config.lanes:
            if lane.camera == status.camera:
                event = camera_status_event(
                    store=site.store,
                    box=site.box,
                    lane=lane.name,
                    camera=status.camera,
                    state=status.state.value,
                    reason=status.reason.value,
                    since_ns=status.since_ns,
                    at_ns=max(status.since_ns, time.time_ns()),
                )
                self.counts["events"] += 1
                self.outbox.append(event)

    def _keep_house(self) -> None:
        """Once a second: what capture threads cannot tell while they hang; refused events again; retention."""
        purged_s = time.monotonic() - _PURGE_EVERY_S + _FIRST_PURGE_S
        renewed_s = time.monotonic()
        while not self._stopping.wait(_HOUSEKEEPING_S):
            self.beat_s = time.monotonic()
            try:
                for camera in self.cameras:
                    camera.check()
                self.outbox.tick()
                if self.sales is not None:
                    self.sales.tick()
                self.drift.tick()
                if time.monotonic() - renewed_s >= _RENEW_EVERY_S:
                    renewed_s = time.monotonic()
                    self._renew_certificate()
                if time.monotonic() - purged_s >= _PURGE_EVERY_S:
                    purged_s = time.monotonic()
                    self.outbox.purge()
                    if self.desk is not None:
                        self.desk.purge()
                    if self.sales is not None:
                        self.sales.purge()
            except Exception:  # noqa: BLE001 - see below
                # Nobody else would find a camera that hangs: this thread outlives every fault of what it calls.
                _log.exception("housekeeping failed")

    def _renew_certificate(self) -> None:
        """A certificate is renewed by whoever issues it; the box goes on serving meanwhile.

        What does not fit is told from the second look on: the first may fall between a certificate and its key.
        """
        try:
            renewed = self.web is not None and self.web.renew_certificate()
        except OSError as error:
            before, self._unfit_certificate = self._unfit_certificate, str(error)
            told = any(note.startswith(_UNFIT) for note in self.notes)
            if before == self._unfit_certificate and not told:
                self.notes.append(
                    f"{_UNFIT}, the old one is served on ({error}). {self._fitting_certificate()}"
                )
                _log.warning("%s", self.notes[-1])
            return
        self._unfit_certificate = ""
        self.notes[:] = [note for note in self.notes if not note.startswith(_UNFIT)]
        if renewed:
            _log.info("the renewed certificate is in use")

    def _fitting_certificate(self) -> str:
        http = self.config.http
        if http.tls_key_credential is None:
            return f"{http.tls_cert} and {http.tls_key} must belong together and be readable for the service"
        return (
            f"The key is the one that systemd handed over at the start: is the new one in the credential "
            f"{http.tls_key_credential}, then systemctl restart checkout-age"
        )


def _version() -> str:
    from importlib.metadata import version

    return version("checkout-age")
