"""Put an age bundle into the model folder: verified before, proved after, and back to the old one if it fails."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from edge.age import AgeBundle, AgeModelError, AgeReader, compare_minors, golden_check
from edge.face import CONTRACT
from edge.ops.selftest import selftest

__all__ = ["AGE_FOLDER", "BundleRefusedError", "Check", "install_bundle", "no_worse_at_minors", "works_here"]

AGE_FOLDER = "age"
_PREVIOUS_FOLDER = "age.previous"
_MANIFEST = "bundle.json"
# What belongs to a bundle without deciding anything: its card, and its measured error for marketing's correction.
_BESIDE = ("MODEL_CARD.md", "age_error.npz")

# Looks at the new bundle and the one in use (None for the first) and raises BundleRefusedError.
Check = Callable[[AgeBundle, AgeBundle | None], None]
# Looks at the bundle where it now stands and raises BundleRefusedError.
Proof = Callable[[AgeBundle], None]


class BundleRefusedError(Exception):
    """The bundle is whole, but must not replace the one in use; the message says why and what to do."""


def install_bundle(
    source: Path,
    models_folder: Path,
    *,
    in_use: Path,
    checks: tuple[Check, ...] = (),
    proofs: tuple[Proof, ...] = (),
) -> AgeBundle:
    """Copy the bundle of folder `source` to `models_folder/age` and return it; the one before stays beside it.

    `in_use` is the folder of the bundle that the program uses now, which `checks` compare with. The copy answers its
    golden vectors before it takes its place; where one of `proofs` then fails, the one before is put back. Whatever
    is raised, the bundle in use is as it was. Raises AgeModelError (not a bundle, altered, other crops),
    BundleRefusedError and OSError.
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
        place, previous, older = models_folder / AGE_FOLDER, models_folder / _PREVIOUS_FOLDER, work / "older"
        _exchange(fresh, place, previous, older)
        try:
            installed = AgeBundle.load(place, contract_digest=CONTRACT.digest)
            for prove in proofs:
                prove(installed)
        except BaseException:
            _go_back(place, previous, older, work / "refused")
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return installed


def no_worse_at_minors(offered: AgeBundle, installed: AgeBundle | None) -> None:
    """Refuse a bundle that misses significantly more 14–17-year-olds than the one in use, or that nobody measured."""
    if installed is None or offered.digest == installed.digest:
        return
    told = compare_minors(offered, installed)
    if told.worse:
        raise BundleRefusedError(
            f"{offered.name} misses {told.offered:.1%} of {told.n} faces of 14-17, {installed.name} "
            f"{told.installed:.1%} (p = {told.p:.4f}, exact McNemar test). Train with more faces of that age, or "
            "install it all the same: --worse-at-minors"
        )
    if told.p is None:
        raise BundleRefusedError(
            f"{offered.name} cannot be compared with {installed.name}: {told.why_not}. Measure both on the same faces: "
            "checkout-age evaluate BUNDLE --data DATA --out REPORT --into-bundle, or install it all the same: "
            "--worse-at-minors"
        )


def works_here(bundle: AgeBundle) -> None:
    """Refuse a bundle with which `selftest` fails on this machine."""
    result = selftest(bundle_folder=bundle.folder, models_folder=bundle.folder.parent, measured_s=0.2)
    failed = [check.said for check in result.checks if check.state == "failed"]
    if failed:
        raise BundleRefusedError(
            f"{bundle.name}: selftest fails here, the bundle before is back: {'; '.join(failed)}"
        )


def _loaded(folder: Path) -> AgeBundle | None:
    """The bundle in use; None where there is none that can be used, which must not keep a good one out."""
    try:
        return AgeBundle.load(folder, contract_digest=CONTRACT.digest)
    except AgeModelError:
        return None


def _copy(source: Path, target: Path, names: list[str]) -> None:
    """Copy the bundle's own files and what belongs to it, and nothing else that lies in the folder."""
    target.mkdir()
    beside = [name for name in _BESIDE if (source / name).is_file()]
    for name in dict.fromkeys([*names, *beside]):
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


def _go_back(place: Path, previous: Path, older: Path, refused: Path) -> None:
    """Undo `_exchange`."""
    place.rename(refused)
    if previous.exists():
        previous.rename(place)
    if older.exists():
        older.rename(previous)
