"""`checkout-age aim --camera X`: is this camera placed well? Live figures of the faces that it sees, with verdicts."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli._box import CONFIG_HELP, config_of_box

if TYPE_CHECKING:
    from edge.app.aim_source import LiveFrames
    from edge.face import Detector

HELP = "place a camera: face size, blur, pose and light live, with verdicts"
EXIT_REFUSED, EXIT_NO_FACE = 2, 1
_LINE_EVERY_S, _DRAW_EVERY_S = 2.0, 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which camera, for how long, in which language."""
    parser.add_argument(
        "--camera",
        required=True,
        metavar="NAME|SOURCE",
        help="a camera of --config, or 0, /dev/…, rtsp://…, a file",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=CONFIG_HELP)
    parser.add_argument("--seconds", type=float, help="end by itself after so long")
    parser.add_argument("--lang", choices=["en", "ru"], help="default: the configuration's, or en")


def run(args: argparse.Namespace) -> int:
    """0 where faces were seen, 1 where none was, 2 where it cannot start. No picture is kept."""
    from edge.app.aim_source import LiveFrames, camera_named, face_detector
    from edge.config import ConfigError, Inference, SecretError
    from edge.face import DetectorError
    from edge.ops.log import redactor, start_logging
    from edge.ops.process import forbid_core_dumps

    forbid_core_dumps()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    start_logging(level="error")
    try:
        camera, config = camera_named(args.camera, config_file=config_of_box(args.config, camera=args.camera))
        detector = face_detector(config.inference if config else Inference(), size_px=camera.detect_size)
        language = args.lang or (config.site.language if config else "en")
        with LiveFrames(camera, seconds=args.seconds, stop=stop) as frames:
            seen = _watch(frames, detector, camera.name, language)
    except (ConfigError, SecretError, DetectorError, ValueError, OSError) as error:
        print(f"checkout-age aim: {redactor(str(error))}", file=sys.stderr)
        return EXIT_REFUSED
    return 0 if seen else EXIT_NO_FACE


def _watch(frames: LiveFrames, detector: Detector, camera: str, language: str) -> int:
    """How many faces were seen."""
    from edge.face import QualityGate, crop_face
    from edge.ops.aim import AimFace, AimNow, AimWindow, aim_line, aim_view
    from edge.ops.screen import Screen

    gate, window, seen = QualityGate(), AimWindow(), 0
    size_px: tuple[int, int] | None = None
    told_s = 0.0
    with Screen(sys.stdout) as screen:
        every_s = _DRAW_EVERY_S if screen.redraws else _LINE_EVERY_S
        for frame in frames:
            if frame is not None:
                size_px = (frame.image.shape[1], frame.image.shape[0])
                [faces] = detector.detect([frame.image])
                for face in detector.refine(frame.image, faces) if faces else ():
                    verdict = gate.judge(face, crop_face(frame.image, face.landmarks_px))
                    window.add(AimFace(at_ns=frame.at_ns, face_px=face.box_px[2], verdict=verdict))
                    seen += 1
            if time.monotonic() - told_s < every_s:
                continue
            told_s = time.monotonic()
            now = AimNow(camera=camera, faces=window.faces(time.time_ns()), size_px=size_px, down=frames.down)
            screen.show(
                lambda width, height, now=now: aim_view(now, width=width, height=height, language=language),  # type: ignore[misc, arg-type]
                line=aim_line(now, language=language),  # type: ignore[arg-type]
            )
    return seen
