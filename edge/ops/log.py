"""Logs: events with fields on stderr, for a person or as JSON, redacted line by line."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from datetime import UTC, datetime
from typing import TextIO

from edge.ops.redact import Redactor

__all__ = ["redactor", "start_logging"]

redactor = Redactor()
"""The process's one redactor: every secret that is read is made known to it before it is used."""

_JOURNAL_LEVEL = {
    logging.DEBUG: "<7>",
    logging.INFO: "<6>",
    logging.WARNING: "<4>",
    logging.ERROR: "<3>",
    logging.CRITICAL: "<2>",
}
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What would begin a new line, move a cursor or turn the reading order in somebody's terminal: a log is one record a
line, whatever a camera, a till or a browser calls itself."""
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class _Pretty(logging.Formatter):
    """`10:04:12 warning camera: camera is down  camera=cam-1 reason=no_frames`."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        text = f"{record.levelname.lower()} {_room(record)}: {record.getMessage()}{fields and ' ' + fields}"
        text = _plain(redactor(text))
        if record.exc_info:
            lines = self.formatException(record.exc_info).split("\n")
            text += "".join(f"\n    {_plain(redactor(line))}" for line in lines)
        text = redactor(text)
        if self._journal:  # the journal has time and unit itself, and reads the level off the prefix
            prefix = _JOURNAL_LEVEL.get(record.levelno, "<6>")
            return "\n".join(prefix + line for line in text.splitlines())
        return f"{datetime.fromtimestamp(record.created, UTC):%H:%M:%S} {text}"


class _Json(logging.Formatter):
    """One JSON object a line: `at`, `level`, `room`, `message` and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": _room(record),
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return _plain(redactor(json.dumps(line, default=str, ensure_ascii=False)))


def _plain(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def start_logging(*, style: str = "pretty", level: str = "info", stream: TextIO | None = None) -> None:
    """Send every record of the process to `stream` (stderr), redacted. `style`: `pretty` or `json`."""
    to = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(to)
    handler.setFormatter(_Json() if style == "json" else _Pretty(journal=_is_journal(to)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Last words of Python itself would pass by the handler, and with them what stands in an exception's text.
    sys.excepthook = lambda kind, error, trace: root.critical("ended", exc_info=(kind, error, trace))
    threading.excepthook = _thread_ended


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread is not None else "?"
    error = args.exc_value or args.exc_type()
    logging.getLogger().critical("thread %s ended", name, exc_info=(args.exc_type, error, args.exc_traceback))


def _is_journal(stream: TextIO) -> bool:
    """systemd names the device and inode of the journal's socket (`man systemd.exec`, JOURNAL_STREAM)."""
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        stat = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{stat.st_dev}:{stat.st_ino}"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _OWN}


def _room(record: logging.LogRecord) -> str:
    parts = record.name.split(".")
    return parts[1] if parts[0] == "edge" and len(parts) > 1 else record.name
