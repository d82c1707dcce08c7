"""The real thing: the archive of `make offline-bundle` on a bare Debian that boots, with its network off.

Two lives of a box, one by hand as docs/install.md has it, one by the Ansible role. They need root, debootstrap,
systemd-container and, to make the archive and the tree, a network; with CHECKOUT_AGE_BUNDLE (an archive) and
CHECKOUT_AGE_DEBIAN (a tree of debootstrap) they take what was made before, CHECKOUT_AGE_ANSIBLE is another version
("ansible-core==2.14.*"). What was measured is printed: -s shows it.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CHECKOUT
from tests.scenarios.box import until
from tests.systemd.booted import BootedDebian, bare_debian, copy_tree, need
from tests.systemd.test_install import EXPANDED, NEVER_READY, next_version

pytestmark = [pytest.mark.soak, pytest.mark.timeout(5400)]

BUNDLE = "CHECKOUT_AGE_BUNDLE"
ANSIBLE = "CHECKOUT_AGE_ANSIBLE"
INSTALL_S = 900.0
READY_S = 120.0
WATCHDOG_S = 60.0
TOKEN = "the-token-of-the-till-in-the-container"
CLIP = "srv/lane.mp4"
SERVICE = "checkout-age.service"
INSTALLS = "Install; a version that does not start goes back by itself"
UNSYNCHRONISED = 5  # what adjtimex(2) returns then
NEVER_SAYS_SO = """
def _silent(self):
    import threading
    threading.Event().wait()
