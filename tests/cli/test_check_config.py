"""`checkout-age check-config`: what a person and a script get."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.config import parse_config
from edge.config.reminders import reminders

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def check_config(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", "check-config", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["demo.yaml", "lane.yaml"])
def test_a_good_file_is_ok_in_one_line(name: str) -> None:
    done = check_config(CONFIGS / name)
    still_to_do = [line for line in done.stderr.splitlines() if not line.startswith("still to do: ")]
    assert (done.returncode, still_to_do) == (0, [])
    assert done.stdout.startswith("ok: 1 lane, 1 camera, ")


def test_until_a_notice_hangs_somebody_is_reminded(tmp_path: Path) -> None:
    """A real camera without a notice is something to do; a drawn lane films nobody."""
    lane = (CONFIGS / "lane.yaml").read_text()
    reminded = "no notice tells customers of the camera"
    assert reminded in check_config(CONFIGS / "lane.yaml").stderr
    assert reminded not in check_config(CONFIGS / "demo.yaml").stderr
    done = tmp_path / "lane.yaml"
    done.write_text(lane.replace("notice_displayed: false", "notice_displayed: true"))
    assert reminded not in check_config(done).stderr


@pytest.mark.parametrize(
    ("security", "marketing", "told"),
    [
        ("kind: mqtt, host: mq, user: a", "kind: mqtt, host: mq, port: 1883, user: a", True),
        ("kind: mqtt, host: mq, user: a", "kind: mqtt, host: mq, user: b", False),
        ("kind: webhook, url: 'https://x/1'", "kind: webhook, url: 'https://x/1'", True),
        ("kind: webhook, url: 'https://x/1'", "kind: webhook, url: 'https://x/2'", False),
        (
            "kind: webhook, url: 'https://x/1', password_env: KEY",
            "kind: webhook, url: 'https://x/2', password_env: KEY",
            True,
        ),
        ("kind: file, path: a.jsonl", "kind: file, path: b.jsonl", False),
    ],
)
def test_one_reader_for_both_purposes_is_something_to_mend(
    tmp_path: Path, security: str, marketing: str, told: bool
) -> None:
    config = parse_config(
        "cameras: [{name: c, source: demo}]\nlanes: [{name: l, camera: c}]\nsinks:\n"
        f"  - {{name: one, purpose: security, {security}}}\n  - {{name: other, purpose: marketing, {marketing}}}\n"
        f"  - {{name: watch, purpose: operations, {security.replace('a.jsonl', 'c.jsonl')}}}\n".encode(),
        file="lane.yaml",
        folder=tmp_path,
    )
    for language in ("en", "ru"):
        found = reminders(config, language=language)
        assert len(found) == told
        assert all("one" in one and "other" in one and "watch" not in one for one in found)


def test_every_mistake_is_a_line_on_stderr_and_the_exit_code_is_2(tmp_path: Path) -> None:
    path = tmp_path / "lane.yaml"
    path.write_text("cameras: [{name: a, source: gone.mp4}]\nlanes: [{name: l, camera: b}]\nlogg: {}\n")
    done = check_config(path)
    assert (done.returncode, done.stdout) == (2, "")
    places = [line.removeprefix(f"{path}:").split(": ")[:2] for line in done.stderr.splitlines()[:-1]]
    assert places == [["1", "cameras[0].source"], ["2", "lanes[0].camera"], ["3", "logg"]]
    assert done.stderr.splitlines()[-1] == f"3 problems in {path}"


def test_a_missing_file_and_no_file(tmp_path: Path) -> None:
    gone = check_config(tmp_path / "gone.yaml")
    assert gone.returncode == 2
    assert "gone.yaml: cannot be read: No such file or directory" in gone.stderr
    none = check_config()
    assert (none.returncode, none.stderr) == (2, "check-config: name a file (or ask for --schema)\n")


def test_the_schema_is_json() -> None:
    done = check_config("--schema")
    assert done.returncode == 0
    assert json.loads(done.stdout)["required"] == ["cameras", "lanes"]
