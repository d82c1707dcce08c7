"""An archive for support must help, and must not carry one secret: canaries are planted wherever one may stand."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from edge.app import diagnose
from edge.cli import main
from edge.events import Store

CAMERA, BROKER, HOOK, TILL = "kanarie camera/1", "kanarie-broker-2", "kanarie-hook-3", "kanarie-till-4"
SECRETS = (CAMERA, quote(CAMERA, safe=""), BROKER, HOOK, TILL, "kanarie-query-5")


@pytest.fixture
def box(tmp_path: Path, monkeypatch) -> Path:
    """A configuration that points at four secrets, and a log that has all of them in it."""
    for name, secret in (("camera", CAMERA), ("broker", BROKER), ("till", TILL)):
        (tmp_path / name).write_text(secret + "\n")
    monkeypatch.setenv("HOOK_SECRET", HOOK)
    config = {
        "cameras": [{"name": "c", "source": "rtsp://192.0.2.1/s", "user": "v", "password_file": "camera"}],
        "lanes": [{"name": "lane-1", "camera": "c"}],
        "state": {"dir": "state"},
        "http": {"port": 1},
        "till": {"http": {"token_file": "till"}},
        "sinks": [
            {"kind": "mqtt", "name": "m", "purpose": "security", "host": "mq", "user": "u", "password_file": "broker"},
            {"kind": "webhook", "name": "w", "purpose": "security", "password_env": "HOOK_SECRET",
             "url": "https://hooks.example/x?token=kanarie-query-5"},
        ],
    }  # fmt: skip
    file = tmp_path / "lane.yaml"
    file.write_text(yaml.safe_dump(config))
    Store(tmp_path / "state" / "security.db", reserve_bytes=0).close()
    leaky = "\n".join(f"cannot open rtsp://v:{secret}@192.0.2.1/s with {secret}" for secret in SECRETS)
    monkeypatch.setattr(diagnose, "_journal", lambda: leaky)
    return file


def contents(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as tar:
        return {one.name: tar.extractfile(one).read().decode() for one in tar}


def test_no_canary_is_in_the_archive_and_what_helps_is(box: Path, tmp_path: Path, capsys):
    archive = tmp_path / "d.tar.gz"
    assert main(["diagnose", "--config", str(box), "--out", str(archive)]) == 0
    told = contents(archive)
    everything = "\n".join(told.values()) + capsys.readouterr().out
    assert [secret for secret in SECRETS if secret in everything] == []
    assert archive.stat().st_mode & 0o077 == 0
    assert yaml.safe_load(told["diagnose/config.yaml"])["cameras"][0]["source"] == "rtsp://192.0.2.1/s"
    assert "***" in told["diagnose/log.txt"]
    state = json.loads(told["diagnose/state.json"])
    assert state["security.db"]["rows"]["events"] == 0
    assert state["security.db"]["schema"][0] == "1 outbox"
    assert "numpy" in json.loads(told["diagnose/versions.json"])["packages"]
    assert told["diagnose/health.json"].startswith("not available")  # no box answers at that port


def test_nothing_is_overwritten_and_a_wrong_configuration_is_named(box: Path, tmp_path: Path, capsys):
    archive = tmp_path / "d.tar.gz"
    archive.write_text("mine")
    assert main(["diagnose", "--config", str(box), "--out", str(archive)]) == 2
    assert archive.read_text() == "mine"
    box.write_text("cameras: 3")
    assert main(["diagnose", "--config", str(box), "--out", str(tmp_path / "e.tar.gz")]) == 2
    assert "lane.yaml" in capsys.readouterr().err
