"""systemd itself judges the nightly export."""

from __future__ import annotations

import subprocess
from pathlib import Path

UNITS = Path(__file__).resolve().parents[2] / "systemd"


def test_systemd_accepts_service_and_timer(tmp_path):
    """The program's own place is not on this machine, so another one stands in for it."""
    for name in ("checkout-age-export.service", "checkout-age-export.timer"):
        text = (UNITS / name).read_text()
        (tmp_path / name).write_text(text.replace("/opt/checkout-age/current/bin/checkout-age", "/bin/true"))
    told = subprocess.run(
        ["systemd-analyze", "verify", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")


def test_the_timer_starts_a_command_whose_options_exist():
    from argparse import ArgumentParser

    from export.events.cli import export

    lines = (UNITS / "checkout-age-export.service").read_text().splitlines()
    [start] = [line for line in lines if line.startswith("ExecStart=")]
    program, command, *options = start.removeprefix("ExecStart=").split()
    assert (Path(program).name, command) == ("checkout-age", "export-events")
    parser = ArgumentParser()
    export.add_arguments(parser)
    told = parser.parse_args(options)
    assert {f"/var/lib/{name}" for name in ("checkout-age", "checkout-age-marketing")} == {
        str(told.state),
        str(told.to),
    }
