"""Turn the weights that the MIT-licensed package `mtcnn` carries into the project's own detector folder."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import joblib

from export.detector import networks

__all__ = ["BuildError", "build"]

_PACKAGE, _VERSION = "mtcnn", "1.0.0"
# Of the weight files in that release; they are pickles, so nothing else is opened.
_WEIGHTS = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}


class BuildError(Exception):
    """The package is not there or is not the release that the digests belong to."""


def build(out: Path) -> dict[str, str]:
    """Write the three networks, the licence text and `manifest.json` into `out`; returns file digests.

    The same release gives the same bytes. Raises BuildError where the package is missing or differs.
    """
    try:
        package = distribution(_PACKAGE)
    except PackageNotFoundError:
        raise BuildError(f"the package {_PACKAGE} is needed: pip install {_PACKAGE}=={_VERSION}") from None
    if package.version != _VERSION:
        raise BuildError(f"{_PACKAGE} {_VERSION} is needed, {package.version} is installed")
    contents: dict[str, bytes] = {}
    for name, digest in _WEIGHTS.items():
        path = Path(str(package.locate_file(f"mtcnn/assets/weights/{name}.lz4")))
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise BuildError(
                f"{path.name} of {_PACKAGE} {_VERSION} is not the file that was released; reinstall it"
            )
        contents[f"{name}.onnx"] = getattr(networks, name)(joblib.load(path)).SerializeToString(
            deterministic=True
        )
    contents["LICENSE"] = (package.read_text("LICENSE") or "").encode()
    if b"MIT License" not in contents["LICENSE"]:
        raise BuildError(f"{_PACKAGE} {_VERSION} came without its licence text; reinstall it")
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = {
        "format": 1,
        "name": "mtcnn",
        "source": f"PyPI {_PACKAGE} {_VERSION}",
        "source_files": {f"{name}.lz4": digest for name, digest in _WEIGHTS.items()},
        "licence": "MIT",
        "files": digests,
    }
    contents["manifest.json"] = (json.dumps(manifest, indent=2) + "\n").encode()
    out.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        _replace(out / name, data)
    return digests


def _replace(path: Path, data: bytes) -> None:
    """Put the file there whole or not at all."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(part).chmod(0o644)
    Path(part).replace(path)
