"""How an age model errs, as `checkout-age measure-error` keeps it beside a bundle."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.shipped import shipped
from export.events.analysis.bands import Band
from export.events.analysis.errors import DamagedFile, NoErrorMeasured

__all__ = ["AGE_ERROR_FILE", "AgeError", "errors_for", "load_age_error", "shipped_bundle"]

AGE_ERROR_FILE: Final = "age_error.npz"
_FORMAT: Final = 1
_STEPS: Final = 255.0
_WAY_OUT: Final = "measure it: checkout-age measure-error BUNDLE --data CROPS"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeError:
    """Labelled faces and what the model said of them.

    `ages`: completed years `(n,)`. `upto[i, a]`: the probability that the model gave to ages 0..a, `(n, 101)`.
    """

    model: str
    source: str
    ages: NDArray[np.int64]
    upto: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ages)

    def in_bands(self, bands: Sequence[Band]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The true band of each face `(n,)`, and the model's probability of each band `(n, bands)`."""
        ends = [band.last for band in bands]
        upto = self.upto[:, ends]
        upto[:, -1] = 1.0
        return np.searchsorted(ends, self.ages), np.diff(upto, axis=1, prepend=0.0)


def shipped_bundle() -> Path:
    """The bundle that came with the program."""
    return (
        shipped("edge/models/age") if (shipped("configs").parent / "edge").is_dir() else shipped("models/age")
    )


def load_age_error(path: Path) -> AgeError:
    """Read a bundle's error, from its folder or the file itself.

    Raises NoErrorMeasured where there is none, DamagedFile where it cannot be read.
    """
    file = path / AGE_ERROR_FILE if path.is_dir() else path
    if not file.is_file():
        raise NoErrorMeasured(f"{file}: nobody measured how this bundle errs; {_WAY_OUT}")
    try:
        with np.load(file, allow_pickle=False) as arrays:
            about: dict[str, Any] = json.loads(str(arrays["about"]))
            ages, upto = arrays["age"].astype(np.int64), arrays["upto"].astype(np.float64) / _STEPS
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as wrong:
        raise DamagedFile(f"{file}: no measured error ({wrong}); {_WAY_OUT}") from wrong
    if about.get("format") != _FORMAT or upto.shape != (len(ages), 101) or not len(ages):
        raise DamagedFile(f"{file}: format {about.get('format')} with {upto.shape}; {_WAY_OUT}")
    return AgeError(model=str(about["model"]), source=str(about["source"]), ages=ages, upto=upto)


def errors_for(models: Sequence[str], folders: Sequence[Path]) -> dict[str, AgeError]:
    """The measured error of each of these models that one of the folders knows; the others are not in the answer."""
    known = {}
    for folder in folders:
        error = load_age_error(folder)
        known[error.model] = error
    return {model: known[model] for model in models if model in known}
