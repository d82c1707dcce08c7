"""`checkout-age status` and `diagnose` reach the box of their own computer as a shop has set it up."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli import _box, main
from edge.page import WebServer, listen, operations_routes
from tests.ops.moments import STATS


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A box that serves the shop's network by TLS, with the shop's own certificate, beyond a proxy for all else."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=till-box.shop.example", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    routes = operations_routes(
        version="1", stats=STATS.as_json, health=lambda: ("degraded", ("look",)), metrics=lambda: (b"", "a/b")
    )
    server = WebServer(sock=listen("127.0.0.1", 0), routes=routes, certificate=(chain, key))
    server.start()
    (tmp_path / "state").mkdir()
    file = tmp_path / "lane.yaml"
    file.write_text(
        "cameras: [{name: c, source: demo}]\nlanes: [{name: l, camera: c}]\nstate: {dir: state}\n"
        f"http: {{host: 0.0.0.0, port: {server.url.rpartition(':')[2]}, tls_cert: {chain}, tls_key: {key}}}\n"
    )
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    try:
        yield file
    finally:
        server.stop()


def test_a_box_with_a_certificate_and_a_proxy_beside_it_is_asked_by_its_own_computer(
    box: Path, capsys
) -> None:
    """The certificate names the shop's address, and a proxy asks itself: both once read `no box answers`."""
    assert main(["status", "--config", str(box)]) == 1
    assert capsys.readouterr().out.startswith("DEGRADED  store-1/box-1")


def test_nobody_else_is_taken_for_the_box(box: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that was named is somebody's on the network: its certificate counts."""
    monkeypatch.delenv("https_proxy")
    monkeypatch.delenv("all_proxy")
    port = box.read_text().partition("port: ")[2].partition(",")[0]
    assert main(["status", "--url", f"https://127.0.0.1:{port}"]) == 2
    assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().out


def test_an_installed_box_is_found_without_a_word(box: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_box, "SERVICE_CONFIG", box)
    assert main(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["stats"]["box"] == "box-1"


def test_support_gets_its_health_and_figures(box: Path, tmp_path: Path) -> None:
    assert main(["diagnose", "--config", str(box), "--out", str(tmp_path / "d.tar.gz")]) == 0
    with tarfile.open(tmp_path / "d.tar.gz") as tar:
        told = {
            name: tar.extractfile(name).read() for name in ("diagnose/health.json", "diagnose/stats.json")
        }
    assert json.loads(told["diagnose/health.json"])["reasons"] == ["look"]
    assert json.loads(told["diagnose/stats.json"])["box"] == "box-1"
