"""`checkout-age zones suggest`: the zones of a lane, derived from where faces dwell; no picture is kept."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli._box import CONFIG_HELP, config_of_box

if TYPE_CHECKING:
    from edge.config import Camera, Config
    from edge.flow import Frame

HELP = "suggest customer and cashier zones from where faces dwell"
EXIT_TOO_LITTLE, EXIT_REFUSED = 1, 2
_RATE_HZ = 5.0

_SAID = {
    "en": {
        "few": "too little was seen: {visits} stays at one place in {minutes:.0f} minutes; three are needed",
        "behind": "# from {visits} stays of customers and {cashier} of the cashier in {minutes:.0f} minutes",
        "no_cashier": "# nobody stayed long enough to be the cashier: draw that zone by hand, or look again",
        "legend": "darker: people stood there longer. C: customers, K: cashier",
        "look": "Look at the picture of your camera: who pays must lie in C, who waits must not.",
    },
    "ru": {
        "few": "видно слишком мало: {visits} остановок на одном месте за {minutes:.0f} мин, нужно три",
        "behind": "# по остановкам: покупатели {visits}, кассир {cashier}, за {minutes:.0f} мин",
        "no_cashier": "# рядом никто не стоял так долго, как кассир: обведите эту зону вручную или смотрите дольше",
        "legend": "темнее – там стояли дольше. C: покупатели, K: кассир",
        "look": "Сверьте с картинкой камеры: кто платит, должен быть внутри C, кто ждёт – снаружи.",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to look, and for how long."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    suggest = actions.add_parser("suggest", help="watch, then print zones for the configuration")
    where = suggest.add_mutually_exclusive_group(required=True)
    where.add_argument("--camera", metavar="NAME|SOURCE", help="a camera of --config, or 0, /dev/…, rtsp://…")
    where.add_argument("--clip", type=Path, metavar="FILE", help="a video file, as fast as it can be read")
    suggest.add_argument("--config", type=Path, metavar="FILE", help=CONFIG_HELP)
    suggest.add_argument(
        "--minutes", type=float, default=60.0, help="how long to watch a camera (default: 60)"
    )
    suggest.add_argument("--lang", choices=["en", "ru"], help="default: the configuration's, or en")


def run(args: argparse.Namespace) -> int:
    """0 with YAML on stdout and the view on stderr, 1 where too little was seen, 2 where it cannot start."""
    from edge.app.aim_source import face_detector
    from edge.app.zones_suggest import DwellMap, heat_rows, suggest
    from edge.camera import ClipError
    from edge.config import ConfigError, Inference, SecretError
    from edge.face import DetectorError
    from edge.ops.log import redactor, start_logging
    from edge.ops.process import forbid_core_dumps
    from edge.ops.progress import Progress

    forbid_core_dumps()
    start_logging(level="error")
    dwell = DwellMap()
    try:
        camera, config = _camera(args)
        detector = face_detector(config.inference if config else Inference(), size_px=camera.detect_size)
        with Progress("zones", round(args.minutes * 60), unit="s") as bar:
            for frame in _frames(args, camera):
                dwell.add(frame.at_ns, detector.detect([frame.image])[0], frame.image)
                bar.at(min(round(dwell.seconds), round(args.minutes * 60)))
    except (ConfigError, SecretError, DetectorError, ClipError, ValueError, OSError) as error:
        print(f"checkout-age zones: {redactor(str(error))}", file=sys.stderr)
        return EXIT_REFUSED
    said = _SAID[args.lang or (config.site.language if config else "en")]
    stays = dwell.stays()
    found = suggest(stays, size_px=dwell.size_px, seconds=dwell.seconds)
    if found.customer is None:
        most = max((sum(abs(one.x - other.x) < one.face_px for one in stays) for other in stays), default=0)
        print(said["few"].format(visits=most, minutes=dwell.seconds / 60), file=sys.stderr)
        return EXIT_TOO_LITTLE
    for row in heat_rows(stays, found, size_px=dwell.size_px):
        print(f"|{row}|", file=sys.stderr)
    print(said["legend"] + "\n" + said["look"], file=sys.stderr)
    minutes = max(1.0, dwell.seconds / 60)
    print("    " + said["behind"].format(visits=found.visits, cashier=found.cashier_visits, minutes=minutes))
    if found.cashier is None:
        print("    " + said["no_cashier"])
    print(found.yaml())
    return 0


def _camera(args: argparse.Namespace) -> tuple[Camera, Config | None]:
    from edge.app.aim_source import camera_named
    from edge.config import Camera, load_config

    if args.clip is None:
        return camera_named(args.camera, config_file=config_of_box(args.config, camera=args.camera))
    config = None if args.config is None else load_config(args.config)
    return Camera(name="clip", source=str(args.clip)), config


def _frames(args: argparse.Namespace, camera: Camera) -> Iterator[Frame]:
    from edge.app.aim_source import LiveFrames
    from edge.camera import open_clip

    if args.clip is not None:
        yield from open_clip(args.clip, camera=camera.name, start_ns=10**18, rate_hz=_RATE_HZ)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # what was seen until then is told
        signal.signal(number, lambda *_: stop.set())
    newest_ns = 0
    with LiveFrames(camera, seconds=args.minutes * 60, stop=stop) as frames:
        for frame in frames:
            if frame is not None and frame.at_ns > newest_ns:
                newest_ns = frame.at_ns
                yield frame
