"""A box is installed into a folder, exchanged, and goes back by itself; systemd's part is played by the test."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import yaml

from edge.config import load_config
from edge.install import Installer, InstallError, Layout, NoManager, StartFailedError, Wishes
from edge.install import packages as install_packages
from edge.install.first_config import with_detector
from edge.install.packages import Source, build_version
from edge.shipped import shipped
from tests.conftest import CHECKOUT, Measured
from tests.scenarios.box import free_port
from tests.systemd.played import NotifySocket

READY_S = 120.0
TOKEN = "the-token-of-the-till"


@pytest.fixture(autouse=True)
def _only_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the tests has every extra; a box has not, and 5,000 files less to copy."""
    monkeypatch.setattr(install_packages, "_ALONG", ())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            folder,
            CHECKOUT,
        ],
        check=True,
    )
    return next(folder.glob("checkout_age-*.whl"))


def next_version(wheel: Path, folder: Path, *, version: str, **appended: str) -> Path:
    """A wheel of another version; `edge_cli_run="…"` appends to `edge/cli/run.py`."""
    made = folder / f"checkout_age-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            more = appended.pop(name.removesuffix(".py").replace("/", "_"), "")
            if name.endswith("/METADATA"):
                content = re.sub(rb"\nVersion: \S+", f"\nVersion: {version}".encode(), old.read(name))
            elif name.endswith("/RECORD"):
                content = old.read(name) + f"edge/of-{version},,\n".encode()
            else:
                content = old.read(name) + more.encode()
            new.writestr(
                re.sub(r"checkout_age-[^/]+\.dist-info", f"checkout_age-{version}.dist-info", name), content
            )
    assert not appended, f"no such files in the wheel: {list(appended)}"
    return made