Notifier.ready = _silent
"""
TELL = """
import json, sys, urllib.request
events = json.load(sys.stdin)
request = urllib.request.Request("http://127.0.0.1:8480/api/till", data=json.dumps(events).encode(),
    headers={"Authorization": "Bearer " + sys.argv[1], "Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=60).read().decode())
"""


@pytest.fixture(scope="module")
def workroom() -> Iterator[Path]:
    """Whole trees of an operating system: nothing of them stays, and no other session's pytest tidies up there."""
    folder = Path(tempfile.mkdtemp(prefix="booted-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def archive(shared: Path) -> Path:
    """What `make offline-bundle` writes, from the checkout as it stands."""
    if named := os.environ.get(BUNDLE):
        return Path(named).resolve()
    need(make="make", apt_get="apt", dpkg_deb="dpkg")
    began_s = time.monotonic()
    done = subprocess.run(
        ["make", "offline-bundle"],
        cwd=CHECKOUT,
        env={**os.environ, "CHECKOUT_AGE_MODELS": str(shared / "models")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = CHECKOUT / done.stdout.split()[-1]
    tell("make offline-bundle", time.monotonic() - began_s)
    print(f"  {made.name}: {made.stat().st_size / 1e6:.0f} MB")
    return made


@pytest.fixture(scope="module")
def tree(workroom: Path) -> Path:
    """A bare Debian, never booted itself: boxes are copies of it."""
    began_s = time.monotonic()
    made = bare_debian(workroom / "debian", suite="bookworm")
    tell("a bare Debian", time.monotonic() - began_s)
    return made


@pytest.fixture(scope="module")
def clip(shared: Path, workroom: Path) -> Path:
    """Two minutes at a till, again and again for an hour: a clip that ends is a camera that is down."""
    need(ffmpeg="ffmpeg")
    made, source = workroom / "hour.mp4", shared / "video/lane_ages.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-stream_loop", "29", "-i", source, "-c", "copy", made], check=True
    )
    return made


def tell(what: str, seconds: float) -> None:
    """What was measured."""
    print(f"  {what}: {seconds:.1f} s")


def clock_is_synchronised() -> bool:
    """As this computer's kernel has it; a container has no other clock."""
    return bool(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) != UNSYNCHRONISED)


def config_of(shared: Path, *, source: str = f"/{CLIP}", **sections: Any) -> str:
    zones = json.loads((shared / "video/lane_ages.zones.json").read_text())["zones_px"]
    return yaml.safe_dump(
        {
            "site": {"store": "store-1", "box": "box-1", "notice_displayed": True},
            "cameras": [{"name": "cam-1", "source": source}],
            "lanes": [
                {"name": "lane-1", "camera": "cam-1", "zones_px": zones, "reports_id_checks": "till"}
            ],
            "till": {"http": {"token_credential": "till"}},
            "sinks": [{"kind": "file", "name": "events", "purpose": "security", "path": "events.jsonl"}],
            **sections,
        },
        sort_keys=False,
    )  # fmt: skip


class TillBox(BootedDebian):
    """With what a person asks of it."""

    def file(self, path: str) -> Path:
        return self.tree / path

    def health(self) -> dict[str, Any]:
        """`checkout-age status --json`; `state` and `reasons`, and `stats`."""
        return dict(json.loads(self.tries("checkout-age", "status", "--json").stdout))

    def main_pid(self) -> str:
        return self.unit("MainPID")

    def sees_its_lane(self) -> None:
        """STATUS= says it, as `systemctl status` shows it."""
        try:
            until(
                lambda: ": 1/1 lanes seen" in self.unit("StatusText"), within_s=60, what="a lane that is seen"
            )
        except AssertionError as error:
            said = self.does("journalctl", "--boot", "--unit=checkout-age", "--lines=30")
            raise AssertionError(f"{error}, but {self.unit('StatusText')}\n{said}") from error

    def tell_till(self, receipt: str) -> None:
        """An event of the till that the box acknowledges."""
        event = {"id": f"{receipt}-open", "lane": "lane-1", "at": datetime.now(UTC).isoformat(),
                 "type": "receipt.opened", "receipt": receipt}  # fmt: skip
        answer = self.does("python3", "-c", TELL, TOKEN, told=json.dumps([event]))
        assert json.loads(answer)["accepted"] == 1

    def kept(self) -> set[str]:
        """Receipts of which the box has till events on its disk."""
        database = self.file("var/lib/checkout-age/security.db")
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as reader:
            return {row[0] for row in reader.execute("SELECT DISTINCT receipt FROM till_inbox")}

    def put_credential(self, name: str, secret: str) -> None:
        """As docs/install.md has it."""
        file = f"/etc/checkout-age/credentials/{name}"
        self.does("sh", "-c", f"umask 077; cat > {file}", told=secret + "\n")


def test_a_bare_debian_without_a_network_becomes_a_till_box_and_stays_one(
    tree: Path, archive: Path, clip: Path, shared: Path, workroom: Path
) -> None:
    stick = workroom / "stick"
    stick.mkdir()
    for file in (archive, archive.with_name(archive.name + ".sha256")):
        shutil.copy(file, stick)
    copy_tree(tree, workroom / "box")
    shutil.copy(clip, workroom / "box" / CLIP)
    wheels_of_later_versions(archive, stick)
    with TillBox(workroom / "box", workroom, stick=stick) as box:
        tell("boot, bare", box.boot())
        assert box.does("cat", "/proc/net/dev").count(":") == 1, "there is a network besides loopback"
        assert box.tries("python3", "--version").returncode != 0

        unpacked = install(box, archive)
        configure(box, shared)
        reloads(box, shared)
        hangs(box)
        stays_with_the_same_archive(box, unpacked)
        exchanges_versions(box, unpacked)
        starts_with_the_last_good_configuration(box, shared)
        knows_that_it_was_cloned(box)
        goes(box)


def wheels_of_later_versions(archive: Path, stick: Path) -> None:
    """Of a version that is fine (with another shape of the store), of one that ends as it starts, of one that hangs."""
    with tarfile.open(archive) as packed:
        (wheel,) = [one for one in packed.getmembers() if "/wheels/checkout_age-" in one.name]
        content = packed.extractfile(wheel)
        assert content is not None
        first = stick / Path(wheel.name).name
        first.write_bytes(content.read())
    next_version(first, stick, version="9.1", edge_events_schema=EXPANDED)
    next_version(first, stick, version="9.2", edge_ops_notify=NEVER_READY)
    next_version(first, stick, version="9.3", edge_ops_notify=NEVER_SAYS_SO)
    first.unlink()


def install(box: TillBox, archive: Path) -> str:
    """Steps 1 and 2 of docs/install.md; the folder with what was unpacked."""
    box.does("sh", "-c", "cd /mnt && sha256sum -c checkout-age-*.tar.sha256")
    box.does("sh", "-c", "tar -xf /mnt/checkout-age-*.tar -C /var/tmp", within_s=INSTALL_S)
    unpacked = f"/var/tmp/{archive.stem}"

    box.does("sh", "-c", f"echo >> {unpacked}/requirements.txt")
    altered = box.tries(f"{unpacked}/install", within_s=INSTALL_S)
    assert altered.returncode != 0
    assert "files are missing or altered: copy the archive again" in altered.stderr
    assert not box.file("opt/checkout-age").exists()
    box.does("sed", "-i", "$d", f"{unpacked}/requirements.txt")

    began_s = time.monotonic()
    said = box.does(f"{unpacked}/install", within_s=INSTALL_S)
    tell("install", time.monotonic() - began_s)
    assert "installing system packages from debs/" in said
    assert re.search(r"^installed: checkout-age \S+", said, re.MULTILINE)
    assert (box.unit("ActiveState"), box.unit("UnitFileState")) == ("active", "enabled")
    assert box.health()["state"] == "down", "a new box has no camera yet, and says so"
    return unpacked


def configure(box: TillBox, shared: Path) -> None:
    """Step 3: a camera, and a password of which systemd hands the service a copy."""
    box.put_credential("till", TOKEN)
    box.file("etc/checkout-age/lane.yaml").write_text(config_of(shared))
    box.does("checkout-age", "check-config", "/etc/checkout-age/lane.yaml")
    refused = box.tries("checkout-age", "reload")
    assert refused.returncode == 2
    assert "systemctl restart checkout-age (credentials are handed over at a start only)" in refused.stderr
    with box.journal() as journal:
        began_s = time.monotonic()
        box.does("systemctl", "restart", SERVICE, within_s=READY_S)
        tell("restart to READY", time.monotonic() - began_s)
        journal.until("first frame judged", within_s=60)
    box.sees_its_lane()

    lines = box.does("cat", f"/proc/{box.main_pid()}/status").splitlines()
    status = {line.split(":")[0]: line.split()[1:] for line in lines}
    assert status["Uid"][0] == box.does("id", "-u", "checkout-age").strip()
    assert (int(status["CapEff"][0], 16), status["NoNewPrivs"], status["Seccomp"]) == (0, ["1"], ["2"])
    told = "the clock is not synchronised"
    assert any(told in why for why in box.health()["reasons"]) == (not clock_is_synchronised())
    assert (told in box.does("journalctl", "--unit=checkout-age")) == (not clock_is_synchronised())
    assert (told in box.unit("StatusText")) == (not clock_is_synchronised())
    print(f"  {box.unit('StatusText')}")


def reloads(box: TillBox, shared: Path) -> None:
    pid, file = box.main_pid(), box.file("etc/checkout-age/lane.yaml")
    good = config_of(shared, policy={"challenge_age": 30})
    file.write_text(good)
    began_s = time.monotonic()
    said = box.does("checkout-age", "reload")
    tell("reload", time.monotonic() - began_s)
    found = re.search(r"reloaded: 1 lanes, ([0-9.]+) s without them", said)
    assert found is not None
    assert float(found[1]) < 3
    tell("  of it without lanes", float(found[1]))
    box.sees_its_lane()
    kept = box.file("var/lib/checkout-age/last-good.yaml").read_text()
    assert yaml.safe_load(kept)["policy"]["challenge_age"] == 30

    file.write_text(good.replace("challenge_age: 30", "challenge_age: 31"))
    for refused in (box.tries("checkout-age", "reload"), box.tries("systemctl", "reload", SERVICE)):
        assert refused.returncode != 0
    assert "lane.yaml:" in box.tries("checkout-age", "reload").stderr
    assert box.file("var/lib/checkout-age/last-good.yaml").read_text() == kept
    assert box.main_pid() == pid
    file.write_text(good)
    box.does("systemctl", "reload", SERVICE)
    box.sees_its_lane()
    assert (box.main_pid(), box.unit("NRestarts")) == (pid, "0")


def hangs(box: TillBox) -> None:
    """systemd itself misses it, ends it and starts it anew."""
    box.tell_till("r-before-the-hang")
    pid = box.main_pid()
    with box.journal() as journal:
        began_s = time.monotonic()
        box.does("kill", "-STOP", pid)
        missed_s = journal.until("Watchdog timeout", within_s=2 * WATCHDOG_S)
        journal.until("Started checkout-age.service", within_s=READY_S + 60)
        tell(f"hang, missed after {missed_s:.1f} s, ready again after", time.monotonic() - began_s)
    assert (box.unit("NRestarts"), box.unit("ActiveState")) == ("1", "active")
    assert box.main_pid() != pid
    box.sees_its_lane()
    assert "r-before-the-hang" in box.kept()


def stays_with_the_same_archive(box: TillBox, unpacked: str) -> None:
    pid, config = box.main_pid(), box.file("etc/checkout-age/lane.yaml").read_bytes()
    began_s = time.monotonic()
    said = box.does(f"{unpacked}/install", within_s=INSTALL_S)
    tell("install, the same archive again", time.monotonic() - began_s)
    assert "unchanged: checkout-age" in said
    assert "system packages" not in said
    assert (box.main_pid(), box.file("etc/checkout-age/lane.yaml").read_bytes()) == (pid, config)


def exchanges_versions(box: TillBox, unpacked: str) -> None:
    """To a later one and back, and to two that fail, so that it goes back by itself; nothing acknowledged is lost."""
    first = box.does("readlink", "/opt/checkout-age/current").strip()
    config = box.file("etc/checkout-age/lane.yaml").read_bytes()
    box.does("sh", "-c", f"""
        set -e
        cd {unpacked}
        for version in 9.1 9.2 9.3; do
            cp -al . ../later-$version
            cd ../later-$version
            rm wheels/checkout_age-*.whl SHA256SUMS
            cp /mnt/checkout_age-$version-*.whl wheels/
            find . -type f ! -name SHA256SUMS -print0 | xargs -0 sha256sum > SHA256SUMS
            cd {unpacked}
        done""", within_s=INSTALL_S)  # fmt: skip
    box.tell_till("r-before-the-exchange")

    began_s = time.monotonic()
    box.does("/var/tmp/later-9.1/install", within_s=INSTALL_S)
    tell("exchange for another version", time.monotonic() - began_s)
    assert box.does("checkout-age", "--version").split()[-1] == "9.1"
    box.sees_its_lane()
    box.tell_till("r-of-the-later-version")
    second = box.does("readlink", "/opt/checkout-age/current").strip()

    for version, why in (("9.2", "ends as it starts"), ("9.3", "hangs")):
        began_s = time.monotonic()
        failed = box.tries(f"/var/tmp/later-{version}/install", within_s=INSTALL_S)
        tell(f"exchange for one that {why}, and back", time.monotonic() - began_s)
        assert failed.returncode == 2
        assert re.search(rf"{version}-\w+ does not start, 9\.1-\w+ runs again", failed.stderr), failed.stderr
        assert box.does("readlink", "/opt/checkout-age/current").strip() == second
        assert box.unit("ActiveState") == "active"
    box.tell_till("r-after-going-back")

    box.does("checkout-age", "service", "rollback", within_s=INSTALL_S)
    assert box.does("readlink", "/opt/checkout-age/current").strip() == first
    box.sees_its_lane()
    assert box.kept() >= {f"r-{when}" for when in (
        "before-the-hang", "before-the-exchange", "of-the-later-version", "after-going-back")}  # fmt: skip
    assert box.file("etc/checkout-age/lane.yaml").read_bytes() == config


def starts_with_the_last_good_configuration(box: TillBox, shared: Path) -> None:
    """A power cut while the file is wrong."""
    file = box.file("etc/checkout-age/lane.yaml")
    file.write_text(config_of(shared, lanes=[]))
    box.shut_down()
    tell("boot, with the service ready", box.boot())
    assert box.unit("ActiveState") == "active"
    assert any("configuration file cannot be used" in why for why in box.health()["reasons"])
    assert "configuration file cannot be used" in box.does("journalctl", "--boot", "--unit=checkout-age")
    box.sees_its_lane()
    file.write_text(config_of(shared))
    box.does("checkout-age", "reload")
    assert not any("configuration file" in why for why in box.health()["reasons"])


def knows_that_it_was_cloned(box: TillBox) -> None:
    box.shut_down()
    box.file("etc/machine-id").write_text(hashlib.sha256(b"another computer").hexdigest()[:32] + "\n")
    box.boot()
    assert any("made on another computer" in why for why in box.health()["reasons"])
    box.does("checkout-age", "service", "accept-computer")
    box.does("checkout-age", "reload")
    assert not any("another computer" in why for why in box.health()["reasons"])


def goes(box: TillBox) -> None:
    box.tell_till("r-the-last")
    config = box.file("etc/checkout-age/lane.yaml").read_bytes()
    box.does("checkout-age", "service", "uninstall")
    assert box.unit("LoadState") == "not-found"
    assert not box.file("opt/checkout-age").exists()
    assert not box.file("usr/local/bin/checkout-age").is_symlink()
    assert not list(box.file("etc/systemd/system").rglob("checkout-age*"))
    assert box.file("etc/checkout-age/lane.yaml").read_bytes() == config
    assert "r-the-last" in box.kept()


# --- the Ansible role --------------------------------------------------------------------------------------------


class Play:
    """What a run of the playbook said: which tasks changed something, and how it ended."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.said = done.stdout + done.stderr
        recap = re.search(r"^box-1 .*changed=(\d+).*unreachable=(\d+).*failed=(\d+)", self.said, re.MULTILINE)
        assert recap is not None, self.said
        self.changes, unreachable, failed = map(int, recap.groups())
        self.went_well = (done.returncode, unreachable, failed) == (0, 0, 0)
        self.changed: list[str] = []
        task = ""
        for line in self.said.splitlines():
            if begun := re.match(r"(?:TASK|RUNNING HANDLER) \[(?:checkout_age : )?(.*)\] \*", line):
                task = begun[1]
            elif line.startswith("changed:") and task not in self.changed[-1:]:
                self.changed.append(task)


class Administrator:
    """Somebody with Ansible on a computer that reaches the box by ssh alone."""

    def __init__(self, box: TillBox, folder: Path, *, ansible: Path, archive: Path) -> None:
        self._box = box
        self._folder = folder
        self._ansible = ansible
        self._archive = archive
        self.variables: dict[str, Any] = {
            "ansible_host": "127.0.0.1",
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(folder / "key"),
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
            "checkout_age_config": str(folder / "box-1.yaml"),
            "checkout_age_credentials": {"till": TOKEN},
            "checkout_age_overlays": {"50-fleet": {"site": {"time_zone": "Europe/Berlin"}}},
        }
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
        known = box.file("root/.ssh/authorized_keys")
        known.parent.mkdir(mode=0o700, exist_ok=True)
        known.write_bytes((folder / "key.pub").read_bytes())

    def plays(self, *, within_s: float = INSTALL_S) -> Play:
        inventory = self._folder / "boxes.yaml"
        inventory.write_text(yaml.safe_dump({"till_boxes": {"hosts": {"box-1": self.variables}}}))
        done = subprocess.run(
            self._box.in_its_network(
                self._ansible / "ansible-playbook", "-i", inventory, CHECKOUT / "deploy/site.yaml",
                "-e", f"checkout_age_bundle={self._archive}",
            ),
            env={
                "PATH": f"{self._ansible}:{os.environ['PATH']}",
                "HOME": str(self._folder),
                "LANG": "C.UTF-8",
                "ANSIBLE_NOCOLOR": "1",
            },
            capture_output=True, text=True, check=False, timeout=within_s,
        )  # fmt: skip
        return Play(done)


@pytest.fixture(scope="module")
def ansible(workroom: Path) -> Path:
    """The folder of `ansible-playbook`, with nothing but what PyPI calls ansible-core: no collection."""
    folder = workroom / "ansible"
    venv.create(folder, with_pip=True)
    add_package(folder / "bin", os.environ.get(ANSIBLE, "ansible-core"))
    version = subprocess.run(
        [folder / "bin/ansible", "--version"], check=True, capture_output=True, text=True
    )
    print(f"  {version.stdout.splitlines()[0]}, Python {sys.version.split()[0]}")
    return folder / "bin"


@pytest.fixture
def box_with_python(tree: Path, clip: Path, workroom: Path) -> Iterator[TillBox]:
    """As Debian's installer leaves it: Ansible needs a Python there."""
    place = workroom / "with-python"
    copy_tree(tree, place)
    shutil.copy(clip, place / CLIP)
    shutil.copy("/etc/resolv.conf", place / "etc/resolv.conf")
    for words in (["update"], ["install", "--no-install-recommends", "python3"]):
        subprocess.run(
            ["chroot", place, "apt-get", "-q", "-y", *words],
            check=True,
            capture_output=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"},
        )
    folder = workroom / "of-box"
    folder.mkdir()
    with TillBox(place, folder) as box:
        box.boot()
        yield box


@pytest.fixture
def somebody(
    box_with_python: TillBox, archive: Path, ansible: Path, shared: Path, workroom: Path
) -> Administrator:
    need(ssh="openssh-client", ssh_keygen="openssh-client")
    folder = workroom / "administrator"
    folder.mkdir()
    (folder / "box-1.yaml").write_text(config_of(shared))
    return Administrator(box_with_python, folder, ansible=ansible, archive=archive)


def test_the_role_says_ok_and_then_changes_nothing_until_something_is_changed(
    box_with_python: TillBox, somebody: Administrator
) -> None:
    box = box_with_python
    began_s = time.monotonic()
    first = somebody.plays()
    tell("first play", time.monotonic() - began_s)
    assert first.went_well, first.said
    assert {"Install or exchange", "The box's own configuration"} - set(first.changed) <= {
        "Install or exchange"
    }
    assert TOKEN not in first.said
    assert box.unit("ActiveState") == "active"
    assert box.unit("NRestarts") == "0"
    box.sees_its_lane()
    box.tell_till("r-1")

    pid = box.main_pid()
    began_s = time.monotonic()
    second = somebody.plays()
    tell("second play", time.monotonic() - began_s)
    assert second.went_well, second.said
    assert (second.changes, second.changed) == (0, [])

    def played(expected: list[str], what: str) -> None:
        began_s = time.monotonic()
        play = somebody.plays()
        tell(what, time.monotonic() - began_s)
        assert play.went_well, play.said
        assert play.changed == expected
        assert somebody.plays().changes == 0

    overlays = somebody.variables["checkout_age_overlays"]
    overlays["50-fleet"]["policy"] = {"challenge_age": 30}
    played(["What all boxes share", "Reload checkout-age"], "play, one overlay changed")
    assert box.main_pid() == pid
    assert running(box)["policy"]["challenge_age"] == 30

    overlays["50-fleet"]["policy"] = {"challenge_age": 31}
    refused = somebody.plays()
    assert not refused.went_well
    assert "50-fleet.yaml" in refused.said
    assert not somebody.plays().went_well, "nothing was mended, and the play is green"
    assert (box.main_pid(), running(box)["policy"]["challenge_age"]) == (pid, 30)
    box.sees_its_lane()
    overlays["50-fleet"]["policy"] = {"challenge_age": 25}
    played(["What all boxes share", "Reload checkout-age"], "play, mended")
    assert (box.main_pid(), running(box)["policy"]["challenge_age"]) == (pid, 25)

    somebody.variables["checkout_age_credentials"]["broker"] = "a-password-of-the-broker"
    played(["Passwords, tokens and keys", "Restart checkout-age"], "play, a password more")
    assert box.main_pid() != pid
    box.sees_its_lane()
    assert "r-1" in box.kept()


def running(box: TillBox) -> dict[str, Any]:
    """The configuration that the service took last."""
    return dict(yaml.safe_load(box.file("var/lib/checkout-age/last-good.yaml").read_text()))


def test_a_linter_for_roles_has_nothing_to_say(ansible: Path) -> None:
    add_package(ansible, "ansible-lint")
    done = subprocess.run(
        [ansible / "ansible-lint", "--offline", "--profile", "production", "site.yaml", "roles"],
        cwd=CHECKOUT / "deploy",
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{ansible}:{os.environ['PATH']}", "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def add_package(programs: Path, package: str) -> None:
    subprocess.run([programs / "python", "-m", "pip", "install", "-qq", package], check=True)
