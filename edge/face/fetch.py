"""Get a model from its makers, or from a folder, into the model folder: whole and verified, or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from edge.face.choice import UpstreamFile
from edge.face.detector import DetectorError, DetectorFileAlteredError, DetectorFileMissingError

__all__ = ["fetch"]

_TIMEOUT_S = 30.0
_BYTES_MAX = 32_000_000  # a hundred times YuNet; a page that never ends must not fill the disk
_CHUNK_BYTES = 1 << 16


def fetch(wanted: UpstreamFile, folder: Path, *, source: Path | None = None) -> Path:
    """Put the file into `folder` and return its path; what lay there before stays until the new one is verified.

    Without `source` it comes from upstream over HTTPS, else from that folder (or from that file). Raises
    DetectorFileMissingError, DetectorFileAlteredError for another digest, DetectorError for network and disk.
    """
    target = folder / wanted.file_name
    part: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _opened(wanted, source) as reader:
            handle, name = tempfile.mkstemp(dir=folder, prefix=f".{wanted.file_name}.")
            part = Path(name)
            with os.fdopen(handle, "wb") as writer:
                found = _copy(reader, writer)
                writer.flush()
                os.fsync(writer.fileno())
        if found != wanted.sha256:
            raise DetectorFileAlteredError(
                f"what came from {source or wanted.url} is not {wanted.file_name} as it was released: "
                f"SHA-256 {found}, expected {wanted.sha256}. Nothing was changed"
            )
        part.chmod(0o644)
        part.replace(target)
    except OSError as error:
        raise DetectorError(
            f"cannot put {wanted.file_name} into {folder}: {error}. "
            "Without a way to its source take a copy: checkout-age models fetch yunet --from DIR"
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return target


@contextmanager
def _opened(wanted: UpstreamFile, source: Path | None) -> Iterator[IO[bytes]]:
    if source is None:
        request = urllib.request.Request(wanted.url, headers={"User-Agent": "checkout-age"})  # noqa: S310 - a constant
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - its digest is checked
            yield answer
        return
    path = source / wanted.file_name if source.is_dir() else source
    if not path.is_file():
        raise DetectorFileMissingError(f"{path} is not there; {wanted.file_name} is at {wanted.url}")
    with path.open("rb") as file:
        yield file


def _copy(reader: IO[bytes], writer: IO[bytes]) -> str:
    """Copy all there is, up to the bound, and return its SHA-256."""
    digest, total = hashlib.sha256(), 0
    while chunk := reader.read(_CHUNK_BYTES):
        total += len(chunk)
        if total > _BYTES_MAX:
            raise OSError(f"it is longer than {_BYTES_MAX} bytes and cannot be the file")
        digest.update(chunk)
        writer.write(chunk)
    return digest.hexdigest()
