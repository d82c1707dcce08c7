"""A version's folder: a virtual environment with this program and what it needs, copied from where we run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from edge.install.errors import InstallError

__all__ = ["Source", "build_version", "read_digest"]

_PROJECT = "checkout-age"
_RUNTIMES = {"onnxruntime": "cpu", "onnxruntime-gpu": "gpu"}
_ALONG = ("marketing",)
"""Extras that go onto the box where all their packages are installed here: the nightly export runs there."""
_NOTE = "installed.json"
_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^]]*)\])?")
_COMMAND = """\
#!/bin/sh
# The program of this folder, wherever the folder stands.
exec "$(dirname "$(readlink -f "$0")")/python" -I -m edge "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What will be installed: the project (as a wheel, or as it is installed here) and the packages it needs."""

    version: str
    digest: str
    """Over the project's files and the packages' versions: the same digest is the same installation."""
    wheel: Path | None
    packages: tuple[Distribution, ...]

    @classmethod
    def here(cls, wheel: Path | None = None) -> Source:
        """From the environment that we run in; the project itself from `wheel` where one is given.

        Raises InstallError where something cannot be copied, with the way out.
        """
        project = _distribution(_PROJECT)
        if wheel is None and _editable(project):
            raise InstallError(
                "this is a working copy and no installed package. In the checkout: sudo make install; "
                "elsewhere: pip install checkout_age-*.whl, then checkout-age service install"
            )
        needed = tuple(_needed(project))
        version, record = _of_wheel(wheel) if wheel is not None else (project.version, _record(project))
        told = json.dumps(
            [
                version,
                _own_files(record),
                sorted((one.name, one.version) for one in needed),
                list(sys.version_info[:2]),
            ]
        )
        packages = needed if wheel is not None else (project, *needed)
        digest = hashlib.sha256(told.encode()).hexdigest()
        return cls(version=version, digest=digest, wheel=wheel, packages=packages)

    @property
    def folder_name(self) -> str:
        """Sorts by version, and two builds of one version stand side by side."""
        return f"{self.version}-{self.digest[:8]}"

    @property
    def gpu(self) -> bool:
        """Is it the build that wants an NVIDIA device?"""
        return any(one.name.lower() == "onnxruntime-gpu" for one in self.packages)


def build_version(
    source: Source,
    versions: Path,
    *,
    compiled: bool = True,
    copy: Callable[[Path, Path], object] = shutil.copyfile,
) -> Path:
    """The folder of this version below `versions`, made where it is not there yet; whole or not at all.

    `compiled`: byte code is made now, since the service may not write it later. Raises InstallError, OSError.
    """
    folder = versions / source.folder_name
    if read_digest(folder) == source.digest:
        return folder
    versions.mkdir(parents=True, exist_ok=True)
    making = versions / f".{source.folder_name}.new"
    for left in (making, folder):
        shutil.rmtree(left, ignore_errors=True)
    try:
        venv.EnvBuilder(with_pip=False, symlinks=True).create(making)
        site = making / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        for package in source.packages:
            _copy_package(package, site, copy)
        if source.wheel is not None:
            _unpack(source.wheel, site)
        _command(making / "bin")
        making.rename(folder)
        if compiled:
            _compile(folder)
        (folder / _NOTE).write_text(json.dumps({"version": source.version, "digest": source.digest}) + "\n")
    except BaseException:
        for left in (making, folder):
            shutil.rmtree(left, ignore_errors=True)
        raise
    return folder


def read_digest(folder: Path) -> str | None:
    """The digest of the version in a folder; None where it is not there or was not finished."""
    try:
        return str(json.loads((folder / _NOTE).read_text())["digest"])
    except (OSError, ValueError, KeyError):
        return None


def _needed(project: Distribution) -> Iterator[Distribution]:
    """Every installed package that the project leads to; what is not installed here is for other systems."""
    runtimes = [name for name in _RUNTIMES if _installed(name) is not None]
    if len(runtimes) != 1:
        raise InstallError(
            f"{' and '.join(runtimes) or 'no ONNX Runtime'} installed here, and it must be one of them: "
            "pip install 'checkout-age[cpu]' (or [gpu])"
        )
    along = {extra for extra in _ALONG if _has(project, extra)}
    waiting = [(project, {_RUNTIMES[runtimes[0]], *along})]
    seen: dict[str, set[str]] = {}
    while waiting:
        package, extras = waiting.pop()
        for name, wanted in _requires(package, extras):
            found = _installed(name)
            if found is None or (wanted <= seen.get(name, set()) and name in seen):
                continue
            if name not in seen:
                yield found
            seen[name] = seen.get(name, set()) | wanted
            waiting.append((found, seen[name]))


def _has(project: Distribution, extra: str) -> bool:
    always = dict(_requires(project, set()))
    own = [name for name, _ in _requires(project, {extra}) if name not in always]
    return bool(own) and all(_installed(name) is not None for name in own)


def _requires(package: Distribution, extras: set[str]) -> Iterator[tuple[str, set[str]]]:
    for line in package.requires or ():
        wish, _, marker = line.partition(";")
        of_extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        named = _NAME.match(wish.strip())
        if named is None or (of_extra is not None and of_extra[1] not in extras):
            continue
        yield _canonical(named[1]), {each.strip() for each in (named[2] or "").split(",") if each.strip()}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _distribution(name: str) -> Distribution:
    found = _installed(name)
    if found is None:
        raise InstallError(
            f"{name} is not installed in the Python that runs this: pip install checkout_age-*.whl"
        )
    return found


def _editable(project: Distribution) -> bool:
    try:
        told = json.loads(project.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    return bool(told.get("dir_info", {}).get("editable"))


def _record(package: Distribution) -> str:
    text = package.read_text("RECORD")
    if text is None:
        raise InstallError(
            f"{package.name} was not installed by pip, so its files are not known; use a fresh venv"
        )
    return text


def _own_files(record: str) -> list[str]:
    """The project's own files with their digests, the same in a wheel and after its installation."""
    own = (line for line in record.splitlines() if line.startswith(("edge/", "export/", "training/")))
    return sorted(line for line in own if ".pyc," not in line)


def _copy_package(package: Distribution, site: Path, copy: Callable[[Path, Path], object]) -> None:
    _record(package)
    for file in package.files or ():
        if ".." in file.parts or file.suffix == ".pyc" or file.is_absolute():
            continue  # scripts of other programs, byte code of another folder
        source, target = Path(str(package.locate_file(file))), site / file
        if not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        copy(source, target)
        if copy is shutil.copyfile:
            target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def _of_wheel(wheel: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(wheel) as packed:
            (record,) = [name for name in packed.namelist() if name.endswith(".dist-info/RECORD")]
            version = record.split("/")[0].removesuffix(".dist-info").split("-")[1]
            return version, packed.read(record).decode()
    except (OSError, ValueError, IndexError, zipfile.BadZipFile) as error:
        raise InstallError(f"{wheel} is no wheel of checkout-age: {error}") from error


def _unpack(wheel: Path, site: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)


def _command(folder: Path) -> None:
    for script in (*folder.glob("activate*"), *folder.glob("Activate*")):
        script.unlink()  # they name the folder in which this was made
    command = folder / "checkout-age"
    command.write_text(_COMMAND)
    command.chmod(0o755)


def _compile(folder: Path) -> None:
    # Faults of single files are theirs: packages carry examples for other Pythons.
    subprocess.run(
        [folder / "bin" / "python", "-I", "-m", "compileall", "-q", "-j", "0", folder / "lib"],
        check=False,
        capture_output=True,
    )
