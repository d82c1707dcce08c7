"""Install, exchange, take back, take off. What runs is stopped only after the new version has proved itself."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from edge.config import ConfigError, SourceKind, load_config
from edge.config.overlay import FOLDER as OVERLAYS
from edge.face import YUNET, DetectorError, choose_detector, user_models_folder
from edge.install.errors import InstallError, StartFailedError
from edge.install.first_config import with_detector
from edge.install.layout import USER, Layout
from edge.install.manager import Manager
from edge.install.packages import Source, build_version, read_digest
from edge.install.units import Units

__all__ = ["Installer", "Wishes"]

_READY_S = 120.0
_PROOF_S = 300.0
_SYSUSERS = f'u {USER} - "age at the till" /var/lib/{USER}\n'
_OVERLAY = """\
# Written by `checkout-age service install`: the detector of this box, so that boxes do not drift apart.
inference:
  detector: {detector}
"""
_HOMES = ("/home", "/root", "/run/user")
_NO_SHELL = "/usr/sbin/nologin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What whoever installs may choose. `config`: a file to begin with; a box that has one keeps its own.

    `models`: folder with YuNet's file; without it where this user has it. `detector`: `auto` takes YuNet where its
    verified file is. `start`: start or restart the service.
    """

    wheel: Path | None = None
    config: Path | None = None
    detector: Literal["auto", "mtcnn", "yunet"] = "auto"
    models: Path | None = None
    start: bool = True
    ready_s: float = _READY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """A version with its units for the one before; `discard`: delete the folder of one that fails."""

    folder: Path
    units: Units
    before: Path | None
    old_units: Units
    discard: bool


