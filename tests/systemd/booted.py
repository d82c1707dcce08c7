"""A bare Debian, booted in a container with the network off: a till box before anything of ours is on it."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pytest

from tests.systemd.played import NotifySocket

__all__ = ["BootedDebian", "Journal", "bare_debian", "need"]

PACKAGES = ("systemd-sysv", "dbus", "openssh-server")
"""What a box has that somebody has set up and reaches: above Debian's own smallest choice, which has no Python."""
TREE = "CHECKOUT_AGE_DEBIAN"
_KEYBOARD = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
_BOOT_S = 180.0
_MAKE_S = 1800.0


def need(**programs: str) -> None:
    """Fail, with the way out, where one of these programs (with `_` for `-`) and its Debian package is missing."""
    if os.geteuid() != 0:
        pytest.fail("a container is booted by root alone: run this test as root")
    missing = [package for name, package in programs.items() if shutil.which(name.replace("_", "-")) is None]
    if missing:
        pytest.fail(f"not installed here: apt-get install -y {' '.join(sorted(set(missing)))}")


def bare_debian(folder: Path, *, suite: str) -> Path:
    """Debian's smallest tree with an init, in `folder`: from the network, or the copy of one that `TREE` names."""
    need(debootstrap="debootstrap", systemd_nspawn="systemd-container", nsenter="util-linux")
    if made := os.environ.get(TREE):
        copy_tree(Path(made), folder)
    else:
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, folder],
            check=True,
            capture_output=True,
            timeout=_MAKE_S,
        )
    # What makes one box another: a new one has none, and its first start gives it one.
    (folder / "etc/machine-id").write_text("")
    (folder / "etc/hostname").write_text("box-1\n")
    (folder / "etc/hosts").write_text("127.0.0.1 localhost box-1\n")
    assert not list(folder.glob("usr/bin/python3*")), "no bare Debian: Python is there already"
    return folder


def copy_tree(source: Path, target: Path) -> None:
    """With owners, links and modes."""
    subprocess.run(["cp", "-a", "--reflink=auto", "-T", source, target], check=True)


class BootedDebian:
    """A tree that runs under its own systemd, with loopback for a network; a context that shuts it down."""

    def __init__(self, tree: Path, folder: Path, *, stick: Path | None = None) -> None:
        """`folder`: for what the container says. `stick`: a folder that is seen as /mnt, read only."""
        self.tree = tree
        self._folder = folder
        self._stick = stick
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def boot(self) -> float:
        """Start it; the seconds until its systemd had started everything. Fails where that takes too long."""
        began_s = time.monotonic()
        words = [
            *("systemd-nspawn", "--quiet", "--boot", "--directory", self.tree, "--machine", f"box-{os.getpid()}"),
            *("--private-network", "--register=no", "--console=pipe", "--notify-ready=yes"),
            *("--resolv-conf=off", "--timezone=off"),
            "--system-call-filter=adjtimex clock_adjtime",  # as on a computer: without the right to set it
        ]  # fmt: skip
        if not Path("/run/systemd/system").is_dir():
            words.append("--keep-unit")  # nobody here who could give the container a unit of its own
        if self._stick is not None:
            words.append(f"--bind-ro={self._stick}:/mnt")
        with NotifySocket(self._folder) as heard, (self._folder / "console.txt").open("ab") as console:
            self._nspawn = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env={**os.environ, "NOTIFY_SOCKET": str(heard.path)},
            )
            try:
                leader = heard.until(
                    lambda said: "X_NSPAWN_LEADER_PID=" in said, within_s=_BOOT_S, what="a container"
                )
                self._leader = int(leader.split("X_NSPAWN_LEADER_PID=")[1].split()[0])
                heard.until(lambda said: "READY=1" in said, within_s=_BOOT_S, what="a started system")
            except BaseException:
                self.shut_down()
                raise
            finally:
                heard.path.unlink()
        return time.monotonic() - began_s

    def shut_down(self) -> None:
        """As its power button does; nothing of it runs afterwards."""
        if self._nspawn is None:
            return
        self._nspawn.terminate()
        try:
            self._nspawn.wait(_BOOT_S)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()  # its processes end with it
            self._nspawn.wait(_BOOT_S)
        self._nspawn = None

    def entered(self, *words: str | Path) -> list[str]:
        """The command line of `words` at its keyboard, as its administrator."""
        keyboard = [f"{name}={value}" for name, value in _KEYBOARD.items()]
        return ["nsenter", f"--target={self._leader}", "--all", "env", "-i", *keyboard, *map(str, words)]

    def in_its_network(self, *words: str | Path) -> list[str]:
        """The command line of `words` on this computer, with no other network than the container's."""
        return ["nsenter", f"--net=/proc/{self._leader}/ns/net", *map(str, words)]

    def tries(
        self, *words: str | Path, within_s: float = 60.0, told: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run it in there, with `told` as its input."""
        return subprocess.run(
            self.entered(*words), check=False, capture_output=True, text=True, input=told, timeout=within_s
        )

    def does(self, *words: str | Path, within_s: float = 60.0, told: str = "") -> str:
        """As `tries`; what it printed. Fails with what it said where it does not end with 0."""
        done = self.tries(*words, within_s=within_s, told=told)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def unit(self, name: str) -> str:
        """A property of our service, as systemd has it."""
        return self.does("systemctl", "show", "checkout-age", f"--property={name}", "--value").strip()

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """What our service and systemd about it write from now on."""
        follow = ("journalctl", "--follow", "--lines=1", "--output=cat", "--unit=checkout-age")
        with subprocess.Popen(
            self.entered(*follow), stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as reader:
            journal = Journal(reader)
            try:
                yield journal
            finally:
                os.killpg(
                    reader.pid, signal.SIGTERM
                )  # nsenter alone would leave its child, which holds the pipe
                journal.ends()

    def __enter__(self) -> BootedDebian:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shut_down()


class Journal:
    """Lines as they come."""

    def __init__(self, reader: subprocess.Popen[str]) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = reader
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self._lines.get(timeout=60)  # the line before: from here on nothing is missed

    def _read(self) -> None:
        assert self._reader.stdout is not None
        for line in self._reader.stdout:
            self._lines.put(line.rstrip("\n"))

    def ends(self) -> None:
        """Once its reader was ended."""
        self._thread.join(60)

    def until(self, text: str, *, within_s: float) -> float:
        """Seconds until a line has this in it. Fails with the lines that came instead."""
        began_s, came = time.monotonic(), []
        while (left_s := began_s + within_s - time.monotonic()) > 0:
            try:
                came.append(self._lines.get(timeout=left_s))
            except queue.Empty:
                break
            if text in came[-1]:
                return time.monotonic() - began_s
        raise AssertionError(f"not within {within_s:.0f} s: {text!r}; instead: {came[-20:]}")
