"""The wheel alone, installed in an empty folder, is the whole program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import cv2
import pytest

from edge.camera.demo_lane import DemoLane
from tests.conftest import CHECKOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A wheel in a virtual environment of its own, and an empty folder to stand in."""

    wheel: Path
    command: Path
    folder: Path

    def run(self, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(
            [self.command, *words], cwd=self.folder, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == expect, done.stderr
        return done


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Dependencies come from the environment of the tests (a .pth line); the project itself does not."""
    root = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(root), str(CHECKOUT)]
    subprocess.run(build, check=True)
    (wheel,) = root.glob("checkout_age-*.whl")

    venv.create(root / "env", with_pip=False, symlinks=True)
    python = root / "env" / "bin" / "python"
    install = [*pip, "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True)
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    folder = root / "empty"
    folder.mkdir()
    return Installed(wheel=wheel, command=root / "env" / "bin" / "checkout-age", folder=folder)


def test_it_tells_the_version_that_the_project_has(installed: Installed) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert installed.run("--version").stdout == f"checkout-age {project['version']}\n"


def test_it_runs_its_own_copy_and_not_the_checkout(installed: Installed) -> None:
    python = installed.command.with_name("python")
    told = subprocess.run(
        [python, "-c", "import edge; print(edge.__file__)"],
        cwd=installed.folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert Path(told.strip()).is_relative_to(installed.command.parent.parent)


def test_models_configurations_and_units_are_inside(installed: Installed) -> None:
    inside = set(zipfile.ZipFile(installed.wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "edge", "training", "export"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    beside = [
        path for room in ("configs", "systemd") for path in (CHECKOUT / room).rglob("*") if path.is_file()
    ]
    expected = {*tracked, *(f"edge/_shipped/{file.relative_to(CHECKOUT)}" for file in beside)}

    assert expected - inside == set()
    assert {name.split("/")[0] for name in inside if ".dist-info/" not in name} == {
        "edge",
        "training",
        "export",
    }


def test_shipped_files_are_found_from_the_wheel_and_from_the_checkout(installed: Installed) -> None:
    python = installed.command.with_name("python")
    code = "from edge.shipped import shipped; print(shipped('configs/demo.yaml').read_text(), end='')"

    def read(where: Path) -> str:
        done = subprocess.run([python, "-c", code], cwd=where, check=True, capture_output=True, text=True)
        return done.stdout

    assert read(installed.folder) == read(CHECKOUT) == (CHECKOUT / "configs" / "demo.yaml").read_text()


def test_it_carries_its_licence_and_the_notice(installed: Installed) -> None:
    inside = zipfile.ZipFile(installed.wheel).namelist()

    assert {Path(name).name for name in inside if "dist-info/licenses/" in name} == {"LICENSE", "NOTICE"}


def test_it_finds_itself_sound_and_names_its_runtime(installed: Installed) -> None:
    told = json.loads(installed.run("selftest", "--json").stdout)
    said = {check["name"]: check["said"] for check in told["checks"]}

    assert told["ok"]
    assert said["package"] == f"onnxruntime {version('onnxruntime')}"


@pytest.fixture(scope="session")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of one customer of the demo lane: comes, pauses at the till, leaves."""
    clip = tmp_path_factory.mktemp("clip") / "visit.mp4"
    frames = islice(DemoLane(camera="demo", fps=10), 120)
    film = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 10, (1280, 720))
    for frame in frames:
        film.write(frame.image)
    film.release()
    return clip


def test_it_replays_a_clip(installed: Installed, visit: Path) -> None:
    events = [json.loads(line) for line in installed.run("replay", str(visit)).stdout.splitlines()]

    assert [event["type"] for event in events] == ["checkout.age.estimated.v1"]
    assert events[0]["data"]["reason"] is None


def test_it_estimates_ages_in_a_folder_of_photographs(installed: Installed) -> None:
    portraits = CHECKOUT / "edge" / "camera" / "portraits"
    rows = json.loads(installed.run("estimate", str(portraits), "--json").stdout)

    ages = {Path(row["file"]).name: row["mean"] for row in rows if row["mean"] is not None}
    assert ages.keys() == {"collins.jpg", "hopper.jpg"}


def test_it_shows_the_demo_lane_and_keeps_nothing(installed: Installed) -> None:
    installed.run("demo", "--seconds", "2", "--detector", "mtcnn")

    assert list(installed.folder.iterdir()) == []
