"""The demo off a terminal: the whole of it, and cameras that are none."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

WITHIN_S = 240  # it takes 35 s on a machine that has time
CHECKOUT = Path(__file__).resolve().parents[2]


def demo(*options: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", "demo", *options],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_off_a_terminal_it_says_too_that_its_weights_are_for_research(tmp_path: Path) -> None:
    said = demo("--seconds", "0.5", "--detector", "mtcnn", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert "research weights: train on your own licensed faces before use in a shop" in said.stderr
    assert "\x1b" not in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        ("none.mp4", "none.mp4: no such file"),
        ("", "no file but a folder"),
        ("note.mp4", "note.mp4: holds no video"),
        ("ftp://192.0.2.1/x", "rtsp://"),
    ],
)
def test_a_file_that_cannot_be_shown_is_refused_at_once(tmp_path: Path, camera: str, words: str) -> None:
    """It was shown as a camera that is down, for ever, with exit code 0."""
    (tmp_path / "note.mp4").write_text("this is no film\n" * 50)
    said = demo("--camera", camera, "--seconds", "0.5", cwd=tmp_path)
    assert said.returncode == 2
    assert words in said.stderr
    assert "--camera" in said.stderr
    assert "Traceback" not in said.stderr


def test_within_a_minute_one_portrait_is_asked_for_an_id_with_and_without_an_answer_and_one_is_not(
    tmp_path: Path,
) -> None:
    """All of it is real: the till speaks HTTP, the prompt is the rules' own, the alert is on the page."""
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", "demo", "--detector", "mtcnn"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors: list[str] = []
    page = _until(process.stderr, "the page, once for one browser: ", errors)
    threading.Thread(target=lambda: errors.extend(process.stderr), daemon=True).start()  # type: ignore[arg-type]
    watch = threading.Timer(WITHIN_S, process.kill)
    watch.start()
    try:
        lines: list[str] = []
        _until(process.stdout, "ALERT: sold without an ID check", lines)
        signed_in, [alert] = _alerts(page)
        assert (alert["kind"], alert["camera"]) == ("unchecked_sale", "demo")
        assert _redirect(page) == "/signin?used=1", "the link is good once"
        assert signed_in == "/"
        process.send_signal(signal.SIGINT)
        lines += process.stdout
        assert process.wait() == 0
    finally:
        watch.cancel()
        process.kill()
    told = "".join(lines)
    assert "please check ID, P(<30)" in told
    assert "ID checked, 2." in told
    assert "not asked" in told
    assert "sold without an ID check" in told
    said = "".join(errors)
    assert "demo policy: who looks under 30 is asked for an ID" in said
    assert "was not heard" not in said


def _until(stream: Any, words: str, lines: list[str]) -> str:
    """What follows the words on their line; fails with all lines where they never come."""
    for line in stream:
        lines.append(line)
        if words in line:
            return str(line.split(words)[1].strip())
    raise AssertionError("".join(lines))


def _redirect(url: str) -> str:
    line, answer = _get(url)
    line.close()
    return str(answer.headers["Location"])


def _alerts(url: str) -> tuple[str, list[dict[str, Any]]]:
    """Where the one-time link leads, and the alerts that its holder sees."""
    line, answer = _get(url)
    cookie = str(answer.headers["Set-Cookie"]).split(";")[0]
    answer.read()
    line.request("GET", "/api/alerts", headers={"Cookie": cookie})
    found = json.loads(line.getresponse().read())["alerts"]
    line.close()
    return str(answer.headers["Location"]), found


def _get(url: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=60)
    line.request("GET", parts.path)
    return line, line.getresponse()
