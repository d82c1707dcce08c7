"""`checkout-age demo`: a lane at work on any computer, without a camera, shown on the terminal."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.config import Config

HELP = "a lane at work without a camera (or with yours: --camera), shown on the terminal"
EXIT_REFUSED = 2
_REDRAW_S = 0.25


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
        lanes = (Lane(name=lanes[0].name, camera="cam-1"),)
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
    from edge.app.box_stats import box_stats
    from edge.ops.log import start_logging
    from edge.ops.redraw import can_redraw
    from edge.ops.selftest import RESEARCH, is_research
    from edge.ops.terminal import LaneNow, Moment, Terminal, track_ended

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with (args.log or Path("/dev/null")).open("a", encoding="utf-8") as log:
        # Log lines would tear the redrawn screen; off a terminal they go where they always go.
        start_logging(stream=log if can_redraw(sys.stdout) or args.log else None)
        daemon = Daemon(config, another_port=True)
        challenge_age, language = config.policy.challenge_age, config.site.language
        with Terminal(sys.stdout, language=language) as terminal:
            daemon.listeners.append(
                lambda report: terminal.tell(
                    track_ended(report, language=language, challenge_age=challenge_age)
                )
            )
            if is_research(daemon.models.bundle) and not terminal.redraws:
                print(RESEARCH, file=sys.stderr)  # the redrawn screen has its own line for it
            daemon.start()
            page_url = daemon.sign_in_url()
            if not terminal.redraws:
                print(f"the page, once for one browser: {page_url}", file=sys.stderr)
            try:
                left_s = args.seconds if args.seconds is not None else float("inf")
                while left_s > 0 and not stop.wait(min(_REDRAW_S, left_s)):
                    left_s -= _REDRAW_S
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
                            challenge_age=challenge_age,
                            page_url=page_url,
                        )
                    )
            finally:
                daemon.stop()
    return 0