class Installer:
    """One installation at a time; `say` hears each step in a sentence."""

    def __init__(
        self,
        layout: Layout,
        manager: Manager,
        *,
        say: Callable[[str], None],
        template: Callable[[], str],
        build: Callable[[Source, Path], Path] = build_version,
    ) -> None:
        """`template`: the configuration that a box begins with. `build` makes a version's folder."""
        self._layout = layout
        self._manager = manager
        self._say = say
        self._template = template
        self._build = build

    def install(self, wishes: Wishes) -> bool:
        """Put this version in place of the one before; True where something changed.

        Raises InstallError: nothing was changed, or the version before runs again. Configuration and state are never
        touched, but for a new box's first configuration.
        """
        layout = self._layout
        home = next((one for one in _HOMES if Path(sys.base_prefix).is_relative_to(one)), None)
        if layout.live and home is not None:
            raise InstallError(
                f"this Python lies in {home}, where a service may not look: use the system's own, /usr/bin/python3 "
                "(with make: sudo make install PYTHON=/usr/bin/python3)"
            )
        source = Source.here(wishes.wheel)
        os.umask(0o022)
        with self._alone():
            before = _target(layout.current)
            fresh = self._prepare(wishes)
            self._say(f"copying checkout-age {source.version} and {len(source.packages)} packages")
            folder = self._build(source, layout.versions)
            units = Units.of_version(folder, drop_ins=self._needed_drop_ins(source))
            old_units = Units.in_place(layout)
            if before == folder and not fresh and units == old_units:
                self._say(f"unchanged: checkout-age {source.version} ({folder.name}) is installed already")
                return False
            self._prove(folder, discard=before != folder)
            self._place_or_go_back(
                _Exchange(folder=folder, units=units, before=before, old_units=old_units, discard=True),
                start=wishes.start,
                ready_s=wishes.ready_s,
            )
            if before is not None and before != folder:
                _link(layout.previous, before)
            self._forget_old_versions()
            self._say(f"installed: checkout-age {source.version} ({folder.name})")
            return True

    def rollback(self, *, start: bool = True, ready_s: float = _READY_S) -> None:
        """Exchange the version for the one before. Raises InstallError where there is none or it does not start."""
        layout = self._layout
        with self._alone():
            now, before = _target(layout.current), _target(layout.previous)
            if now is None or before is None:
                raise InstallError("there is no version before this one to go back to")
            old_units = Units.in_place(layout)
            kept = [name for name, file in _drop_ins().items() if (layout.drop_ins / file).is_file()]
            units = Units.of_version(before, drop_ins=kept)
            self._place_or_go_back(
                _Exchange(folder=before, units=units, before=now, old_units=old_units, discard=False),
                start=start,
                ready_s=ready_s,
            )
            _link(layout.previous, now)
            self._say(f"back at {before.name}; {now.name} is kept as the version before")

    def uninstall(self, *, state: bool = False, config: bool = False) -> None:
        """Stop the service and take off program and units; state and configuration only where asked."""
        layout = self._layout
        with self._alone():
            self._manager.remove()
            Units(files={}).place(layout)
            for link in (layout.command, layout.sysusers):
                link.unlink(missing_ok=True)
            asked = ((state, layout.state), (state, layout.marketing), (config, layout.config_folder))
            elsewhere = self._state_elsewhere()
            for delete, folder in asked:
                if delete:
                    shutil.rmtree(folder, ignore_errors=True)
                elif folder.exists():
                    self._say(f"kept: {folder}")
            if elsewhere is not None:
                self._say(
                    f"kept: {elsewhere}, where the configuration has its state; nobody but you deletes it"
                )
            shutil.rmtree(layout.program, ignore_errors=True)
            self._manager.take_units()
            self._say("taken off: program and units")

    # --- steps ------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else installs meanwhile. Raises InstallError."""
        lock = self._layout.root / "run/lock/checkout-age-install"
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InstallError(f"needs an administrator: sudo checkout-age service … ({error})") from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise InstallError("somebody else installs here just now; wait for the end of it") from error
        finally:
            os.close(held)

    def _prepare(self, wishes: Wishes) -> bool:
        """User, folders, models, and on a new box its configuration; True where that was written."""
        layout = self._layout
        for folder, mode in (
            (layout.config_folder, 0o755),
            (layout.credentials, 0o700),
            (layout.state, 0o700),
        ):
            folder.mkdir(parents=True, exist_ok=True)
            if folder != layout.config_folder:
                folder.chmod(mode)
        layout.sysusers.parent.mkdir(parents=True, exist_ok=True)
        layout.sysusers.write_text(_SYSUSERS)
        self._make_user()
        self._take_models(wishes)
        if _target(layout.current) is not None and layout.config.exists():
            return False
        return self._write_detector(wishes)

    def _write_detector(self, wishes: Wishes) -> bool:
        """Into the first configuration; where somebody has put one there before us, beside it."""
        layout = self._layout
        try:
            choice = choose_detector(wishes.detector, models_folder=layout.models)
        except DetectorError as error:
            raise InstallError(str(error)) from error
        if layout.config.exists():
            if _asks_for_auto(layout.config):
                beside = layout.config_folder / OVERLAYS / "10-detector.yaml"
                beside.parent.mkdir(exist_ok=True)
                beside.write_text(_OVERLAY.format(detector=choice.name))
                self._say(f"written: {beside} (detector: {choice.name})")
            return False
        text = self._template() if wishes.config is None else wishes.config.read_text(encoding="utf-8")
        layout.config.write_text(with_detector(text, choice.name, file=str(wishes.config or layout.config)))
        layout.config.chmod(0o640)
        self._give(layout.config, owner=False)
        self._say(f"written: {layout.config} (detector: {choice.name})")
        return True

    def _make_user(self) -> None:
        layout = self._layout
        if layout.live and _user() is None:
            subprocess.run(
                ["useradd", "--system", "--user-group", "--home-dir", f"/var/lib/{USER}", "--no-create-home",
                 "--shell", _NO_SHELL, USER],
                check=True,
            )  # fmt: skip
            self._say(f"made: the user {USER}")
        self._give(layout.state, owner=True)

    def _take_models(self, wishes: Wishes) -> None:
        """YuNet, where this computer has it and the box does not."""
        target = self._layout.models / YUNET.file_name
        if wishes.detector == "mtcnn" or target.exists():
            return
        folder = wishes.models or user_models_folder()
        try:
            choice = choose_detector("yunet", models_folder=folder)
        except DetectorError as error:
            if wishes.models is not None or wishes.detector == "yunet":
                raise InstallError(str(error)) from error
            return
        target.parent.mkdir(mode=0o755, exist_ok=True)
        shutil.copyfile(choice.file, target)
        self._give(target.parent, owner=True)
        self._give(target, owner=True)
        self._say(f"copied: {YUNET.file_name}, {YUNET.licence}")

    def _needed_drop_ins(self, source: Source) -> list[str]:
        """Devices that this box's own cameras and runtime need."""
        try:
            cameras = load_config(self._layout.config).cameras
        except ConfigError:
            cameras = ()  # what is wrong with it is said when the new version looks at it
        decoders = {one.decode for one in cameras}
        wanted = {
            "nvidia-gpu": source.gpu or "cuda" in decoders,
            "usb-cameras": any(one.kind is SourceKind.DEVICE for one in cameras),
            "vaapi": "vaapi" in decoders,
        }
        return [name for name, needed in wanted.items() if needed]

    def _prove(self, folder: Path, *, discard: bool) -> None:
        """The new version looks at configuration and machine itself, as the service's user. Raises InstallError."""
        config = self._layout.config
        for words in (("check-config", str(config)), ("selftest", "--config", str(config))):
            self._say(f"proving: checkout-age {words[0]}")
            try:
                done = self._as_service([str(folder / "bin" / "checkout-age"), *words])
            except subprocess.TimeoutExpired as error:
                self._discard(folder, discard)
                raise InstallError(f"checkout-age {words[0]} did not end within {_PROOF_S:g} s") from error
            if done.returncode != 0:
                self._discard(folder, discard)
                raise InstallError(
                    f"checkout-age {words[0]} of the new version fails, nothing was changed:\n{done.stderr.strip()}"
                )

    def _as_service(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        user = _user() if self._layout.live and os.geteuid() == 0 else None
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_PROOF_S,
            cwd="/",
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "STATE_DIRECTORY": str(self._layout.state)},
        )

    def _discard(self, folder: Path, discard: bool) -> None:
        if discard:
            shutil.rmtree(folder, ignore_errors=True)

    def _place(self, folder: Path, units: Units) -> None:
        layout = self._layout
        _link(layout.current, folder)
        layout.command.parent.mkdir(parents=True, exist_ok=True)
        layout.command.unlink(missing_ok=True)
        layout.command.symlink_to(layout.inside(layout.current) + "/bin/checkout-age")
        units.place(layout)
        self._manager.take_units()
        self._manager.enable()

    def _state_elsewhere(self) -> Path | None:
        """The state's folder where the configuration names another one than ours, and it is there."""
        try:
            found = self._layout.root / load_config(self._layout.config).state.dir.relative_to("/")
        except (ConfigError, ValueError):
            return None
        return found if found not in (self._layout.state, self._layout.root) and found.is_dir() else None

    def _place_or_go_back(self, wanted: _Exchange, *, start: bool, ready_s: float) -> None:
        """Whatever happens between the first link and READY, somebody's Ctrl-C too, what ran before runs again."""
        try:
            self._place(wanted.folder, wanted.units)
            if start:
                self._say(f"starting: {wanted.folder.name}; it has {ready_s:g} s to be ready")
                self._manager.restart(ready_s=ready_s)
        except (StartFailedError, OSError) as error:
            self._go_back(wanted, failed=str(error), start=start, ready_s=ready_s)
        except KeyboardInterrupt:
            self._go_back(wanted, failed="interrupted", start=start, ready_s=ready_s)

    def _go_back(self, wanted: _Exchange, *, failed: str, start: bool, ready_s: float) -> NoReturn:
        """Always raises InstallError, which says what runs now."""
        folder, before = wanted.folder, wanted.before
        if before is None or (before == folder and wanted.units == wanted.old_units):
            raise InstallError(f"{folder.name} is installed and does not start: {failed}")
        self._say(f"{folder.name} does not start, going back to {before.name}: {failed}")
        try:
            _link(self._layout.current, before)
            wanted.old_units.place(self._layout)
            self._manager.take_units()
            if start:
                self._manager.restart(ready_s=ready_s)
        except (StartFailedError, OSError) as error:
            raise InstallError(
                f"{folder.name} does not start ({failed}), and {before.name}, which is back, does not either: {error}"
            ) from error
        if wanted.discard and folder != before:
            shutil.rmtree(folder, ignore_errors=True)
        raise InstallError(f"{folder.name} does not start, {before.name} runs again: {failed}")

    def _forget_old_versions(self) -> None:
        """Keep the current version and the one before."""
        kept = {_target(self._layout.current), _target(self._layout.previous)}
        for folder in self._layout.versions.iterdir():
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _give(self, path: Path, *, owner: bool) -> None:
        """To the service's user, or (not `owner`) to its group for reading. In a folder, systemd does it later."""
        user = _user() if self._layout.live else None
        if user is not None:
            os.chown(path, user.pw_uid if owner else 0, user.pw_gid)


def _asks_for_auto(config: Path) -> bool:
    """Does it leave the choice open? What is wrong with it is said when the new version looks at it."""
    try:
        return load_config(config).inference.detector == "auto"
    except ConfigError:
        return False


def _drop_ins() -> dict[str, str]:
    from edge.install.units import DROP_INS

    return DROP_INS


def _user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None


def _target(link: Path) -> Path | None:
    """The version's folder that a link leads to; None where there is none that was finished."""
    folder = link.parent / os.readlink(link) if link.is_symlink() else None
    return folder if folder is not None and read_digest(folder) is not None else None


def _link(link: Path, folder: Path) -> None:
    """Lead a link somewhere else in one step, relative, so that the whole tree can be moved."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(folder.relative_to(link.parent))
    os.replace(new, link)
