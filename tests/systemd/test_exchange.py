"""An exchange that breaks off anywhere leaves the version before; and what an uninstalled box still has."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.cli import main
from edge.install import Installer, InstallError, StartFailedError, Systemd, Wishes
from edge.ops.identity import Computer, accept_computer, check_identity
from tests.conftest import Measured
from tests.systemd.test_install import Fresh, stub

CONFIG = (
    "cameras: [{{name: c, source: {source}}}]\nlanes: [{{name: l, camera: c}}]\nstate: {{dir: {state}}}\n"
)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fresh:
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(tmp_path / "none"))
    (tmp_path / "root").mkdir()
    return Fresh(tmp_path / "root")


def install(fresh: Fresh, folder: Path, version: str) -> bool:
    return fresh.installer().install(Wishes(wheel=stub(folder, version), detector="mtcnn"))


def once(real: Callable[..., None], error: BaseException) -> Callable[..., None]:
    """Breaks the first time, works afterwards."""
    errors = [error]

    def call(*args: object, **named: object) -> None:
        if errors:
            raise errors.pop()
        real(*args, **named)

    return call


@pytest.mark.parametrize(
    ("verb", "error", "why"),
    [
        ("take_units", StartFailedError("systemctl daemon-reload: no answer"), "daemon-reload: no answer"),
        ("enable", OSError(28, "No space left on device"), "No space left"),
        ("restart", KeyboardInterrupt(), "interrupted"),
    ],
)
def test_an_exchange_that_breaks_off_leaves_the_version_before(
    fresh: Fresh,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured: Measured,
    *,
    verb: str,
    error: BaseException,
    why: str,
) -> None:
    install(fresh, tmp_path, "1.0")
    unit = fresh.layout.units / "checkout-age.service"
    unit.write_text("# as version 1.0 had it\n")
    monkeypatch.setattr(fresh.manager, verb, once(getattr(fresh.manager, verb), error))
    with pytest.raises(InstallError, match=rf"1\.1-\w+ does not start, 1\.0-\w+ runs again: .*{why}"):
        install(fresh, tmp_path, "1.1")
    assert fresh.layout.current.resolve().name.startswith("1.0-")
    assert (fresh.versions(), fresh.manager.started[-1]) == (["1.0"], "1.0")
    assert unit.read_text() == "# as version 1.0 had it\n"
    measured(
        "upgrade breaks off",
        f"at `{verb}`, {type(error).__name__}: version {fresh.manager.started[-1]} runs, its units as they were",
    )


def test_new_units_that_do_not_start_give_way_to_the_old_ones_of_the_same_version(
    fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(fresh, tmp_path, "1.0")
    fresh.layout.config.write_text(CONFIG.format(source="/dev/video0", state="/var/lib/checkout-age"))
    real = fresh.manager.restart
    monkeypatch.setattr(fresh.manager, "restart", once(real, StartFailedError("no group video")))
    with pytest.raises(InstallError, match="runs again: no group video"):
        install(fresh, tmp_path, "1.0")
    assert not fresh.layout.drop_ins.exists()
    assert fresh.versions() == ["1.0"]
    assert install(fresh, tmp_path, "1.0")
    assert [path.name for path in fresh.layout.drop_ins.iterdir()] == ["50-usb-cameras.conf"]


def test_a_rollback_that_fails_keeps_both_versions(fresh: Fresh, tmp_path: Path) -> None:
    install(fresh, tmp_path, "1.0")
    install(fresh, tmp_path, "1.1")
    fresh.manager.broken = {"1.0"}
    with pytest.raises(InstallError, match=r"1\.0-\w+ does not start, 1\.1-\w+ runs again"):
        fresh.installer().rollback()
    assert fresh.versions() == ["1.0", "1.1"]
    assert fresh.layout.current.resolve().name.startswith("1.1-")


def test_going_back_to_a_version_that_knows_fewer_drop_ins(fresh: Fresh, tmp_path: Path) -> None:
    install(fresh, tmp_path, "1.0")
    (shipped,) = fresh.layout.current.glob("lib/python*/site-packages/edge/_shipped/systemd")
    (shipped / "drop-ins/vaapi.conf").unlink()
    text = CONFIG.format(source="demo, decode: vaapi", state="/var/lib/checkout-age")
    fresh.layout.config.write_text(text)
    install(fresh, tmp_path, "1.1")
    fresh.installer().rollback()
    assert fresh.layout.current.resolve().name.startswith("1.0-")
    assert not fresh.layout.drop_ins.exists()


@pytest.mark.parametrize(("decode", "drop_in"), [("vaapi", "50-vaapi.conf"), ("cuda", "50-nvidia-gpu.conf")])
def test_who_decodes_on_a_gpu_may_open_it(fresh: Fresh, tmp_path: Path, decode: str, drop_in: str) -> None:
    install(fresh, tmp_path, "1.0")
    text = CONFIG.format(source=f"demo, decode: {decode}", state="/var/lib/checkout-age")
    fresh.layout.config.write_text(text)
    assert install(fresh, tmp_path, "1.0")
    assert [path.name for path in fresh.layout.drop_ins.iterdir()] == [drop_in]


def test_taken_off_means_the_nightly_export_too_and_its_files_are_state(fresh: Fresh, tmp_path: Path) -> None:
    install(fresh, tmp_path, "1.0")
    layout = fresh.layout
    nightly = layout.units / "timers.target.wants/checkout-age-export.timer"  # systemctl enable made it
    nightly.parent.mkdir()
    nightly.symlink_to("/etc/systemd/system/checkout-age-export.timer")
    (layout.marketing / "store=1").mkdir(parents=True)
    (layout.root / "mnt/state").mkdir(parents=True)
    layout.config.write_text(CONFIG.format(source="demo", state="/mnt/state"))

    fresh.installer().uninstall()
    assert not nightly.is_symlink()
    assert {f"kept: {layout.state}", f"kept: {layout.marketing}"} <= set(fresh.said)
    install(fresh, tmp_path, "1.0")
    fresh.installer().uninstall(state=True, config=True)
    assert not layout.state.exists()
    assert not layout.marketing.exists()
    assert any(said.startswith(f"kept: {layout.root}/mnt/state, ") for said in fresh.said)


# --- systemd itself, played by a program of its name ----------------------------------------------------------


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Notes what it is asked; waits where `hangs` is, fails where `fails` names the verb."""
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
echo "$*" >>{tmp_path}/asked
if [ "$1" = "$(cat {tmp_path}/hangs 2>/dev/null)" ]; then read -r _ <{tmp_path}/never; fi
if [ "$1" = "$(cat {tmp_path}/fails 2>/dev/null)" ]; then echo "Job failed." >&2; exit 1; fi
"""
    )
    program.chmod(0o755)
    os.mkfifo(tmp_path / "never")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return lambda: (tmp_path / "asked").read_text().splitlines()


def test_what_stops_slowly_takes_nothing_of_the_time_to_become_ready(
    systemctl: Callable[[], list[str]], tmp_path: Path
) -> None:
    Systemd().restart(ready_s=60)
    assert systemctl() == ["stop checkout-age.service", "start checkout-age.service"]
    (tmp_path / "hangs").write_text("start")
    with pytest.raises(StartFailedError, match=r"not ready: systemctl start did not end within 0\.2 s"):
        Systemd().restart(ready_s=0.2)
    (tmp_path / "hangs").unlink()
    (tmp_path / "fails").write_text("start")
    with pytest.raises(StartFailedError, match=r"failed: systemctl start: Job failed\. \(journalctl"):
        Systemd().restart(ready_s=60)


def test_nothing_of_it_is_started_any_more(systemctl: Callable[[], list[str]], tmp_path: Path) -> None:
    (tmp_path / "fails").write_text("disable")  # units that are not there
    Systemd().remove()
    units = ("checkout-age-export.timer", "checkout-age-export.service", "checkout-age.service")
    assert systemctl() == [f"disable --now --quiet {unit}" for unit in units]


def test_a_terminal_that_goes_away_ends_nothing_and_who_asks_for_the_end_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An administrator's connection breaks within an upgrade: the box must not stay between two versions."""
    heard: list[str] = []

    def rollback(_self: Installer, **_named: object) -> None:
        signal.raise_signal(signal.SIGHUP)
        heard.append("went on")
        signal.raise_signal(signal.SIGTERM)
        heard.append("never")

    monkeypatch.setattr(Installer, "rollback", rollback)
    before = signal.getsignal(signal.SIGHUP)
    assert main(["service", "rollback", "--root", str(tmp_path)]) == 2
    assert heard == ["went on"]
    assert "interrupted" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGHUP) is before


def test_a_moved_disk_is_told_to_be_at_home_by_the_command(
    fresh: Fresh, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(fresh, tmp_path, "1.0")
    layout = fresh.layout
    accept_computer(layout.state, store="s", box="b", here=Computer(machine="another", hardware=frozenset()))
    assert "another computer" in (check_identity(layout.state, store="s", box="b") or "")
    assert main(["service", "accept-computer", "--root", str(layout.root)]) == 0
    assert "checkout-age reload takes the warning away" in capsys.readouterr().out
    assert check_identity(layout.state, store="s", box="b") is None
    layout.config.unlink()
    assert main(["service", "accept-computer", "--root", str(layout.root)]) == 2
