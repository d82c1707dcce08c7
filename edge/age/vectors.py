"""The golden vectors of a bundle from elsewhere: a small archive of arrays; none of its numbers is trusted."""

from __future__ import annotations

import io
import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

__all__ = ["VectorsError", "read_vectors"]

_CROPS_MAX: Final = 256
_CROP_SHAPE: Final = (112, 112, 3)
_AGES: Final = 101
_HEADER_MAX: Final = 10_000
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, KeyError, ValueError, TypeError, RuntimeError,
    SyntaxError, tokenize.TokenError, MemoryError,
)  # fmt: skip
"""All that zipfile and NumPy say of an archive that is none: RuntimeError is an encrypted or unknown entry, the last
four come of NumPy's headers, which are Python's own text."""


class VectorsError(ValueError):
    """Not golden vectors; the message says what is wrong, without the file."""


def read_vectors(stream: IO[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Crops uint8 `(k, 112, 112, 3)`, logits float32 `(k, 101)`, and the float model's logits (else the same again).

    `k` is 1 to 256. Nothing is unpacked that is larger than these shapes. Raises VectorsError.
    """
    with _in_words(), zipfile.ZipFile(stream) as archive:
        crops = _array(archive, "crops", np.dtype(np.uint8), _CROP_SHAPE)
        logits = _array(archive, "logits", np.dtype(np.float32), (_AGES,))
        there = "float_logits.npy" in archive.namelist()
        float_logits = _array(archive, "float_logits", np.dtype(np.float32), (_AGES,)) if there else logits
        if not len(crops) == len(logits) == len(float_logits):
            raise VectorsError(f"{len(crops)} crops, {len(logits)} and {len(float_logits)} answers")
        return crops, logits, float_logits


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except VectorsError:
        raise
    except _DAMAGED as error:
        raise VectorsError(f"{type(error).__name__}: {error}") from error


def _array(archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], row: tuple[int, ...]) -> NDArray[Any]:
    entry = archive.getinfo(f"{name}.npy")
    largest = _HEADER_MAX + _CROPS_MAX * int(np.prod(row)) * dtype.itemsize
    if entry.file_size > largest:
        raise VectorsError(f"{name} has {entry.file_size} bytes; at most {largest}")
    with archive.open(entry) as packed:
        told = io.BytesIO(packed.read(largest + 1))
    version = npy.read_magic(told)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read_header is None:
        raise VectorsError(f"{name} is written in version {version} of NumPy's format")
    shape, fortran, found = read_header(told, max_header_size=_HEADER_MAX)
    if found != dtype or shape[1:] != row or not 1 <= shape[0] <= _CROPS_MAX:
        raise VectorsError(f"{name} is {found} {shape}; expected {dtype} {('k', *row)}")
    return np.frombuffer(told.read(), dtype).reshape(shape, order="F" if fortran else "C")
