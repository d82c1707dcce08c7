"""Put an age bundle into the model folder: verified before, proved after, and back to the old one if it fails."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from edge.age import AgeBundle, AgeModelError, AgeReader, golden_check
from edge.face import CONTRACT

__all__ = ["AGE_FOLDER", "BundleRefusedError", "Check", "install_bundle"]

AGE_FOLDER = "age"
_PREVIOUS_FOLDER = "age.previous"
_MANIFEST, _CARD = "bundle.json", "MODEL_CARD.md"

# Looks at the new bundle and the one in use (None for the first) and raises BundleRefusedError.
Check = Callable[[AgeBundle, AgeBundle | None], None]


class BundleRefusedError(Exception):
    """The bundle is whole, but must not replace the one in use; the message says why and what to do."""


def install_bundle(
    source: Path, models_folder: Path, *, in_use: Path, checks: tuple[Check, ...] = ()
) -> AgeBundle:
    """Copy the bundle of folder `source` to `models_folder/age` and return it; the one before stays beside it.

    `in_use` is the folder of the bundle that the program uses now, which `checks` compare with. The copy answers its
    golden vectors before it takes its place; whatever is raised, the bundle in use is as it was. Raises
    AgeModelError (not a bundle, altered, other crops), BundleRefusedError and OSError.
    """
    offered = AgeBundle.load(source, contract_digest=CONTRACT.digest)
    old = _loaded(in_use)
    for check in checks:
        check(offered, old)
    models_folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=models_folder, prefix=".install."))
    try:
        fresh = work / AGE_FOLDER
        _copy(source, fresh, sorted({_MANIFEST, *offered.manifest.files}))
        copied = AgeBundle.load(fresh, contract_digest=CONTRACT.digest)
        proof = golden_check(copied, AgeReader(copied, provider="cpu", threads=1, spinning=False))
        if not proof.passed:
            raise BundleRefusedError(f"{source}: {proof.reason}")
        _exchange(fresh, models_folder / AGE_FOLDER, models_folder / _PREVIOUS_FOLDER, work / "older")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return AgeBundle.load(models_folder / AGE_FOLDER, contract_digest=CONTRACT.digest)


def _loaded(folder: Path) -> AgeBundle | None:
    """The bundle in use; None where there is none that can be used, which must not keep a good one out."""
    try:
        return AgeBundle.load(folder, contract_digest=CONTRACT.digest)
    except AgeModelError:
        return None


def _copy(source: Path, target: Path, names: list[str]) -> None:
    """Copy the bundle's own files and its card, and nothing else that lies in the folder."""
    target.mkdir()
    card = [_CARD] if (source / _CARD).is_file() else []
    for name in dict.fromkeys([*names, *card]):
        shutil.copyfile(source / name, target / name)
        with (target / name).open("rb") as file:
            os.fsync(file.fileno())  # a rename that outlives a power cut must not name an empty file


def _exchange(fresh: Path, place: Path, previous: Path, older: Path) -> None:
    """Renames only: `fresh` to `place`, what was there to `previous`, what was there to `older`."""
    if previous.exists():
        previous.rename(older)
    if place.exists():
        place.rename(previous)
    try:
        fresh.rename(place)
    except OSError:
        if previous.exists():
            previous.rename(place)
        raise
