"""`checkout-age demo`: a lane at work on any computer, without a camera, shown on the terminal."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.app import Daemon
    from edge.config import Config
    from edge.ops.terminal import Terminal

HELP = (
    "a lane and a till at work without a camera (or with yours: --camera), on the terminal and in a browser"
)
EXIT_REFUSED = 2
_REDRAW_S = 0.25
_LINK_S = 600.0
"""A sign-in link is shown for so long, then a new one: each is good for a quarter of an hour."""
_TOKEN = "CHECKOUT_AGE_DEMO_TOKEN"  # noqa: S105 - the name of a variable (configs/demo.yaml)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The camera, and how long."""
    parser.add_argument(
        "--camera", metavar="0|URL|FILE", help="index, rtsp:// or http:// address, or a video file"
    )
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument("--seconds", type=float, help="stop by itself after so long")
    parser.add_argument("--lang", choices=["en", "ru"], default="en")
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="write the log here (without it: nowhere on a terminal)"
    )


def run(args: argparse.Namespace) -> int:
    """0 when it was stopped; 2 with the reason where it cannot start."""
    from edge.app import START_ERRORS
    from edge.ops.process import forbid_core_dumps

    forbid_core_dumps()
    with tempfile.TemporaryDirectory(prefix="checkout-age-demo-") as state:
        try:
            config = _config(args, Path(state))
            return _show(args, config)
        except START_ERRORS as error:
            print(f"checkout-age demo: {error}", file=sys.stderr)
            return EXIT_REFUSED


def _config(args: argparse.Namespace, state: Path) -> Config:
    """The shipped demo configuration, with state in a temporary folder and the camera that was asked for."""
    from edge.config import load_config
    from edge.shipped import shipped

    os.environ[_TOKEN] = secrets.token_urlsafe(32)
    config = load_config(shipped("configs/demo.yaml"))
    camera, lanes = config.cameras[0], config.lanes
    if args.camera is not None:
        from edge.camera import StreamAddress
        from edge.config import Lane

        source, user = args.camera, None
        if "://" in source and "@" in source:
            address = StreamAddress.parse(source)
            user = address.credentials.user if address.credentials else None
            raise ValueError(
                f"--camera: give user and password ({user}) in a configuration (see configs/lane.yaml) and "
                "use `checkout-age run`: a command line can be read by everybody on this computer"
            )
        _refuse_what_cannot_be_shown(source)
        camera = replace(camera, name="cam-1", source=source, loop=True)
        lanes = (Lane(name=lanes[0].name, camera="cam-1", reports_id_checks="till"),)
    return replace(
        config,
        cameras=(camera,),
        lanes=lanes,
        state=replace(config.state, dir=state),
        inference=replace(config.inference, detector=args.detector),
        site=replace(config.site, language=args.lang),
    )


def _refuse_what_cannot_be_shown(source: str) -> None:
    """Raises ValueError. A camera that is away may come back, and the demo waits for it; a file will not."""
    from edge.camera import ClipError, open_clip
    from edge.config import SourceKind, source_kind

    try:
        kind = source_kind(source)
    except ValueError as error:
        raise ValueError(f"--camera {source}: this is not {error}") from None
    if kind is SourceKind.FILE:
        try:
            open_clip(source, camera="cam-1", start_ns=0, rate_hz=None).close()
        except ClipError as error:
            raise ValueError(f"--camera {error}") from error


def _show(args: argparse.Namespace, config: Config) -> int:
    from edge.app import Daemon
    from edge.app.demo_till import till_of
    from edge.ops.log import start_logging
    from edge.ops.redraw import can_redraw
    from edge.ops.selftest import RESEARCH, is_research
    from edge.ops.terminal import Terminal, track_ended
    from edge.ops.terminal_words import WORDS

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with (args.log or Path("/dev/null")).open("a", encoding="utf-8") as log:
        # Log lines would tear the redrawn screen; off a terminal they go where they always go.
        start_logging(stream=log if can_redraw(sys.stdout) or args.log else None)
        daemon = Daemon(config, another_port=True)
        challenge_age, language = config.policy.challenge_age, config.site.language
        note = WORDS[language]["demo" if args.camera is None else "demo.camera"].format(age=challenge_age)
        with Terminal(sys.stdout, language=language) as terminal:
            daemon.listeners.append(
                lambda report: terminal.tell(
                    track_ended(report, language=language, challenge_age=challenge_age)
                )
            )
            daemon.start()
            till = till_of(daemon, os.environ[_TOKEN])
            page = _Page(daemon)
            if not terminal.redraws:  # the redrawn screen has its own lines for these
                if is_research(daemon.models.bundle):
                    print(RESEARCH, file=sys.stderr)
                print(note, file=sys.stderr)
                print(f"the page, once for one browser: {page.url()}", file=sys.stderr)
            till.start()
            try:
                _redraw(daemon, terminal, page=page, note=note, stop=stop, seconds=args.seconds)
            finally:
                till.stop()
                daemon.stop()
    return 0


def _redraw(
    daemon: Daemon,
    terminal: Terminal,
    *,
    page: _Page,
    note: str,
    stop: threading.Event,
    seconds: float | None,
) -> None:
    """Show what is and tell what was committed, until `stop` or for so many seconds."""
    from edge.app.box_stats import box_stats
    from edge.ops.terminal import LaneNow, Moment, sale_told

    config, news = daemon.config, _News(daemon)
    left_s = seconds if seconds is not None else float("inf")
    while left_s > 0 and not stop.wait(min(_REDRAW_S, left_s)):
        left_s -= _REDRAW_S
        for event in news.read():
            told = sale_told(event, language=config.site.language)
            if told is not None:
                terminal.tell(told)
        terminal.show(
            Moment(
                stats=box_stats(daemon),
                lanes=tuple(
                    LaneNow(
                        lane=lane.name,
                        camera=lane.camera,
                        tracks=tuple(daemon.lanes_now[lane.name].copy().values()),
                    )
                    for lane in config.lanes
                ),
                challenge_age=config.policy.challenge_age,
                page_url=page.url(),
                note=note,
            )
        )


class _Page:
    """The address of the page with a sign-in that is good once; a new one before it is too old."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._made_s = float("-inf")
        self._url = ""

    def url(self) -> str:
        if time.monotonic() - self._made_s > _LINK_S:
            self._url, self._made_s = self._daemon.sign_in_url(), time.monotonic()
        return self._url


class _News:
    """Events that were committed since the last look."""

    def __init__(self, daemon: Daemon) -> None:
        self._outbox = daemon.outbox
        self._position = 0

    def read(self) -> Iterator[dict[str, Any]]:
        from edge.events.types import ALERT_ACKNOWLEDGED, ALERT_RAISED, CHECK_REQUESTED, SALE_OUTCOME

        store = self._outbox.store
        if store is None:
            return
        wanted = [kind.name for kind in (CHECK_REQUESTED, SALE_OUTCOME, ALERT_RAISED, ALERT_ACKNOWLEDGED)]
        for found in store.read_after(self._position, wanted, limit=100):
            self._position = found.position
            yield json.loads(found.body)
