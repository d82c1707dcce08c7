"""One inference runtime in a process of its own, told over a pipe to run one batch and say how long it took.

Sessions that share a process share caches and thread pools, and idle threads that spin slow each other; here
only the one that was asked works, the others wait in a read.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Contender", "RuntimeFailedError", "RuntimeProcess"]

_START_S = 180.0
_RUN_S = 60.0

Batch = NDArray[np.uint8]
Step = Callable[[Batch], object]


class RuntimeFailedError(RuntimeError):
    """A runtime could not load the model or broke off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What is measured: a runtime, a model file and where it runs."""

    runtime: Literal["onnxruntime", "openvino"]
    variant: Literal["fp32", "int8", "fp16"]
    provider: Literal["cpu", "cuda"]
    file: Path
    threads: int
    spinning: bool


class RuntimeProcess:
    """A contender at work. Use as a context; `run_ms` times one batch inside the other process."""

    def __init__(self, contender: Contender, batches: tuple[int, ...]) -> None:
        """Start the process, load the model and warm up every batch size. Raises RuntimeFailedError."""
        self.contender = contender
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, contender, batches), daemon=True)
        self._process.start()
        there.close()
        self._answer(_START_S)

    def __enter__(self) -> RuntimeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.terminate()

    def run_ms(self, batch: int) -> float:
        """Milliseconds of one run over `batch` crops."""
        self._here.send(batch)
        return self._answer(_RUN_S)

    def _answer(self, patience_s: float) -> float:
        told = f"{self.contender.runtime} {self.contender.variant}"
        if not self._here.poll(patience_s):
            raise RuntimeFailedError(f"{told}: no answer for {patience_s:.0f} s")
        try:
            answer: Any = self._here.recv()
        except EOFError as gone:
            raise RuntimeFailedError(f"{told}: its process ended") from gone
        if isinstance(answer, str):
            raise RuntimeFailedError(f"{told}: {answer}")
        return float(answer)


def _serve(pipe: Connection, contender: Contender, batches: tuple[int, ...]) -> None:
    try:
        crops = np.random.default_rng(0).integers(0, 256, (max(batches), 112, 112, 3), dtype=np.uint8)
        steps = (_openvino if contender.runtime == "openvino" else _onnxruntime)(contender, batches)
        for batch in batches:
            for _ in range(3):
                steps[batch](crops[:batch])
        pipe.send(0.0)
    except Exception as broken:  # noqa: BLE001 - whatever it is, the other process must hear of it
        pipe.send(f"{type(broken).__name__}: {broken}")
        return
    while True:
        try:
            batch = pipe.recv()
        except EOFError:
            return
        began_ns = time.perf_counter_ns()
        steps[batch](crops[:batch])
        pipe.send((time.perf_counter_ns() - began_ns) / 1e6)


def _onnxruntime(contender: Contender, batches: tuple[int, ...]) -> dict[int, Step]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = contender.threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if contender.spinning else "0")
    options.log_severity_level = 3
    wanted = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[contender.provider]
    session = onnxruntime.InferenceSession(str(contender.file), options, providers=[wanted])
    if wanted not in session.get_providers():
        raise RuntimeFailedError(f"{wanted} did not start; it runs on {session.get_providers()}")

    def step(crops: Batch) -> object:
        return session.run(["logits"], {"crops": crops})

    return dict.fromkeys(batches, step)


def _openvino(contender: Contender, batches: tuple[int, ...]) -> dict[int, Step]:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": contender.threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # else fp32 would quietly become bfloat16 where the CPU has it
        "ENABLE_CPU_PINNING": False,
    }
    steps: dict[int, Step] = {}
    for batch in batches:
        model = core.read_model(str(contender.file))
        model.reshape([batch, 112, 112, 3])
        request = core.compile_model(model, "CPU", settings).create_infer_request()

        def step(crops: Batch, request: Any = request) -> object:
            return request.infer({"crops": crops}, share_inputs=True)

        steps[batch] = step
    return steps