class PlayedSystemd:
    """Starts what the installed unit says, below the root folder, and waits for READY=1 as systemd does."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._socket = NotifySocket(layout.root)
        self._process: subprocess.Popen[bytes] | None = None
        self.enabled, self.starts = False, 0

    def take_units(self) -> None:
        """Units are read when they are started."""

    def enable(self) -> None:
        self.enabled = True

    def restart(self, *, ready_s: float) -> None:
        self.remove()
        self.starts += 1
        unit = (self._layout.units / "checkout-age.service").read_text()
        (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        root = self._layout.root
        runtime = root / "run/checkout-age"
        runtime.mkdir(parents=True, exist_ok=True)
        self._socket.empty()
        environment = {
            **self._socket.environment(watchdog_s=60),
            "STATE_DIRECTORY": str(self._layout.state),
            "RUNTIME_DIRECTORY": str(runtime),
        }
        with (root / "journal").open("ab") as journal:
            self._process = subprocess.Popen(
                [re.sub(r"^/", f"{root}/", word) for word in start.split()],
                env=environment, stdout=journal, stderr=journal, cwd="/",
            )  # fmt: skip
        for _ in range(round(ready_s * 10)):
            if self._socket.next(within_s=0.1) == "READY=1":
                return
            if self._process.poll() is not None:
                raise StartFailedError(f"ended with {self._process.returncode}")
        raise StartFailedError(f"not ready within {ready_s:g} s")

    def remove(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def close(self) -> None:
        self.remove()
        self._socket.__exit__(None, None, None)


class InstalledBox:
    """A root folder with its installer."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root=root)
        self.port = free_port()
        self.systemd = PlayedSystemd(self.layout)
        self.said: list[str] = []

    def installer(self) -> Installer:
        return Installer(
            self.layout,
            self.systemd,
            say=self.said.append,
            template=lambda: shipped("configs/lane.yaml").read_text(),
            build=partial(build_version, compiled=False, copy=os.link),
        )

    def config(self, folder: Path) -> Path:
        (self.layout.root / "token").write_text(TOKEN)
        told = {
            "cameras": [{"name": "cam", "source": "demo"}],
            "lanes": [{"name": "lane-1", "camera": "cam"}],
            "http": {"port": self.port},
            "state": {"dir": str(self.layout.state), "min_free_mb": 1},
            "inference": {"threads": 1},
            "till": {"http": {"token_file": str(self.layout.root / "token")}},
        }
        file = folder / "mine.yaml"
        file.write_text(yaml.safe_dump(told))
        return file

    def tell(self, *receipts: str) -> None:
        """Till events that the box acknowledges."""
        events = [
            {"id": f"{receipt}-open", "lane": "lane-1", "at": datetime.now(UTC).isoformat(),
             "type": "receipt.opened", "receipt": receipt}
            for receipt in receipts
        ]  # fmt: skip
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/till",
            data=json.dumps(events).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            assert json.loads(answer.read())["accepted"] == len(events)

    def kept(self) -> set[str]:
        """Receipts of the till events on disk."""
        with sqlite3.connect(f"file:{self.layout.state / 'security.db'}?mode=ro", uri=True) as reader:
            return {row[0] for row in reader.execute("SELECT DISTINCT receipt FROM till_inbox")}

    def version(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/version", timeout=60) as answer:
            return str(json.loads(answer.read())["version"])


@pytest.fixture
def box(tmp_path: Path) -> Iterator[InstalledBox]:
    (tmp_path / "root").mkdir()
    made = InstalledBox(tmp_path / "root")
    yield made
    made.systemd.close()


EXPANDED = """
SECURITY_MIGRATIONS = (*SECURITY_MIGRATIONS, Migration(number=len(SECURITY_MIGRATIONS) + 1, name="next",
    opens_from=len(SECURITY_MIGRATIONS), statements=("CREATE TABLE of_the_next_version (a)",)))
"""
NEVER_READY = """
def _never(self):
    raise SystemExit(3)
Notifier.ready = _never
"""
FAILS_ITS_TEST = """
def run(args):
    print("selftest: model: an altered file", file=sys.stderr)
    return 1
"""


@pytest.mark.soak
@pytest.mark.timeout(1800)  # five starts of up to two minutes, and what is copied
def test_the_life_of_a_box_from_its_first_version_to_its_last(
    box: InstalledBox, wheel: Path, tmp_path: Path, measured: Measured
) -> None:
    """Acknowledged till events outlive a version that fails after it has already changed the store's shape."""
    layout, wishes = box.layout, Wishes(ready_s=READY_S, detector="mtcnn")
    first = replace(wishes, wheel=wheel, config=box.config(tmp_path))
    assert box.installer().install(first)
    version, folder = box.version(), layout.current.resolve()
    assert (box.systemd.enabled, box.systemd.starts) == (True, 1)
    assert load_config(layout.config).inference.detector == "mtcnn"
    assert not box.installer().install(first), "the same again changes nothing"
    assert box.systemd.starts == 1
    box.tell("r-1", "r-2")
    config = layout.config.read_bytes()

    untrue = next_version(wheel, tmp_path, version="9.1", edge_cli_selftest=FAILS_ITS_TEST)
    with pytest.raises(InstallError, match="an altered file"):
        box.installer().install(replace(wishes, wheel=untrue))
    assert (box.systemd.starts, box.version()) == (1, version), "what ran was not even stopped"
    measured(
        "upgrade fails its selftest", f"the box: {box.systemd.starts - 1} restarts, version {version} runs on"
    )

    mute = next_version(
        wheel, tmp_path, version="9.2", edge_events_schema=EXPANDED, edge_ops_notify=NEVER_READY
    )
    began_s = time.monotonic()
    with pytest.raises(InstallError, match=r"9\.2-\w+ does not start, \S+ runs again"):
        box.installer().install(replace(wishes, wheel=mute))
    back_s = time.monotonic() - began_s
    assert (box.systemd.starts, box.version()) == (3, version)
    with sqlite3.connect(layout.state / "security.db") as reader:
        assert reader.execute("SELECT count(*) FROM of_the_next_version").fetchone() == (
            0,
        )  # it had been there
    box.tell("r-3")
    assert [folder] == [each for each in layout.versions.iterdir() if not each.name.startswith(".")]

    good = next_version(wheel, tmp_path, version="9.3", edge_events_schema=EXPANDED)
    assert box.installer().install(replace(wishes, wheel=good))
    assert (box.version(), layout.previous.resolve()) == ("9.3", folder)
    box.tell("r-4")
    box.installer().rollback(ready_s=READY_S)
    assert (box.version(), layout.current.resolve()) == (version, folder)
    told = {"r-1", "r-2", "r-3", "r-4"}
    assert box.kept() >= told
    measured(
        "upgrade is never ready",
        f"the box: the version before is ready again {back_s:.0f} s after the upgrade began, "
        f"{len(told - box.kept())} of {len(told)} acknowledged receipts lost",
    )
    assert layout.config.read_bytes() == config

    box.installer().uninstall()
    assert not layout.program.exists()
    assert not (layout.units / "checkout-age.service").exists()
    assert layout.config.read_bytes() == config
    assert box.kept() >= {"r-1", "r-2", "r-3", "r-4"}
    box.installer().uninstall(state=True, config=True)
    assert not layout.state.exists()
    assert not layout.config_folder.exists()


# --- smaller things, without a process ---------------------------------------------------------------------------


class StubManager(NoManager):
    """Brings up what a test says can be brought up."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._layout = layout
        self.broken: set[str] = set()
        self.started: list[str] = []

    def restart(self, *, ready_s: float) -> None:
        version = self._layout.current.resolve().name
        self.started.append(version.split("-")[0])
        if self.started[-1] in self.broken:
            raise StartFailedError(f"not ready within {ready_s:g} s")


class Fresh:
    """A box whose versions are nearly empty folders; commands of versions in `untrue` fail."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root=root)
        self.manager = StubManager(self.layout)
        self.said: list[str] = []
        self.untrue: set[str] = set()

    def installer(self) -> Installer:
        return Installer(
            self.layout,
            self.manager,
            say=self.said.append,
            template=lambda: shipped("configs/lane.yaml").read_text(),
            build=self._build,
        )

    def _build(self, source: Source, versions: Path) -> Path:
        folder = versions / source.folder_name
        if folder.exists():
            return folder
        shutil.copytree(CHECKOUT / "systemd", folder / "lib/python3/site-packages/edge/_shipped/systemd")
        command = folder / "bin" / "checkout-age"
        command.parent.mkdir(parents=True)
        code = "echo model altered >&2; exit 1" if source.version in self.untrue else "exit 0"
        command.write_text(f"#!/bin/sh\n{code}\n")
        command.chmod(0o755)
        (folder / "installed.json").write_text(json.dumps({"digest": source.digest}))
        return folder

    def versions(self) -> list[str]:
        return sorted(folder.name.split("-")[0] for folder in self.layout.versions.iterdir())


def stub(folder: Path, version: str) -> Path:
    """A wheel with nothing in it but what names it."""
    made = folder / f"checkout_age-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr(f"checkout_age-{version}.dist-info/RECORD", f"edge/of-{version},,\n")
    return made


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fresh:
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(tmp_path / "none"))
    (tmp_path / "root").mkdir()
    return Fresh(tmp_path / "root")


