"""Who is signed in: sessions that outlive a restart, one-time links, and a brake on guessing."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.page.people import PeopleFile, Role

__all__ = ["Brake", "Sessions", "Who"]

_log = logging.getLogger(__name__)
_SESSION_S = 12 * 3600
_LINK_S = 15 * 60
_SESSIONS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Somebody whom a request comes from. `csrf` is what pages must show with a change; None: needs none."""

    name: str
    role: Role
    lanes: tuple[str, ...] = ()
    csrf: str | None = None

    def may_see_lane(self, lane: str) -> bool:
        """A cashier's own lane; a manager looks over every shoulder."""
        return self.role is Role.MANAGER or (self.role is Role.CASHIER and lane in self.lanes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    user: str
    fingerprint: str
    until_s: float
    guest: Who | None = None


class Sessions:
    """Sessions by the digest of their key. Any thread. Those of users are on disk, guests' are not."""

    def __init__(
        self, people: PeopleFile, path: Path | None, *, clock_s: Callable[[], float] = time.time
    ) -> None:
        """`path` keeps digests of keys, never keys; without it a restart signs everybody out."""
        self._people = people
        self._path = path
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._links: dict[str, tuple[Who, float]] = {}
        self._sessions = self._load()

    def begin(self, user: str) -> str | None:
        """The key of a new session; None where the user has gone meanwhile."""
        found = self._people.current().user(user)
        if found is None:
            return None
        until_s = self._clock_s() + _SESSION_S
        return self._add(_Session(user=user, fingerprint=found.fingerprint, until_s=until_s))

    def end(self, key: str) -> None:
        """Sign out."""
        with self._lock:
            self._sessions.pop(_digest(key), None)
            self._keep()

    def who(self, key: str) -> Who | None:
        """Whose key this is: a session's, or a token's. None for a stranger, or for one who was removed."""
        people = self._people.current()
        token = people.token(key)
        if token is not None:
            return Who(name=token.name, role=token.role, csrf=_csrf(key))
        with self._lock:
            session = self._sessions.get(_digest(key))
        if session is None or session.until_s < self._clock_s():
            return None
        if session.guest is not None:
            return Who(name=session.guest.name, role=session.guest.role, csrf=_csrf(key))
        user = people.user(session.user)
        if user is None or user.fingerprint != session.fingerprint:
            return None
        return Who(name=user.name, role=user.role, lanes=user.lanes, csrf=_csrf(key))

    def bearer(self, shown: str) -> Who | None:
        """Who shows this API token; no cookie is involved, so nothing can be forged for them."""
        token = self._people.current().token(shown)
        return None if token is None else Who(name=token.name, role=token.role)

    def one_time_link(self, *, name: str, role: Role) -> str:
        """A path that signs one browser in, once, within a quarter of an hour."""
        key = secrets.token_urlsafe(18)  # short enough for one line of a terminal
        with self._lock:
            self._links[_digest(key)] = (Who(name=name, role=role), self._clock_s() + _LINK_S)
        return f"/once/{key}"

    def redeem(self, key: str) -> str | None:
        """The session that a one-time link opens; None where it was used, is too old or was never given."""
        with self._lock:
            found = self._links.pop(_digest(key), None)
        if found is None or found[1] < self._clock_s():
            return None
        guest = found[0]
        return self._add(
            _Session(user=guest.name, fingerprint="", until_s=self._clock_s() + _SESSION_S, guest=guest)
        )

    def _add(self, session: _Session) -> str:
        key = secrets.token_urlsafe(32)
        with self._lock:
            now_s = self._clock_s()
            self._sessions = {name: one for name, one in self._sessions.items() if one.until_s > now_s}
            while len(self._sessions) >= _SESSIONS_MAX:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[_digest(key)] = session
            self._keep()
        return key

    def _load(self) -> dict[str, _Session]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return {
                digest: _Session(user=user, fingerprint=fingerprint, until_s=float(until_s))
                for digest, user, fingerprint, until_s in found
            }
        except (OSError, ValueError, TypeError) as error:
            _log.warning("sessions of before are lost, people sign in again: %s", error)
            return {}

    def _keep(self) -> None:
        if self._path is None:
            return
        rows = [
            (digest, one.user, one.fingerprint, one.until_s)
            for digest, one in self._sessions.items()
            if one.guest is None
        ]
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(json.dumps(rows))
            beside.replace(self._path)
        except OSError as error:
            _log.warning("sessions cannot be kept, a restart will sign everybody out: %s", error)


class Brake:
    """Counts failures by key within a sliding window. One thread."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._failures: dict[tuple[str, ...], deque[float]] = {}
        self._bounds = ((2, 5, 300.0), (1, 30, 300.0))

    def wait_s(self, address: str, name: str) -> float:
        """How long this address must wait before it may try this name again; 0: now."""
        now_s = self._clock_s()
        longest = 0.0
        for parts, most, window_s in self._bounds:
            times = self._failures.get((address, name)[:parts], deque())
            while times and now_s - times[0] >= window_s:
                times.popleft()
            if len(times) >= most:
                longest = max(longest, window_s - (now_s - times[0]))
        return longest

    def failed(self, address: str, name: str) -> None:
        """One more wrong password."""
        if len(self._failures) > 10_000:
            self._failures.pop(next(iter(self._failures)))
        for parts, _, _ in self._bounds:
            self._failures.setdefault((address, name)[:parts], deque()).append(self._clock_s())

    def passed(self, address: str, name: str) -> None:
        """The right one: earlier slips of this name are forgiven."""
        self._failures.pop((address, name), None)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _csrf(key: str) -> str:
    return hashlib.sha256(b"csrf " + key.encode()).hexdigest()[:40]
