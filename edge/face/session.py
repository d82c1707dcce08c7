"""ONNX Runtime sessions with every thread accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge.face.detector import DetectorError, DetectorFileMissingError

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["open_session"]


def open_session(
    path: Path, *, intra_op_threads: int, allow_spinning: bool, providers: Sequence[str]
) -> onnxruntime.InferenceSession:
    """Load a network; raises DetectorFileMissingError or DetectorError with the way out.

    With `allow_spinning` idle threads burn their core for a moment to answer the next call sooner,
    which takes it from the decoder and the age model: off unless detection runs alone.
    """
    import onnxruntime

    if not path.is_file():
        raise DetectorFileMissingError(f"no detector file at {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra_op_threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if allow_spinning else "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=list(providers))
    except Exception as error:
        raise DetectorError(
            f"ONNX Runtime cannot load {path}: {error}. Get the file again: checkout-age models verify"
        ) from error
