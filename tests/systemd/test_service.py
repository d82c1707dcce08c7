"""systemd itself judges the unit that the project ships."""

from __future__ import annotations

import subprocess
from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "checkout-age.service"


def test_systemd_accepts_the_unit(tmp_path):
    """The program's own place is not on this machine, so another one stands in for it."""
    text = UNIT.read_text()
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/opt/checkout-age/bin/checkout-age", "/bin/true"))
    told = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_unit_starts_a_command_that_exists_and_comes_back_after_a_failure():
    lines = UNIT.read_text().splitlines()
    assert "Restart=on-failure" in lines
    assert "StartLimitIntervalSec=0" in lines
    start = next(line for line in lines if line.startswith("ExecStart="))
    assert start.endswith("bin/checkout-age run --config /etc/checkout-age/lane.yaml")
