"""No picture leaves memory: every byte that the daemon writes or sends is searched for a face of known noise.

`strace` notes each write and send of each thread, deleted files and sockets included; files that stay are read, values
in databases one by one. A build that leaks on purpose shows that the search would find it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.privacy.planted import Planted, Search, plant
from tests.scenarios.box import free_port, until
from tests.soak.storm import CHECKOUT, Receiver

TOKEN = "a-till-token-of-32-characters-ok"
CALLS = (
    "connect,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,"
    "sendfile,splice,vmsplice,copy_file_range,memfd_create,mmap,shmget,process_vm_writev,io_uring_setup"
)
UNSEEN = ("sendfile", "splice", "vmsplice", "copy_file_range", "process_vm_writev")
"""Calls that carry bytes of which the tracer shows none."""
PAGES = (
    "/api/stats",
    "/health",
    "/metrics",
    "/api/version",
    "/signin",
    "/api/me",
    "/",
    "/static/security.js",
)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("film"))


class Watched:
    """A daemon of which every byte is noted: a context that ends it."""

    def __init__(self, folder: Path, film: Path, *, leaking: bool) -> None:
        self.folder = folder
        self.port = free_port()
        for name in ("tmp", "home", "cwd", "state"):
            (folder / name).mkdir()
        self._hook = Receiver(folder / "hook.jsonl", calm=True)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        (folder / "token").write_text(TOKEN)
        config = folder / "lane.yaml"
        config.write_text(yaml.safe_dump(self._settings(film)))
        started = (
            ["tests.privacy.leaking", str(config), str(folder / "state"), str(self._udp.getsockname()[1])]
            if leaking
            else ["edge", "run", "--config", str(config)]
        )
        trace = [
            "strace",
            "-f",
            "-qq",
            "-xx",
            "-y",
            "-s",
            "67108864",
            "-e",
            f"trace={CALLS}",
            "-o",
            folder / "trace.txt",
        ]
        environment = {
            **os.environ,
            "TMPDIR": str(folder / "tmp"),
            "HOME": str(folder / "home"),
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with (folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [*trace, sys.executable, "-m", *started],
                stdout=log, stderr=log, env=environment, cwd=folder / "cwd", start_new_session=True,
            )  # fmt: skip

    def _settings(self, film: Path) -> dict[str, Any]:
        hook = f"http://127.0.0.1:{self._hook.server_port}/hook"
        return {
            "cameras": [{"name": "cam-1", "source": str(film), "loop": True}],
            "lanes": [{"name": "lane-1", "camera": "cam-1", "reports_id_checks": "till"}],
            "till": {"http": {"token_file": "token"}},
            "policy": {"lateness_s": 0.3},
            "inference": {"detector": "mtcnn", "threads": 1},
            "sinks": [
                {"name": "lines", "kind": "file", "purpose": "security", "path": "events.jsonl"},
                {"name": "hook", "kind": "webhook", "purpose": "security", "url": hook},
            ],
            "http": {"port": self.port},
            "state": {"dir": str(self.folder / "state"), "min_free_mb": 1},
            "log": {"format": "json", "level": "debug"},
        }

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._hook.shutdown()
        self._hook.server_close()
        self._udp.close()

    def ask(self, path: str, body: Any = None) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {TOKEN}"} if body is not None else {},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                return bytes(answer.read())
        except OSError:
            return b""

    def sell(self) -> dict[str, Any]:
        """Beer to the planted face; the outcome, which must carry an estimate."""
        until(lambda: self.ask("/api/version"), within_s=180, what="the box is up")
        until(
            lambda: b"first frame judged" in (self.folder / "log.txt").read_bytes(),
            within_s=120,
            what="a frame",
        )
        number = 0
        while True:
            number += 1
            receipt = f"r-{number}"
            base = {"lane": "lane-1", "receipt": receipt}
            for kind, more in (
                ("receipt.opened", {}), ("item.added", {"sku": "lager", "restricted": True}), ("receipt.closed", {})
            ):  # fmt: skip
                at = datetime.now(UTC).isoformat(timespec="milliseconds")
                self.ask("/api/till", {**base, **more, "id": f"{receipt}-{kind}", "type": kind, "at": at})
                time.sleep(0.4)
            outcome = until(lambda name=receipt: self._outcome(name), what="the sale's outcome")
            if outcome["data"]["p_under"] is not None or number == 20:
                return outcome

    def _outcome(self, receipt: str) -> dict[str, Any] | None:
        file = self.folder / "state" / "events.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        told = [
            json.loads(line)
            for line in lines
            if '"checkout.sale.outcome.v1"' in line and f'"{receipt}"' in line
        ]
        return told[0] if told else None

    def look_around(self) -> None:
        """Ask for every page that anybody may ask for."""
        for path in PAGES:
            self.ask(path)

    def end(self) -> None:
        """As a service manager would; the tracer ends with what it traces."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        self._process.wait(60)

    def told(self) -> Iterator[tuple[str, bytes]]:
        """Everything that was written or sent, by a name that says where."""
        yield from _traced(self.folder / "trace.txt")
        for file in sorted(self.folder.rglob("*")):
            if file.is_file() and file.name not in ("trace.txt", "hook.jsonl"):
                yield file.name, file.read_bytes()
                if file.suffix == ".db":
                    yield from _values(file)


