"""The archive for support: what a box is and how it does, every line of it through the redactor."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

from edge.ops.redact import Redactor

__all__ = ["write_archive"]

_MODE = 0o600


def write_archive(file: Path, parts: Mapping[str, str], redactor: Redactor, *, at_s: int) -> None:
    """Write texts by name into a `.tar.gz`, each without credentials; readable by its owner alone.

    Raises OSError; FileExistsError where the file is there already.
    """
    with (
        os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as out,
        tarfile.open(fileobj=out, mode="w:gz") as tar,
    ):
        for name, text in parts.items():
            body = "\n".join(redactor(line) for line in text.splitlines()).encode() + b"\n"
            info = tarfile.TarInfo(f"diagnose/{name}")
            info.size, info.mode, info.mtime = len(body), _MODE, at_s
            tar.addfile(info, io.BytesIO(body))
