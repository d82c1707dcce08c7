"""What support needs to know of a box, gathered part by part; a part that cannot be had says why."""

from __future__ import annotations

import http.client
import json
import os
import platform
import shutil
import sqlite3
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields, is_dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from edge.config import Config, SecretError, read_password
from edge.config.effective import as_yaml
from edge.events import open_for_reading
from edge.ops.process import clock_synchronised

__all__ = ["parts", "secrets_of"]

_LOG_LINES = 2000
_TIMEOUT_S = 5.0
_UNIT = "checkout-age.service"
_TABLES = (
    "events", "till_inbox", "till_dead", "receipts", "alerts", "register", "gaps", "drift_hours", "parked",
)  # fmt: skip


def secrets_of(config: Config) -> list[str]:
    """Every password, token and key that the configuration points at and that can be read now, to be masked."""
    found: list[str] = []
    for section in _sections(config):
        # What a service takes for a key may stand in an address: log lines of others repeat it without its name.
        found += [value for _, value in parse_qsl(urlsplit(getattr(section, "url", "")).query)]
        for prefix in ("password", "token", "metrics_token"):
            if not hasattr(section, f"{prefix}_file"):
                continue
            try:
                secret = read_password(_Ways(section, prefix))
            except SecretError:
                continue
            if secret:
                found.append(secret)
    return found


class _Ways:
    """The three ways to a secret of a section, under the names that `read_password` knows."""

    user = "support"

    def __init__(self, section: Any, prefix: str) -> None:
        self.password_env: str | None = getattr(section, f"{prefix}_env", None)
        self.password_file: Path | None = getattr(section, f"{prefix}_file", None)
        self.password_credential: str | None = getattr(section, f"{prefix}_credential", None)


def _sections(value: Any) -> Iterator[Any]:
    if is_dataclass(value):
        yield value
        for each in fields(value):
            yield from _sections(getattr(value, each.name))
    elif isinstance(value, tuple):
        for member in value:
            yield from _sections(member)


def parts(config: Config) -> dict[str, str]:
    """Texts by file name. Nothing of customers, sales or users: of the databases only shapes and counts."""
    url = _url(config)
    gatherers: dict[str, Callable[[], str]] = {
        "config.yaml": lambda: as_yaml(config, masked=True),
        "versions.json": lambda: _json(_versions()),
        "health.json": lambda: _ask(url + "/health"),
        "stats.json": lambda: _ask(url + "/api/stats"),
        "state.json": lambda: _json(_state(config.state.dir)),
        "machine.json": lambda: _json(_machine(config.state.dir)),
        "log.txt": _journal,
    }
    return {name: _gathered(gather) for name, gather in gatherers.items()}


def _gathered(gather: Callable[[], str]) -> str:
    try:
        return gather()
    except (
        OSError,
        ValueError,
        http.client.HTTPException,
        sqlite3.Error,
        subprocess.SubprocessError,
    ) as error:
        return f"not available: {type(error).__name__}: {error}"


def _json(told: object) -> str:
    return json.dumps(told, indent=2, ensure_ascii=False, default=str)


def _versions() -> dict[str, Any]:
    return {
        "python": sys.version,
        "system": platform.platform(),
        "packages": dict(sorted((one.metadata["Name"], one.version) for one in distributions())),
    }


def _url(config: Config) -> str:
    scheme = "https" if config.http.tls_cert is not None else "http"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.http.host, config.http.host)  # noqa: S104 - compared
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{config.http.port}"


def _ask(url: str) -> str:
    # The box itself is asked, on its own machine: its certificate names the shop's address, and no proxy knows it.
    context = ssl._create_unverified_context()  # noqa: S323
    own = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with own.open(url, timeout=_TIMEOUT_S) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}\n{error.read().decode('utf-8', 'replace')}"


def _state(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for file in sorted(folder.iterdir()):
        told[file.name] = {"bytes": file.stat().st_size}
        if file.suffix == ".db":
            with closing(open_for_reading(file)) as connection:
                there = {
                    row[0]
                    for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                }
                steps = connection.execute("SELECT number, name FROM schema_steps ORDER BY number").fetchall()
                told[file.name]["schema"] = [f"{number} {name}" for number, name in steps]
                told[file.name]["rows"] = {
                    name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - our own
                    for name in _TABLES
                    if name in there
                }
    return told


def _machine(folder: Path) -> dict[str, Any]:
    disk = shutil.disk_usage(folder if folder.exists() else "/")
    clock = shutil.which("timedatectl")
    return {
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
        "memory": Path("/proc/meminfo").read_text().splitlines()[:5],
        "disk": {"total": disk.total, "used": disk.used, "free": disk.free},
        "clock_synchronised": clock_synchronised(),
        "timedatectl": _run([clock]) if clock else "not available",
    }


def _journal() -> str:
    command = shutil.which("journalctl")
    if command is None:
        return "not available: no journal on this computer"
    return _run([command, "-u", _UNIT, "-n", str(_LOG_LINES), "--no-pager", "-o", "short-iso"])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, errors="replace")
    return done.stdout + done.stderr
