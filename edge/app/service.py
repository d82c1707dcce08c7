"""A daemon under a service manager: says when it is ready and that it lives, takes a new configuration when asked."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.app.beats import beats
from edge.app.box_stats import box_stats
from edge.app.daemon import Daemon
from edge.app.parts import Models, open_models
from edge.app.prestart import refuse_what_cannot_start, same_models
from edge.config import Config, ConfigError, LastGood, read_config
from edge.ops.health import judge
from edge.ops.log import redactor, start_logging
from edge.ops.notify import Notifier
from edge.ops.stats import BoxStats
from edge.ops.watchdog import standing_still

__all__ = ["RECORD", "Record", "Service", "status_words"]

_log = logging.getLogger(__name__)
RECORD = "service.json"
_LOCK = "service.lock"
_STATUS_EVERY_S = 5.0
_TURN_S = 1.0
_WEB_UP_S = 20.0
_REASONS_MAX = 20
_CHECKED_BYTES_PER_S = 10e6
"""Slower than any flash reads: a store that was not closed (power cut, kill) is looked through before it is used."""
_START_S, _NO_TIME_S = 120.0, 10.0
"""What the unit allows for a start (`TimeoutStartSec=`), and what of it a check may take without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the running service tells `checkout-age reload`: who it is, and how the last reload ended.

    The service holds a lock beside it for as long as it runs, since a sandbox may hide its process from others.
    `reloads` counts those that ended; `problems` is empty where the last one was taken; `took_s` is the time from the
    end of the old daemon's work to the new one's readiness.
    """

    pid: int
    config: str
    reloads: int = 0
    problems: tuple[str, ...] = ()
    took_s: float | None = None

    def write(self, folder: Path) -> None:
        """Whole or not at all. Raises OSError."""
        new = folder / f"{RECORD}.new"
        new.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        os.replace(new, folder / RECORD)

    @classmethod
    def read(cls, folder: Path) -> Record | None:
        """What the service that runs now has written; None where none runs. Raises OSError, ValueError."""
        try:
            told = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        with (folder / _LOCK).open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return cls(**{**told, "problems": tuple(told["problems"])})
        return None  # whoever wrote it is gone


class Service:
    """Runs one daemon after the other until it is told to stop. Everything happens in the thread that calls `run`."""

    def __init__(
        self,
        config_file: Path,
        *,
        notifier: Notifier,
        start_errors: tuple[type[Exception], ...],
        last_good: LastGood | None = None,
        record_in: Path | None = None,
        began: Callable[[Daemon], None] = lambda _daemon: None,
    ) -> None:
        """`last_good`: start with it where the file cannot be used, and keep there what works. `start_errors`: what a
        daemon that refuses to start raises. `record_in`: folder for `Record`. `began` hears of each daemon that runs.
        """
        self._file = config_file
        self._notifier = notifier
        self._start_errors = start_errors
        self._last_good = last_good
        self._record_in = record_in
        self._began = began
        self._wake = threading.Event()
        self._stop = self._reload = False
        self._status_s = 0.0
        self._record = Record(pid=os.getpid(), config=str(config_file.resolve()))
        self._lock = None if record_in is None else _locked(record_in / _LOCK)

    def ask_to_stop(self) -> None:
        """End in order; for a signal handler."""
        self._stop = True
        self._wake.set()

    def ask_to_reload(self) -> None:
        """Take the configuration file anew, if it can be used; for a signal handler."""
        self._reload = True
        self._wake.set()

    def run(self, config: Config | None) -> None:
        """Until `ask_to_stop`. `config`: what the file says, None where it cannot be used.

        Raises one of `start_errors` (or what nobody foresaw) where nothing can be started, neither the file's
        configuration nor the last good.
        """
        long_s = _check_s(self._state_folder(config))
        if (
            long_s > _NO_TIME_S
        ):  # else a start that systemd breaks off would begin anew with the same check, for ever
            self._notifier.starting(_START_S + long_s)
        daemon = self._first(config)
        try:
            self._say_ready(daemon)
            while not self._stop:
                self._wake.wait(self._turn_s())
                self._wake.clear()
                if self._reload and not self._stop:
                    self._reload = False
                    daemon = self._exchange(daemon)
                self._live(daemon)
        finally:
            self._notifier.stopping()
            daemon.stop()
            if self._record_in is not None:
                with suppress(OSError):
                    (self._record_in / RECORD).unlink()
            if self._lock is not None:
                os.close(self._lock)

    # --- the start --------------------------------------------------------------------------------------------

    def _first(self, config: Config | None) -> Daemon:
        if config is not None:
            try:
                daemon = self._started(config)
            except Exception as error:
                before = self._before(config)
                if before is None:
                    raise
                return self._with_last_good(before, [self._why(error)])
            self._keep(config)
            return daemon
        try:
            read_config(self._file)
        except ConfigError as error:
            before = self._before(None)
            if before is None:
                raise
            return self._with_last_good(before, [str(problem) for problem in error.problems])
        return self._first(read_config(self._file).config)  # it was mended between two looks

    def _state_folder(self, config: Config | None) -> Path | None:
        if config is not None:
            return config.state.dir
        return None if self._last_good is None else self._last_good.path.parent

    def _before(self, config: Config | None) -> Config | None:
        """The last good configuration, where it is another one and can still be read."""
        if self._last_good is None:
            return None
        try:
            before = self._last_good.load()
        except (ConfigError, OSError) as error:
            _log.error("the last good configuration cannot be used either: %s", error)
            return None
        return None if before == config else before

    def _with_last_good(self, config: Config, problems: list[str]) -> Daemon:
        assert self._last_good is not None  # noqa: S101 - `_before` found it there
        start_logging_again(config)
        note = (
            f"the configuration file cannot be used, the one of {self._last_good.kept_at()} is: "
            f"{'; '.join(problems[:_REASONS_MAX])}. Mend it, then: checkout-age reload"
        )
        _log.error("%s", note)
        return self._started(config, notes=[note], last_good=True)

    def _started(
        self,
        config: Config,
        *,
        notes: Sequence[str] = (),
        last_good: bool = False,
        models: Models | None = None,
    ) -> Daemon:
        """A daemon that runs. `models`: those that `config` wants, open already."""
        made = Daemon(config, notes=notes, last_good=last_good, models=models)
        try:
            made.start()
        except BaseException:
            made.stop()
            raise
        self._began(made)
        return made

    def _why(self, error: Exception) -> str:
        """In words; a fault of our own by its name too, with its place in the log."""
        if isinstance(error, self._start_errors):
            return redactor(str(error))
        _log.error("a part broke at the start", exc_info=error)
        return redactor(f"{type(error).__name__}: {error}")

    def _keep(self, config: Config) -> None:
        if self._last_good is None:
            return
        try:
            self._last_good.keep(config)
        except OSError as error:
            _log.warning("this configuration cannot be kept as the last good one: %s", error)

    def _say_ready(self, daemon: Daemon) -> None:
        """Models are warm, the store is open or waited for; the web server needs a moment yet."""
        ends_s = time.monotonic() + _WEB_UP_S
        while daemon.web is not None and not daemon.web.serving and time.monotonic() < ends_s:
            self._wake.wait(0.02)
            if self._stop:
                return
        self._notifier.ready()
        self._tell(daemon)
        self._write_record()

    # --- while it runs ----------------------------------------------------------------------------------------

    def _turn_s(self) -> float:
        """Four times within what the watchdog allows, and often enough for the status."""
        watchdog_s = self._notifier.watchdog_s
        return _TURN_S if watchdog_s is None else min(_TURN_S, watchdog_s / 4)

    def _live(self, daemon: Daemon) -> None:
        now_s = time.monotonic()
        stalled = standing_still(beats(daemon), now_s)
        if not stalled:
            self._notifier.alive()
        if self._notifier.listened_to and (stalled or now_s - self._status_s >= _STATUS_EVERY_S):
            self._tell(daemon)

    def _tell(self, daemon: Daemon) -> None:
        self._status_s = time.monotonic()
        self._notifier.status(status_words(box_stats(daemon)))

    def _exchange(self, old: Daemon) -> Daemon:
        """Another daemon with the file's configuration; where it cannot start, one with the old configuration."""
        self._notifier.reloading()
        try:
            loaded = read_config(self._file)
            refuse_what_cannot_start(loaded.config)
            keeps = same_models(old.models, old.config.inference, loaded.config.inference)
            models = old.models if keeps else open_models(loaded.config.inference)
        except ConfigError as error:
            return self._refused(old, [str(problem) for problem in error.problems])
        except Exception as error:  # noqa: BLE001 - what runs must not end for it
            return self._refused(old, [self._why(error)])
        for warning in loaded.warnings:
            _log.warning("%s", warning)
        begun_s = time.monotonic()
        old.stop()
        start_logging_again(loaded.config)
        try:
            new = self._started(loaded.config, models=models)
        except Exception as error:  # noqa: BLE001 - whatever it is, lanes must be watched again
            problems = [self._why(error)]
            start_logging_again(old.config)
            _log.error("the new configuration does not start, the old one goes on: %s", problems[0])
            kept = self._started(
                old.config, notes=[_not_taken(problems)], last_good=old.last_good, models=old.models
            )
            self._done(kept, problems=tuple(problems), took_s=time.monotonic() - begun_s)
            return kept
        self._keep(loaded.config)
        self._done(new, problems=(), took_s=time.monotonic() - begun_s)
        _log.info("the new configuration is in use", extra={"seconds": round(time.monotonic() - begun_s, 2)})
        return new

    def _refused(self, daemon: Daemon, problems: list[str]) -> Daemon:
        """Nothing was stopped; that the file is not what runs is told until it is."""
        _log.error("the new configuration is refused, the running one is kept: %s", "; ".join(problems))
        daemon.notes[:] = [note for note in daemon.notes if not note.startswith(_NOT_TAKEN)]
        daemon.notes.append(_not_taken(problems))
        self._done(daemon, problems=tuple(problems), took_s=None)
        return daemon

    def _done(self, daemon: Daemon, *, problems: tuple[str, ...], took_s: float | None) -> None:
        self._record = Record(
            pid=self._record.pid,
            config=self._record.config,
            reloads=self._record.reloads + 1,
            problems=problems[:_REASONS_MAX],
            took_s=None if took_s is None else round(took_s, 3),
        )
        self._say_ready(daemon)

    def _write_record(self) -> None:
        if self._record_in is None:
            return
        try:
            self._record.write(self._record_in)
        except OSError as error:
            _log.warning("`checkout-age reload` cannot be told how it went: %s", error)


