"""What a technician types on the box itself, as short as the manual says: nothing to name, nothing kept but figures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from edge.cli import _box, diagnose, main

LANE = """
cameras: [{name: till-1, source: demo}]
lanes: [{name: lane-1, camera: till-1}]
site: {language: ru}
http: {port: 1}
state: {dir: state}
"""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed box: its configuration stands where the service has it."""
    file = tmp_path / "etc" / "lane.yaml"
    file.parent.mkdir()
    file.write_text(LANE)
    (file.parent / "state").mkdir()
    monkeypatch.setattr(_box, "SERVICE_CONFIG", file)
    monkeypatch.setattr(diagnose, "SERVICE_CONFIG", file)
    monkeypatch.chdir(tmp_path)
    return file


def environment(folder: Path) -> dict[str, str]:
    """Whatever a library keeps of its own lands in `folder`, too."""
    checkout = str(Path(__file__).resolve().parents[2])
    return {"PATH": "/usr/bin", "HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": checkout}


def test_a_cameras_name_is_looked_for_in_the_services_configuration_a_source_is_not(service: Path):
    assert _box.config_of_box(None, camera="till-1") == service
    assert _box.config_of_box(None) == service
    assert _box.config_of_box(Path("mine.yaml"), camera="till-1") == Path("mine.yaml")
    for source in ("0", "/dev/video0", "rtsp://192.0.2.1/s", "demo", "ftp://x", str(service)):
        assert _box.config_of_box(None, camera=source) is None, source
    service.unlink()
    assert _box.config_of_box(None, camera="till-1") is None


def test_diagnose_needs_no_word_more(service: Path, capsys):
    assert main(["diagnose"]) == 0
    [archive] = service.parent.parent.glob("checkout-age-support-*.tar.gz")
    assert f"{archive.name}: look through it" in capsys.readouterr().out
    with tarfile.open(archive) as tar:
        assert "diagnose/config.yaml" in tar.getnames()


def test_site_check_keeps_one_line_of_figures_and_its_memory_is_never_dumped(tmp_path: Path):
    """Volunteers stand before a real camera thread, detector and model; the drawn lane stands for them."""
    words = ["site-check", "--camera", "demo", "--age", "19", "--agreed", "--seconds", "8"]
    with subprocess.Popen(
        [sys.executable, "-m", "edge", *words],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin",
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": str(Path.cwd()),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("stand where customers pay" in line for line in process.stderr)
        assert re.search(r"core file size\s+0\s+0\s", Path(f"/proc/{process.pid}/limits").read_text())
        told, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong
    assert "volunteers          1" in told
    assert re.search(r"mean error +\d", told)
    assert re.search(r"minors not asked +0 of 0", told)
    assert re.search(r"within the interval [01] of 1", told)
    [kept] = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert kept.name == "site-check.jsonl"
    [line] = kept.read_text().splitlines()
    assert set(json.loads(line)) == {
        "format", "bundle", "age", "logits", "qualities", "face_px", "blur", "brightness"
    }  # fmt: skip


def test_aim_tells_live_verdicts_until_it_is_stopped(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-m", "edge", "aim", "--camera", "demo", "--seconds", "300"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        verdict = r"face width \d+ px \(.+\); blur \d.+; turned away \d+.+; light \d+"
        assert any(re.search(verdict, line) for line in process.stdout), "no face in five minutes"
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
