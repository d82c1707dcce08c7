"""Secrets that were planted everywhere show nowhere: logs, figures, error pages, events, diagnoses."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.parse
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.cli import commands
from tests.scenarios.box import until
from tests.security.guarded_box import ADDRESS_KEY, CANARIES, GuardedBox, Guest


def forms(secret: str) -> set[bytes]:
    """As it stands, percent-encoded, in base64 as HTTP and RTSP send it, as JSON and as Python's repr write it."""
    plain = secret.encode()
    told = {plain, urllib.parse.quote(secret, safe="").encode(), urllib.parse.quote_plus(secret).encode()}
    written = {json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret), ascii(secret)}
    return told | {base64.b64encode(plain).rstrip(b"="), *(one[1:-1].encode() for one in written)}


def leaks(places: dict[str, bytes], secrets: dict[str, str]) -> list[str]:
    return [
        f"{name} in {place}"
        for place, told in places.items()
        for name, secret in secrets.items()
        if any(form in told for form in forms(secret))
    ]


def test_planted_secrets_are_nowhere(guarded: GuardedBox, tmp_path: Path) -> None:
    box = guarded.box
    until(lambda: box.stats()["cameras"][0]["state"] == "down", what="the camera was tried")
    until(
        lambda: all(s["last_error"] for s in box.stats()["sinks"] if s["sink"] != "lines"),
        what="sinks failed",
    )
    places: dict[str, bytes] = {}
    secrets = dict(CANARIES)
    for role, guest in guarded.guests.items():
        for path in (
            "/api/stats",
            "/health",
            "/metrics",
            "/api/me",
            "/api/alerts",
            "/nothing",
            "/static/none",
            "/",
        ):
            places[f"{path} as {role}"] = guest.ask("GET", path)[2]
        odd = guest.ask("POST", "/api/till", b"\xff not json " + CANARIES["till token"].encode())
        if (
            odd[0] != 400
        ):  # a till that posts its own token as JSON is told where the JSON is wrong, not what it said
            places[f"/api/till as {role}"] = odd[2]
        if guest.cookie:
            secrets[f"session of {role}"] = guest.cookie.split("=", 1)[1]
    secrets["display token"] = guarded.display_token
    Guest(guarded.port).sign_in(CANARIES["till token"], CANARIES["broker password"])
    places["command line"] = Path(f"/proc/{box.pid}/cmdline").read_bytes()
    places["environment"] = Path(f"/proc/{box.pid}/environ").read_bytes()
    folder = box.folder
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name not in {name.replace(" ", "-") for name in CANARIES}:
            places[str(file.relative_to(folder))] = file.read_bytes()
    for words in (
        ["check-config", str(box.config_file)],
        ["config", "show", "--effective", "--config", str(box.config_file)],
    ):
        if words[0] in commands():
            places[" ".join(words[:2])] = said(*words)
    if "diagnose" in commands():
        out = tmp_path / "diagnosis.tar.gz"
        places["diagnose"] = said("diagnose", "--config", str(box.config_file), "--out", str(out))
        places |= unpacked(out)
    assert len(places["log.txt"]) > 300  # a log that says nothing would prove nothing
    secrets["sales key"] = places.pop("state/sales.key").decode().strip()
    assert leaks(places, secrets) == []
    del places["lane.yaml"]  # who may read the configuration may read its addresses
    assert leaks(places, {"address key": ADDRESS_KEY}) == []


def test_no_sale_is_in_log_figures_or_diagnosis(guarded: GuardedBox, tmp_path: Path) -> None:
    """What support gets tells of the box, not of who bought or sold."""
    box, at = guarded.box, datetime.now(UTC)
    goods = {"sku": "canary-sku", "name": "canary goods", "restricted": True, "quantity": 1}
    kinds = (("receipt.opened", {}), ("item.added", goods), ("receipt.closed", {}))
    sale = [
        {
            "id": f"canary-event-{number}", "lane": "lane-1", "receipt": "canary-receipt", "cashier": "canary-cashier",
            "type": kind, "at": (at + timedelta(milliseconds=number)).isoformat(timespec="milliseconds"), **more,
        }
        for number, (kind, more) in enumerate(kinds)
    ]  # fmt: skip
    assert guarded.guests["till"].ask("POST", "/api/till", json.dumps(sale).encode())[0] == 200
    events = box.folder / "state" / "events.jsonl"
    until(
        lambda: b"canary-receipt" in events.read_bytes() if events.exists() else False,
        within_s=60,
        what="the sale was told",
    )
    places = {path: guarded.guests["nobody"].ask("GET", path)[2] for path in ("/api/stats", "/health")}
    places["/metrics"] = guarded.guests["metrics"].ask("GET", "/metrics")[2]
    places["log"] = guarded.log().encode()
    out = tmp_path / "diagnosis.tar.gz"
    places["diagnose"] = said("diagnose", "--config", str(box.config_file), "--out", str(out))
    places |= unpacked(out)
    assert "diagnosis: diagnose/stats.json" in places
    names = {"sku", "goods", "receipt", "cashier", "event"}
    assert leaks(places, {name: f"canary-{name}" for name in names} | {"goods": "canary goods"}) == []


def said(*words: str) -> bytes:
    command = [sys.executable, "-m", "edge", *words]
    done = subprocess.run(command, capture_output=True, check=False, timeout=300)
    return done.stdout + done.stderr


def unpacked(archive: Path) -> dict[str, bytes]:
    import tarfile
    import zipfile

    if not archive.exists():
        return {}
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as found:
            return {f"diagnosis: {name}": found.read(name) for name in found.namelist()}
    with tarfile.open(archive) as tar:
        return {
            f"diagnosis: {one.name}": file.read()
            for one in tar.getmembers()
            if (file := tar.extractfile(one)) is not None
        }


def test_the_search_would_find_them(guarded: GuardedBox) -> None:
    """In every form that it knows, and nowhere else."""
    secret = CANARIES["camera password"]
    for form in forms(secret):
        assert leaks({"x": b"before " + form + b" after"}, {"camera password": secret}) == [
            "camera password in x"
        ]
    assert leaks({"x": guarded.log().encode() + b"canary"}, {"camera password": secret}) == []
