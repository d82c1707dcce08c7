"""How a model errs, kept beside its bundle: each labelled face's age and what the model said of it.

The faces stay away; an age and a distribution over ages are left, from which the error for any choice of age
bands can be worked out. `export.events` reads the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["AGE_ERROR_FILE", "AGE_ERROR_FORMAT", "write_age_error"]

AGE_ERROR_FILE: Final = "age_error.npz"
AGE_ERROR_FORMAT: Final = 1
_STEPS: Final = 255


def write_age_error(
    file: Path, *, model: str, source: str, ages: NDArray[np.floating[Any]], p: NDArray[np.floating[Any]]
) -> None:
    """Write ages in years `(n,)` and distributions `(n, 101)`, as cumulated mass in 255ths, whole or not at all.

    `model` is the bundle's full name with its digest: the error of one model corrects no other.
    """
    if p.ndim != 2 or len(p) != len(ages):
        raise ValueError(f"expected n ages and distributions (n, 101), got {ages.shape} and {p.shape}")
    about = {"format": AGE_ERROR_FORMAT, "model": model, "source": source, "n": len(ages)}
    upto = np.rint(np.minimum(np.cumsum(p, axis=1), 1.0) * _STEPS).astype(np.uint8)
    waiting = file.with_name(file.name + ".new")
    with waiting.open("wb") as stream:
        np.savez_compressed(
            stream,
            about=np.array(json.dumps(about)),
            age=np.clip(np.floor(ages), 0, p.shape[1] - 1).astype(np.uint8),
            upto=upto,
        )
        stream.flush()
        os.fsync(stream.fileno())
    waiting.replace(file)
