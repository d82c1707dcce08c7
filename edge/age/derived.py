"""A float model, derived once from the shipped int8 file and kept where models live."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from pathlib import Path
from typing import Final

from edge.age.bundle import AgeBundle
from edge.age.derive import FloatKind, derive_float

__all__ = ["float_model"]

_RECIPE: Final = 1
"""Counts up when `derive_float` writes something else: what was kept before is not used any more."""

_log = logging.getLogger(__name__)


def float_model(bundle: AgeBundle, kind: FloatKind, cache: Path | None) -> bytes:
    """The bundle's float twin: out of `cache` where it was kept whole, else derived, and kept there.

    A cache that cannot be written costs the derivation at each start and nothing else. Raises ModelFileError.
    """
    if cache is None:
        return derive_float(bundle.model_path.read_bytes(), kind)
    file = cache / f"{bundle.digest[:32]}-{kind}-{_RECIPE}.onnx"
    kept = _kept(file)
    if kept is not None:
        return kept
    made = derive_float(bundle.model_path.read_bytes(), kind)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _write(file, made)
        _write(_digest_of(file), hashlib.sha256(made).hexdigest().encode())
    except OSError as refused:
        _log.warning("the derived %s model cannot be kept: %s", kind, refused)
    return made


def _kept(file: Path) -> bytes | None:
    """What was kept, where it is whole: a box may lose power while it writes."""
    with contextlib.suppress(OSError):
        data = file.read_bytes()
        if hashlib.sha256(data).hexdigest() == _digest_of(file).read_text():
            return data
        _log.warning("%s is not what was kept there; it is derived again", file)
    return None


def _digest_of(file: Path) -> Path:
    return file.with_suffix(".sha256")


def _write(file: Path, data: bytes) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(file)
