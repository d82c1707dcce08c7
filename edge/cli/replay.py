"""`checkout-age replay CLIP`: a video file to events on stdout, one a line, in the clip's own time."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.events import JsonLinesFile

HELP = "a video file through the whole pipeline; events on stdout"
EXIT_UNREADABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that `schemas.md` pins, and `--out`."""
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--lane", default="lane-1", metavar="NAME")
    parser.add_argument(
        "--start", default="2026-01-05T10:00:00Z", metavar="TIME", help="time of the first frame"
    )
    parser.add_argument("--config", type=Path, metavar="FILE")
    parser.add_argument("--zones", type=Path, metavar="FILE", help="JSON with zones_px; else all is customer")
    parser.add_argument(
        "--till", type=Path, metavar="FILE", help="JSON lines of till events: tells sales too"
    )
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default=None)
    parser.add_argument("--out", type=Path, metavar="FILE", help="append the events to this file too")


def run(args: argparse.Namespace) -> int:
    """Print the events; 2 with a reason on stderr for input that cannot be read."""
    from edge.app import ReplayError, build_replay
    from edge.camera import ClipError
    from edge.ops.process import forbid_core_dumps
    from edge.ops.progress import Progress

    forbid_core_dumps()
    try:
        with ExitStack() as stack:
            out = stack.enter_context(_opened(args.out)) if args.out else None
            replay = build_replay(
                args.clip,
                lane=args.lane,
                start=args.start,
                config_file=args.config,
                zones_file=args.zones,
                detector=args.detector,
                till_file=args.till,
                warn=lambda text: print(f"checkout-age replay: {text}", file=sys.stderr),
            )
            bar = stack.enter_context(Progress("replay", replay.clip.duration_s or 0.0, unit="s"))
            for event in replay.events(progress=bar.at):
                line = event.to_json()
                print(line, flush=True)
                if out is not None:
                    _kept(out, line)
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read our stdout has left; `main` knows what that means
        raise
    except (ReplayError, ClipError, OSError) as error:
        sys.stdout.flush()
        print(f"checkout-age replay: {error}", file=sys.stderr)
        return EXIT_UNREADABLE
    return 0


def _opened(path: Path) -> JsonLinesFile:
    from edge.events import JsonLinesFile

    try:
        return JsonLinesFile(path)
    except OSError as error:
        raise OSError(
            f"--out {path}: {error.strerror}. Name a file in a folder that can be written"
        ) from error


def _kept(out: JsonLinesFile, line: str) -> None:
    try:
        out.append([line])
    except OSError as error:
        raise OSError(
            f"--out {out.path}: {error.strerror}. The events up to here are there; make room and replay again"
        ) from error
