"""systemd itself judges the unit that the project ships, alone and with every drop-in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from itertools import chain, combinations
from pathlib import Path

import pytest

from edge.cli import _main as command_line
from edge.install.units import DROP_INS
from tests.conftest import CHECKOUT

UNITS = CHECKOUT / "systemd"
UNIT = UNITS / "checkout-age.service"
PROGRAM = "/opt/checkout-age/current/bin/checkout-age"
SETS = list(chain.from_iterable(combinations(sorted(DROP_INS), size) for size in range(len(DROP_INS) + 1)))
EXPOSED_MOST = 2.0


@pytest.fixture(params=SETS, ids=lambda names: "+".join(names) or "alone")
def analyze(request: pytest.FixtureRequest, tmp_path: Path):
    """`systemd-analyze` over the unit and a set of drop-ins; another program stands in for ours, which is not here."""
    (tmp_path / UNIT.name).write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))
    (tmp_path / f"{UNIT.name}.d").mkdir()
    for name in request.param:
        shutil.copy(UNITS / "drop-ins" / f"{name}.conf", tmp_path / f"{UNIT.name}.d" / DROP_INS[name])

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["systemd-analyze", *words, UNIT.name],
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_systemd_accepts_the_unit(analyze) -> None:
    told = analyze("verify")
    assert (told.returncode, told.stderr) == (0, "")


def test_what_could_be_done_with_it_is_little(analyze) -> None:
    told = analyze("security", "--offline=true", "--no-pager")
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told.stdout + told.stderr)
    assert level is not None, told.stderr
    assert float(level[1]) <= EXPOSED_MOST


def settings() -> dict[str, str]:
    lines = (line for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def test_it_says_when_it_is_ready_is_watched_comes_back_and_leaves_no_core() -> None:
    told = settings()
    assert told["Type"] == "notify"
    assert int(told["WatchdogSec"]) > 0
    assert (told["Restart"], told["RestartSec"], told["StartLimitIntervalSec"]) == ("on-failure", "5", "0")
    assert told["LimitCORE"] == "0"
    assert told["LoadCredential"] == "secret:/etc/checkout-age/credentials"


@pytest.mark.parametrize("key", ["ExecStart", "ExecReload"])
def test_it_calls_commands_that_there_are(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    program, *words = settings()[key].split()
    assert program == PROGRAM
    with pytest.raises(SystemExit):
        command_line([words[0], "--help"])
    usage = capsys.readouterr().out
    assert all(word in usage for word in words[1:] if word.startswith("--"))


def test_every_drop_in_is_one_that_installation_knows() -> None:
    assert {path.stem for path in (UNITS / "drop-ins").glob("*.conf")} == set(DROP_INS)
