"""Digests of detector files: nothing is loaded that is not what was built or released."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from edge.face.detector import DetectorFileAlteredError, DetectorFileMissingError

__all__ = ["MANIFEST", "file_digest", "verified_files"]

MANIFEST = "manifest.json"


def file_digest(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified_files(folder: Path) -> dict[str, Path]:
    """Paths of the files that the folder's manifest names, after their digests were found right.

    Raises DetectorFileMissingError or DetectorFileAlteredError, naming the file and the way out.
    """
    again = f"Build it again: python -m export.detector --out {folder}, or reinstall checkout-age"
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise DetectorFileMissingError(f"no detector in {folder}: {MANIFEST} is missing. {again}")
    try:
        wanted: dict[str, str] = dict(json.loads(manifest.read_text(encoding="utf-8"))["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorFileAlteredError(f"{manifest} cannot be read ({error}). {again}") from error
    for name, digest in wanted.items():
        path = folder / name
        if not path.is_file():
            raise DetectorFileMissingError(f"{path} is missing. {again}")
        found = file_digest(path)
        if found != digest:
            raise DetectorFileAlteredError(
                f"{path} is not the file that was released: SHA-256 {found}, expected {digest}. {again}"
            )
    return {name: folder / name for name in wanted}