def test_a_version_that_fails_leaves_or_brings_back_the_one_before(
    fresh: Fresh, tmp_path: Path, measured: Measured
) -> None:
    def install(version: str) -> bool:
        return fresh.installer().install(Wishes(wheel=stub(tmp_path, version), detector="mtcnn"))

    assert install("1.0")
    fresh.layout.config.write_text(fresh.layout.config.read_text() + "# mine\n")
    config, unit = fresh.layout.config.read_bytes(), fresh.layout.units / "checkout-age.service"
    fresh.untrue, fresh.manager.broken = {"1.1"}, {"1.2"}

    with pytest.raises(InstallError, match="nothing was changed:\nmodel altered"):
        install("1.1")
    assert (fresh.manager.started, fresh.versions()) == (["1.0"], ["1.0"])
    measured("upgrade fails its selftest", f"the installer: {len(fresh.manager.started) - 1} restarts")

    unit.write_text("# the unit as version 1.0 had it\n")
    with pytest.raises(InstallError, match=r"1\.2-\w+ does not start, 1\.0-\w+ runs again"):
        install("1.2")
    assert fresh.manager.started == ["1.0", "1.2", "1.0"]
    measured("upgrade is never ready", f"the installer: starts {', then '.join(fresh.manager.started[1:])}")
    assert (fresh.versions(), unit.read_text()) == (["1.0"], "# the unit as version 1.0 had it\n")

    assert install("1.3")
    assert not install("1.3")
    assert install("1.4")
    assert fresh.versions() == ["1.3", "1.4"]  # the one before is kept, older ones are not
    fresh.installer().rollback()
    assert fresh.manager.started[-1] == "1.3"
    assert fresh.layout.config.read_bytes() == config

    (fresh.layout.state / "security.db").write_text("kept")
    fresh.installer().uninstall()
    assert not fresh.layout.program.exists()
    assert not unit.exists()
    assert fresh.layout.config.read_bytes() == config
    assert (fresh.layout.state / "security.db").exists()
    fresh.installer().uninstall(state=True, config=True)
    assert not fresh.layout.state.exists()
    assert not fresh.layout.config_folder.exists()