def _traced(file: Path) -> Iterator[tuple[str, bytes]]:
    by_fd: dict[str, list[bytes]] = defaultdict(list)
    for line in file.read_text().splitlines():
        call = re.match(r"\d+\s+(\w+)\((\d+)", line)
        if call is None:
            continue
        assert call[1] not in UNSEEN, f"bytes that nobody saw: {line[:200]}"
        by_fd[call[2]] += [
            bytes.fromhex(text.replace("\\x", "")) for text in re.findall(r'"((?:\\x[0-9a-f]{2})+)"', line)
        ]
        assert '"...' not in line, "the tracer cut a write short"
    for number, parts in by_fd.items():
        yield f"descriptor {number}", b"".join(parts)


def mapped(trace: Path) -> set[str]:
    """Files whose pages the program may write to without a call that could be traced, SQLite's own index left out.

    What stands in `-shm` are numbers of pages; its mapping is how SQLite's processes share them.
    """
    found = set()
    for line in trace.read_text().splitlines():
        call = re.search(
            r"\b(shmget|io_uring_setup)\(|\bmmap\([^,]+, \d+, ([A-Z_|]+), ([A-Z_|]+), (\S+),", line
        )
        if call is None:
            continue
        if call[1]:
            found.add(call[1])
        elif "PROT_WRITE" in call[2] and "MAP_SHARED" in call[3] and "<" in call[4]:
            hexed = call[4].partition("<")[2].rstrip(">")
            name = bytes.fromhex(hexed.replace("\\x", "")).decode() if "\\x" in hexed else hexed
            found.add(Path(name.removesuffix("(deleted)")).name)
    return {name for name in found if not name.endswith(".db-shm")}


def _values(file: Path) -> Iterator[tuple[str, bytes]]:
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                for value in row:
                    if isinstance(value, str | bytes) and len(value) > 60:
                        yield f"{file.name}, {table}", value.encode() if isinstance(value, str) else value


def strangers(trace: Path) -> set[str]:
    """Addresses beyond this computer that were called, name servers included."""
    called = re.findall(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', trace.read_text())
    plain = {
        bytes.fromhex(four.replace("\\x", "")).decode() if "\\x" in four else four
        for four, _ in called
        if four
    }
    plain |= {six for _, six in called if six}
    return {one for one in plain if not one.startswith("127.") and one not in ("::1", "0.0.0.0")}  # noqa: S104


def all_found(planted: Planted, box: Watched) -> list[str]:
    search = Search(planted)
    return [what for name, told in box.told() for what in search.found_in(name, told)]


def test_no_byte_that_the_daemon_writes_or_sends_holds_the_face_that_it_judged(
    tmp_path: Path, planted: Planted
) -> None:
    with Watched(tmp_path, planted.film, leaking=False) as box:
        outcome = box.sell()
        assert outcome["data"]["p_under"] is not None, "the face was judged"
        box.look_around()
        box.end()
        sent = dict(_traced(tmp_path / "trace.txt"))
        assert sum(map(len, sent.values())) > 50_000, "the tracer saw hardly anything"
        assert any(b"POST /hook" in told and b"sale.outcome" in told for told in sent.values())
        assert any(b"HTTP/1.1 200 OK" in told for told in sent.values())
        assert strangers(tmp_path / "trace.txt") == set(), "somebody was called whom nobody configured"
        assert list((tmp_path / "home").iterdir()) == [], "a library keeps files of its own"
        assert mapped(tmp_path / "trace.txt") == set(), "memory that others can read was shared"
        assert all_found(planted, box) == []


def test_a_build_that_leaks_is_found_whichever_way_it_leaks(tmp_path: Path, planted: Planted) -> None:
    with Watched(tmp_path, planted.film, leaking=True) as box:
        box.sell()
        box.end()
        found = "\n".join(all_found(planted, box))
        assert mapped(tmp_path / "trace.txt") == {"frame"}
    for way in (
        r"debug\.jpg: a JPEG of the face",
        r"descriptor \d+: a PNG of the face",
        r"log\.txt, in base64: a WebP of the face",
        r"descriptor \d+: BGR of the face",
        r"events\.jsonl, in base64: RGB of the face",
        r"notes\.db, notes: grey of the face",
        r"crops\.npy: BGR floats to 1 of the crop",
    ):
        assert re.search(way, found), f"{way} was not found, but:\n{found}"
