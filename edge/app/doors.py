"""The doors by which tills reach the desk: built from the configuration, file doors watched by one thread."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from edge.app.desk import Desk
from edge.app.tills import till_reader
from edge.config import Config, LinesDoor, MqttDoor, PoslogDoor, TokenDoor, read_password
from edge.events import NO_CLOCK_BEFORE_MS, Store, Transaction
from edge.events.mqtt_client import BreakableClient
from edge.ops.log import redactor
from edge.till import (
    Batch,
    DeadLetter,
    FolderWatch,
    Found,
    Kept,
    LinesTail,
    Place,
    Refusal,
    TillEventRefused,
    TillHttp,
    TillMqtt,
    TillReader,
    file_key,
    parse_json,
    read_documents,
    read_poslog,
    till_routes,
)

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

__all__ = ["Doors"]

_log = logging.getLogger(__name__)
_LOOK_S = 0.25
_FOLDER_EVERY_S = 1.0
_COMMIT_S = 30.0
_DAY_MS, _PURGE_EVERY_MS = 86_400_000, 3_600_000
_KINDS = {"lines": "file", "poslog": "poslog"}
"""What a door's name begins with, and what the inbox calls such a door."""


class Doors:
    """Every door of a box. `start` after the desk, `stop` before it; `routes` go to the web server."""

    def __init__(self, config: Config, desk: Desk, store: Callable[[], Store | None]) -> None:
        """`store` gives the store where there is one. Raises SecretError and ValueError for a token that is none."""
        self._desk = desk
        self._store = store
        self.reader: TillReader = till_reader(config)
        self._http = None if config.till.http is None else _http(config.till.http, self.reader)
        self._mqtt = None if config.till.mqtt is None else self._subscription(config.till.mqtt, config)
        self._tails = [_Tail(door, self.reader) for door in config.till.lines]
        self._folders = [
            _Folder(door, self.reader, days=config.state.security_days) for door in config.till.poslog
        ]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="doors", daemon=True)
        self.beat_s = time.monotonic()
        self.failures: dict[str, str] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The ways in that are configured, as the inbox names them."""
        there = {"http": self._http, "mqtt": self._mqtt, "file": self._tails, "poslog": self._folders}
        return tuple(kind for kind, doors in there.items() if doors)

    def faults(self) -> dict[str, str]:
        """Why nothing can come in, by kind of door; those that are open are left out."""
        found = {_KINDS[name.partition(" ")[0]]: text for name, text in tuple(self.failures.items())}
        if self._mqtt is not None and not self._mqtt.connected:
            found["mqtt"] = "the till's broker is not connected"
        return found

    def turned_away(self, kind: str) -> Counter[str]:
        """Whole requests that were refused before anything of them was read as an event, by reason."""
        return Counter(self._http.turned_away) if kind == "http" and self._http is not None else Counter()

    @property
    def routes(self) -> list[BaseRoute]:
        """`POST /api/till`, where it is configured."""
        if self._http is None:
            return []
        return till_routes(self._http, lambda batch: self._desk.take(batch, door="http"))

    def start(self) -> None:
        """Open all of them."""
        if self._mqtt is not None:
            self._mqtt.start()
        self._thread.start()

    def stop(self) -> None:
        """Let nobody in any more."""
        self._stopping.set()
        if self._mqtt is not None:
            self._mqtt.stop()
        if self._thread.is_alive():
            self._thread.join(5)
        for tail in self._tails:
            tail.close()

    def _subscription(self, door: MqttDoor, config: Config) -> TillMqtt:
        password = read_password(door)
        if password:
            redactor.learn(password)
        return TillMqtt(
            host=door.host,
            port=door.effective_port,
            topic=door.topic,
            client_id=f"{config.site.store}-{config.site.box}-till",
            reader=self.reader,
            commit=lambda batch: self._desk.take(batch, door="mqtt"),
            user=door.user,
            password=password,
            tls=door.tls,
            ca_file=None if door.ca_file is None else str(door.ca_file),
            client_kind=BreakableClient,
        )

    def _run(self) -> None:
        folders_s = 0.0
        while not self._stopping.wait(_LOOK_S):
            self.beat_s = time.monotonic()
            store = self._store()
            if store is None:
                continue
            doors: list[_Tail | _Folder] = list(self._tails)
            if time.monotonic() - folders_s >= _FOLDER_EVERY_S:
                folders_s = time.monotonic()
                doors += self._folders
            for door in doors:
                self._look(door, store)
            if self._mqtt is not None:
                self._mqtt.retry()

    def _look(self, door: _Tail | _Folder, store: Store) -> None:
        try:
            door.look(store, self._desk.take)
        except Exception as error:  # noqa: BLE001 - a file that cannot be read now must not close the other doors
            if self.failures.get(door.name) != str(error):
                _log.warning("the door %s: %s", door.name, error)
            self.failures[door.name] = str(error)
        else:
            self.failures.pop(door.name, None)


_Take = Callable[..., "Future[Kept]"]


class _Tail:
    """A file of JSON lines; its place is kept in the commit of what it said."""

    def __init__(self, door: LinesDoor, reader: TillReader) -> None:
        self.name = f"lines {door.path}"
        self._path = door.path
        self._reader = reader
        self._tail: LinesTail | None = None
        self._pending: tuple[Batch, str] | None = None

    def look(self, store: Store, take: _Take) -> None:
        if self._tail is None:
            kept = store.read(lambda connection: _told(connection, self.name))
            self._tail = LinesTail(self._path, place=None if kept is None else Place.from_json(kept))
        while True:
            if self._pending is None:
                portion = self._tail.next()
                if portion is None:
                    return
                self._pending = (self._batch(portion.lines), portion.place.to_json())
            batch, place = self._pending
            also: Callable[[Transaction], None] = lambda transaction, place=place: _tell(  # type: ignore[misc]  # noqa: E731
                transaction.connection, self.name, place
            )
            take(batch, door="file", also=also).result(_COMMIT_S)
            self._pending = None

    def close(self) -> None:
        if self._tail is not None:
            self._tail.close()

    def _batch(self, lines: Sequence[bytes]) -> Batch:
        documents: list[Any] = []
        unreadable: list[DeadLetter] = []
        for line in lines:
            try:
                documents.append(parse_json(line))
            except TillEventRefused as refused:
                unreadable.append(DeadLetter(door="file", reason=refused.reason, detail=refused.detail))
        batch = read_documents(documents, self._reader, door="file")
        return Batch(events=batch.events, rejected=batch.rejected, letters=(*batch.letters, *unreadable))


class _Folder:
    """A folder of POSLog files; which were taken is kept in the commit of what they said.

    As long as a file lies there, and for `days` after it was taken.
    """

    def __init__(
        self,
        door: PoslogDoor,
        reader: TillReader,
        *,
        days: int,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
    ) -> None:
        self.name = f"poslog {door.folder}"
        self._days = days
        self._clock_ms = clock_ms
        self._purged_ms = clock_ms()
        self._door = door
        self._reader = reader
        self._watch: FolderWatch | None = None

    def look(self, store: Store, take: _Take) -> None:
        if self._watch is None:
            store.submit(lambda transaction: _hide_names(transaction.connection, self.name)).result(_COMMIT_S)
            self._watch = FolderWatch(
                self._door.folder,
                max_bytes=self._door.max_file_kb * 1024,
                known=store.read(lambda connection: _taken(connection, self.name)),
            )
        for found in self._watch.look():
            key = f"{self.name} {found.key}"
            at = str(self._clock_ms())
            also: Callable[[Transaction], None] = lambda transaction, key=key, at=at: _tell(  # type: ignore[misc]  # noqa: E731
                transaction.connection, key, at
            )
            try:
                take(self._batch(found), door="poslog", also=also).result(_COMMIT_S)
            except BaseException:
                self._watch.again(found)
                raise
        if self._clock_ms() - self._purged_ms >= _PURGE_EVERY_MS:
            self._purged_ms = self._clock_ms()
            self._purge(store, self._watch)

    def _purge(self, store: Store, watch: FolderWatch) -> None:
        now_ms = self._clock_ms()
        if now_ms < NO_CLOCK_BEFORE_MS:
            return
        before_ms = now_ms - self._days * _DAY_MS
        names = [f"{self.name} {key}" for key in sorted(watch.gone)]
        over = store.submit(lambda transaction: _forget_taken(transaction.connection, names, before_ms))
        watch.forget({name.removeprefix(f"{self.name} ") for name in over.result(_COMMIT_S)})

    def _batch(self, found: Found) -> Batch:
        where = found.path.name
        if found.raw is None:
            return _refused(Refusal.TOO_LARGE, f"{where}: larger than {self._door.max_file_kb} kB")
        try:
            read = read_poslog(found.raw, lane=self._door.lane)
        except TillEventRefused as refused:
            return _refused(refused.reason, f"{where}: {refused.detail}")
        self._reader.counts["birth_dates"] += read.birth_dates
        return read_documents(read.documents, self._reader, door="poslog")


def _refused(reason: Refusal, detail: str) -> Batch:
    letter = DeadLetter(door="poslog", reason=reason, detail=detail)
    return Batch(events=(), rejected=(), letters=(letter,))


def _http(door: TokenDoor, reader: TillReader) -> TillHttp:
    token = door.token()
    redactor.learn(token)
    return TillHttp(
        token=token,
        reader=reader,
        max_body_bytes=door.max_body_kb * 1024,
        max_events_per_s=door.max_events_per_s,
    )


def _told(connection: Any, name: str) -> str | None:
    row = connection.execute("SELECT told FROM till_files WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def _taken(connection: Any, name: str) -> list[str]:
    prefix = f"{name} "
    rows = connection.execute(
        "SELECT name FROM till_files WHERE substr(name, 1, ?) = ?", (len(prefix), prefix)
    )
    return [row[0][len(prefix) :] for row in rows]


def _hide_names(connection: Any, name: str) -> None:
    """Before, a taken file stood here by its name, which may be its receipt's."""
    for key in [key for key in _taken(connection, name) if " " in key]:
        connection.execute(
            "UPDATE OR REPLACE till_files SET name = ? WHERE name = ?",
            (f"{name} {file_key(key)}", f"{name} {key}"),
        )


def _forget_taken(connection: Any, names: Sequence[str], before_ms: int) -> list[str]:
    """Of these, the ones that were taken before; `told` is when, in ms since 1970."""
    rows = connection.execute(
        "DELETE FROM till_files WHERE name IN (SELECT value FROM json_each(?)) AND CAST(told AS INTEGER) < ?"
        " RETURNING name",
        (json.dumps(names), before_ms),
    )
    return [row[0] for row in rows.fetchall()]


def _tell(connection: Any, name: str, told: str) -> None:
    connection.execute(
        "INSERT INTO till_files (name, told) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET told = excluded.told",
        (name, told),
    )
