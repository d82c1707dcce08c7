"""`checkout-age selftest`: exit code, the lines for people, the object for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def run(*args: object, models: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"CHECKOUT_AGE_MODELS": str(models)} if models else {})
    command = [sys.executable, "-m", "edge", "selftest", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_a_sound_installation_is_exit_code_0(tmp_path: Path) -> None:
    done = run(models=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    marks = {line.split()[1]: line.split()[0] for line in done.stdout.splitlines()[:-1]}
    assert list(marks) == [
        "package",
        "providers",
        "detector",
        "model",
        "contract",
        "provider",
        "golden",
        "speed",
    ]
    assert set(marks.values()) <= {"ok", "degraded"}
    assert done.stdout.splitlines()[-1].startswith("research weights: train on your own licensed faces")


def test_a_bundle_that_is_no_bundle_is_exit_code_1_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "age").mkdir()
    (tmp_path / "age" / "bundle.json").write_text("{}")
    done = run("--json", models=tmp_path)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert "bundle.json" in told["reasons"][0]
    assert told["reasons"][0] in done.stderr


def test_a_configuration_decides_what_is_tested(tmp_path: Path) -> None:
    config = tmp_path / "lane.yaml"
    config.write_text(
        "inference: {detector: yunet, models_dir: .}\n"
        "cameras: [{name: a, source: demo}]\n"
        "lanes: [{name: l, camera: a}]\n"
    )
    done = run("--config", config)
    assert done.returncode == 1
    assert f"YuNet is not in {tmp_path}" in done.stderr
    config.write_text("lanes: []\n")
    assert run("--config", config).returncode == 2