def test_a_new_box_begins_with_the_shipped_configuration_and_the_detector_written_down(
    fresh: Fresh, tmp_path: Path
) -> None:
    fresh.installer().install(Wishes(wheel=stub(tmp_path, "1.0")))
    layout, text = fresh.layout, fresh.layout.config.read_text()
    assert text.replace("detector: mtcnn ", "detector: auto ") == shipped("configs/lane.yaml").read_text()
    assert os.readlink(layout.command) == "/opt/checkout-age/current/bin/checkout-age"
    assert os.readlink(layout.units / "multi-user.target.wants/checkout-age.service") == (
        "/etc/systemd/system/checkout-age.service"
    )
    assert layout.sysusers.read_text().startswith("u checkout-age ")
    assert (
        stat.S_IMODE(layout.state.stat().st_mode) == stat.S_IMODE(layout.credentials.stat().st_mode) == 0o700
    )


def test_yunet_comes_along_where_it_is_and_is_written_down(
    fresh: Fresh, tmp_path: Path, shared: Path
) -> None:
    fresh.installer().install(Wishes(wheel=stub(tmp_path, "1.0"), models=shared / "models"))
    assert load_config(fresh.layout.config).inference.detector == "yunet"
    assert (fresh.layout.models / "yunet_n_dynamic.onnx").is_file()


def test_a_configuration_that_was_put_there_before_is_left_and_the_detector_is_written_beside_it(
    fresh: Fresh, tmp_path: Path
) -> None:
    fresh.layout.config_folder.mkdir(parents=True)
    text = "cameras: [{name: c, source: demo}]\nlanes: [{name: l, camera: c}]\n"
    fresh.layout.config.write_text(text)
    fresh.installer().install(Wishes(wheel=stub(tmp_path, "1.0")))
    assert fresh.layout.config.read_text() == text
    assert load_config(fresh.layout.config).inference.detector == "mtcnn"
    assert not fresh.installer().install(Wishes(wheel=stub(tmp_path, "1.0")))


def test_usb_cameras_get_their_drop_in_and_lose_it_and_others_stay(fresh: Fresh, tmp_path: Path) -> None:
    own = fresh.layout.drop_ins / "override.conf"
    own.parent.mkdir(parents=True)
    own.write_text("[Service]\n")
    mine = tmp_path / "mine.yaml"
    mine.write_text("cameras: [{name: c, source: /dev/video0}]\nlanes: [{name: l, camera: c}]\n")
    fresh.installer().install(Wishes(wheel=stub(tmp_path, "1.0"), config=mine))
    usb = fresh.layout.drop_ins / "50-usb-cameras.conf"
    assert "char-video4linux" in usb.read_text()
    fresh.layout.config.write_text(fresh.layout.config.read_text().replace("/dev/video0", "demo"))
    assert fresh.installer().install(Wishes(wheel=stub(tmp_path, "1.0")))
    assert (usb.exists(), own.exists()) == (False, True)


def test_a_working_copy_alone_is_refused_with_the_way_out() -> None:
    with pytest.raises(InstallError, match="sudo make install"):
        Source.here()


def test_what_is_copied_is_what_running_needs(tmp_path: Path) -> None:
    names = {package.name.lower() for package in Source.here(stub(tmp_path, "1.0")).packages}
    assert {"numpy", "onnxruntime", "opencv-python-headless", "starlette", "uvicorn", "h11", "cffi"} <= names
    assert not names & {"tensorflow", "keras", "pytest", "pip", "ruff", "hatchling", "checkout-age", "duckdb"}


def test_what_the_nightly_export_needs_goes_along_where_all_of_it_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = stub(tmp_path, "1.0")

    def packages() -> set[str]:
        return {package.name.lower() for package in Source.here(wheel).packages}

    monkeypatch.setattr(install_packages, "_ALONG", ("marketing",))
    needed = {"duckdb", "ibis-framework", "pyarrow", "adbc-driver-sqlite", "sqlglot", "pandas"}
    assert needed <= packages()
    assert not packages() & {"pyspark", "pytest", "tensorflow"}
    there = install_packages._installed
    monkeypatch.setattr(
        install_packages, "_installed", lambda name: None if name == "duckdb" else there(name)
    )
    assert not needed & packages()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\ninference:\n  detector: auto # why\n", "a: 1\ninference:\n  detector: yunet # why\n"),
        ("inference:\n    threads: 2\n", "inference:\n    detector: yunet\n    threads: 2\n"),
        ("inference: {threads: 2}\n", "inference: {detector: yunet, threads: 2}\n"),
        ("inference: {}\n", "inference: {detector: yunet}\n"),
    ],
)
def test_the_detector_is_written_without_touching_the_rest(text: str, expected: str) -> None:
    assert with_detector(text, "yunet", file="f") == expected


def test_where_nothing_is_said_of_inference_a_section_is_added() -> None:
    assert yaml.safe_load(with_detector("a: 1\n", "yunet", file="f")) == {
        "a": 1,
        "inference": {"detector": "yunet"},
    }
