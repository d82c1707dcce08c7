"""Puts a replay together from what the command line says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.age import AgeModelError, BundleError
from edge.app.parts import Models, build_vision, open_models
from edge.app.policies import lane_policy
from edge.app.replay import Replay, Site, TillReplay
from edge.app.sale_events import SaleEvents
from edge.app.tills import till_reader
from edge.camera import open_clip
from edge.config import Camera, Config, ConfigError, Inference, Lane, Tracking, ZonesPx, load_config
from edge.events import lane_source
from edge.face import DetectorError, DetectorKind
from edge.flow import TillEvent
from edge.rules import LaneRules
from edge.till import TillEventRefused, read_lines_file

__all__ = ["ReplayError", "build_replay"]

_CAMERA = "cam-1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_START = "2026-01-05T10:00:00Z"


class ReplayError(Exception):
    """A replay that cannot be put together; the message says what and the way out."""


def build_replay(
    clip_file: Path,
    *,
    lane: str = "lane-1",
    start: str = DEFAULT_START,
    config_file: Path | None = None,
    zones_file: Path | None = None,
    detector: DetectorKind | None = None,
    threads: int = 2,
    till_file: Path | None = None,
    warn: Callable[[str], None] = lambda _text: None,
) -> Replay:
    """Open clip and models for one lane. `threads` is fixed, not taken from the machine, so that bytes stay equal.

    `till_file`: JSON lines of till events; `warn` hears of lines that are none.
    Raises ReplayError for options, configuration and models, ClipError for the clip.
    """
    try:
        config = load_config(config_file) if config_file is not None else None
    except ConfigError as error:
        raise ReplayError(str(error)) from error
    start_ns = _start_ns(start)
    chosen_lane, camera = _lane_and_camera(config, lane, zones_file)
    whole = config or Config(cameras=(camera,), lanes=(chosen_lane,))
    told = None if till_file is None else _till_events(till_file, whole, lane, warn)
    site = _site(whole, lane)
    inference = replace(config.inference if config else Inference(), threads=threads)
    if detector is not None:
        inference = replace(inference, detector=detector)
    clip = open_clip(
        clip_file, camera=camera.name, start_ns=start_ns, rate_hz=camera.detect_hz, threads=threads
    )
    try:
        models = open_models(inference)
    except (DetectorError, BundleError) as error:
        clip.close()
        raise ReplayError(str(error)) from error
    try:
        till = None if told is None else _till_replay(told, whole, chosen_lane, models, site)
    except AgeModelError as error:
        clip.close()
        raise ReplayError(str(error)) from error
    return Replay(
        clip=clip,
        vision=build_vision(
            models,
            lanes=[chosen_lane],
            cameras=[camera],
            tracking=config.tracking if config else Tracking(),
            under_ages=whole.policy.legal_ages,
        ),
        site=site,
        camera=camera.name,
        detector_name=models.choice.name,
        detect_hz=camera.detect_hz,
        till=till,
        start_ns=start_ns,
    )


def _till_events(file: Path, config: Config, lane: str, warn: Callable[[str], None]) -> list[TillEvent]:
    """The events of this lane; those of other lanes are passed over."""
    try:
        events = read_lines_file(file, till_reader(config, any_lane=True), refused=warn)
    except OSError as error:
        raise ReplayError(f"--till {file}: {error.strerror or error}. Give a file of JSON lines") from error
    except TillEventRefused as error:
        raise ReplayError(f"--till {file}: holds no till event: {error}") from error
    return [event for event in events if event.lane == lane]


def _till_replay(
    events: list[TillEvent], config: Config, lane: Lane, models: Models, site: Site
) -> TillReplay:
    policy = lane_policy(config, lane, models.bundle)
    return TillReplay(
        rules=LaneRules(lane=lane.name, policy=policy),
        events=events,
        sales=SaleEvents(
            store=site.store,
            box=site.box,
            camera=lane.camera,
            policy=policy,
            vms_url_template=config.policy.vms_url_template,
            model=models.bundle.name,
        ),
    )


def _lane_and_camera(config: Config | None, name: str, zones_file: Path | None) -> tuple[Lane, Camera]:
    """The configured lane of that name with its camera, else one that sees the whole picture."""
    lane = next((one for one in config.lanes if one.name == name), None) if config else None
    if config is not None and lane is None:
        known = ", ".join(one.name for one in config.lanes)
        raise ReplayError(f"--lane {name}: the configuration has no such lane; it has {known}")
    camera = config.camera(lane.camera) if config and lane else Camera(name=_CAMERA, source="replayed.mp4")
    lane = lane or Lane(name=name, camera=_CAMERA, reports_id_checks="till")
    if zones_file is not None:
        lane = replace(lane, zones_px=_zones(zones_file))
    return lane, camera


def _site(config: Config, lane: str) -> Site:
    site = Site(store=config.site.store, box=config.site.box)
    try:
        lane_source(site.store, site.box, lane)
    except ValueError as error:
        raise ReplayError(f"--lane: {error}") from error
    return site


def _start_ns(text: str) -> int:
    """RFC 3339 with any zone, to the nanosecond of the microsecond given."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ReplayError(f"--start {text}: {error}. Give a time such as {DEFAULT_START}") from error
    if at.tzinfo is None:
        raise ReplayError(f"--start {text}: a time needs its zone. Give a time such as {DEFAULT_START}")
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _zones(file: Path) -> ZonesPx:
    """Read `{"zones_px": {"customer": [[x, y], …], "cashier": […]}}`; other names beside these are passed over."""
    try:
        told = json.loads(file.read_bytes())["zones_px"]
        corners = {name: _polygon(name, told[name]) for name in ("customer", "cashier") if told.get(name)}
        if told and not any(name in told for name in ("customer", "cashier")):
            raise ValueError(f"neither customer nor cashier, but {', '.join(told)}")
    except OSError as error:
        raise ReplayError(f"--zones {file}: {error.strerror or error}. {_ZONES_FORM}") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ReplayError(f"--zones {file}: {error.__class__.__name__}: {error}. {_ZONES_FORM}") from error
    return ZonesPx(**corners)


_ZONES_FORM = 'It holds {"zones_px": {"customer": [[x, y], ...], "cashier": [[x, y], ...]}}'


def _polygon(name: str, corners: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    points = tuple((float(x), float(y)) for x, y in corners)
    if len(set(points)) < 3 or not all(math.isfinite(value) for point in points for value in point):
        raise ValueError(f"{name}: a zone has three different corners at least, in pixels")
    return points
