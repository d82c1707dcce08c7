"""On what the networks run, and which detector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edge.config.rule import Existing, Within

__all__ = ["Inference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """Provider, threads and models. `cuda` is a demand, `auto` a wish: only `auto` may end on the CPU."""

    provider: Annotated[
        Literal["auto", "cpu", "cuda"], "auto takes a GPU where one works, and reports when none does"
    ] = "auto"
    threads: Annotated[int, "threads of ONNX Runtime; 0: as many as the box has cores", Within(0, 256)] = 0
    gpu_memory_mb: Annotated[
        int | None,
        "memory that the age model may take of a GPU; without it ONNX Runtime takes what it needs",
        Within(128, 1_000_000),
    ] = None
    detector: Annotated[
        Literal["auto", "mtcnn", "yunet"], "auto takes YuNet where its verified file is, else MTCNN"
    ] = "auto"
    models_dir: Annotated[
        Path | None,
        "folder of fetched models; without it the user's or the service's own",
        Existing("folder"),
    ] = None
    age_bundle: Annotated[
        Path | None, "folder of an age bundle to use instead of the one that is installed", Existing("folder")
    ] = None
