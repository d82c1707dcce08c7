"""What a machine lacks is named before anything is installed, with the way out."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

POSIX = ("sh", "dirname", "id", "mkdir", "rmdir", "grep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A PATH with nothing on it but what a test puts there."""

    bin: Path

    def has(self, name: str, script: str) -> None:
        """Put a program on the PATH; `script` is what it does, in shell."""
        program = self.bin / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def preflight(self, venv: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", CHECKOUT / "scripts" / "preflight", venv],
            env={"PATH": str(self.bin)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in POSIX:
        (folder / name).symlink_to(_which(name))
    return Machine(bin=folder)


def _which(name: str) -> str:
    return subprocess.run(["which", name], check=True, capture_output=True, text=True).stdout.strip()


def python_that(*, version: tuple[int, int], has_venv: bool = True) -> str:
    """A stand-in that answers the three questions that the script asks of a Python."""
    new_enough = int(version < (3, 11))
    return f"""case "$2" in
        *version_info\\ *) exit {new_enough} ;;
        *ensurepip*) exit {int(not has_venv)} ;;
        *print*) echo {version[0]}.{version[1]} ;;
    esac"""


def test_a_good_machine_names_the_python_it_will_use(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", python_that(version=(3, 12)))

    done = machine.preflight(tmp_path / "venv")

    assert (done.returncode, done.stdout, done.stderr) == (0, "python3\n", "")


def test_a_newer_python_beside_an_old_one_is_taken(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", python_that(version=(3, 9)))
    machine.has("python3.12", python_that(version=(3, 12)))

    assert machine.preflight(tmp_path / "venv").stdout == "python3.12\n"


def test_too_old_a_python_is_named_with_its_version(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", python_that(version=(3, 9)))

    done = machine.preflight(tmp_path / "venv")

    assert done.returncode == 1
    assert "needs Python 3.11 or newer; found python3 is 3.9" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_no_python_at_all(machine: Machine, tmp_path: Path) -> None:
    done = machine.preflight(tmp_path / "venv")

    assert done.returncode == 1
    assert "found none" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_a_python_without_venv_names_the_package_that_has_it(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", python_that(version=(3, 11), has_venv=False))

    done = machine.preflight(tmp_path / "venv")

    assert done.returncode == 1
    assert "apt-get install python3.11-venv" in done.stderr


def test_no_write_access_names_the_folder_and_three_ways_out(machine: Machine) -> None:
    """/proc refuses new folders to everybody, the administrator included."""
    machine.has("python3", python_that(version=(3, 11)))

    done = machine.preflight(Path("/proc/env/venv"))

    assert done.returncode == 1
    assert "may not write to /proc" in done.stderr
    assert "make VENV=" in done.stderr


def test_an_nvidia_device_asks_for_the_gpu_build(machine: Machine) -> None:
    def kind() -> str:
        return subprocess.run(
            ["sh", CHECKOUT / "scripts" / "accelerator"],
            env={"PATH": str(machine.bin)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    machine.has("nvidia-smi", "exit 9")
    before = kind()
    machine.has("nvidia-smi", "echo 'GPU 0: NVIDIA T400 (UUID: GPU-0)'")

    assert before == ("gpu" if Path("/proc/driver/nvidia/version").exists() else "cpu")
    assert kind() == "gpu"