_NOT_TAKEN = "the configuration file is not in use: "


def _check_s(folder: Path | None) -> float:
    """Longest time that the databases in a folder need to be looked through; 0 where they were closed in order."""
    if folder is None:
        return 0.0
    try:
        left_open = [path for path in folder.glob("*.db-wal") if path.stat().st_size]
        files = [path.with_name(path.name.removesuffix("-wal")) for path in left_open]
        return sum(path.stat().st_size for path in files) / _CHECKED_BYTES_PER_S
    except OSError:
        return 0.0


def _locked(path: Path) -> int | None:
    """A lock that ends with this process; None where there is no room or no right for it."""
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        _log.warning("`checkout-age reload` will not find this service: %s", error)
        return None
    return held


def _not_taken(problems: list[str]) -> str:
    return f"{_NOT_TAKEN}{'; '.join(problems[:_REASONS_MAX])}. Mend it, then: checkout-age reload"


def status_words(stats: BoxStats) -> str:
    """One line for `systemctl status`: the judgement, lanes that are seen, and the first reason."""
    health = judge(stats)
    lanes = [lane for camera in stats.cameras for lane in camera.lanes]
    seen = [lane for camera in stats.cameras if camera.state == "up" for lane in camera.lanes]
    more = f" (and {len(health.reasons) - 1} more)" if len(health.reasons) > 1 else ""
    why = f"; {health.reasons[0]}{more}" if health.reasons else ""
    return f"{health.state.value}: {len(seen)}/{len(lanes)} lanes seen{why}"


def start_logging_again(config: Config) -> None:
    """Format and level as another configuration has them, to the same stream."""
    handler = next(
        (one for one in logging.getLogger().handlers if isinstance(one, logging.StreamHandler)), None
    )
    start_logging(
        style=config.log.format, level=config.log.level, stream=None if handler is None else handler.stream
    )
