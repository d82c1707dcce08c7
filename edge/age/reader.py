"""The age model in ONNX Runtime: crops in, logits out, in batches of a few fixed sizes."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from edge.age.bundle import AgeBundle
from edge.age.derived import float_model
from edge.age.distribution import AGES
from edge.age.errors import ModelFileError, ProviderError

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["BUCKETS", "AgeReader", "Provider", "Variant"]

Provider = Literal["auto", "cpu", "cuda"]
Variant = Literal["int8", "fp32", "fp16"]

# A new shape costs memory and time in ONNX Runtime (onnxruntime#11118), so only these are ever seen.
BUCKETS: Final = (1, 2, 4, 8)

_CROP_SHAPE: Final = (112, 112, 3)
_NAMES: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}

_NVIDIA: Final = Path("/proc/driver/nvidia/version")

_log = logging.getLogger(__name__)


class AgeReader:
    """Reads ages from aligned crops. One object for life, used from one thread at a time.

    `provider` is what runs in fact, `degraded` says why it is less than what `auto` hoped for (None where
    it is not). `variant` is `int8` on a CPU; a GPU gets `fp16`, derived from the same file at start.
    """

    def __init__(
        self,
        bundle: AgeBundle,
        *,
        provider: Provider = "auto",
        threads: int = 1,
        spinning: bool = False,
        variant: Variant | None = None,
        gpu_memory_mb: int | None = None,
        available: Sequence[str] | None = None,
        cache: Path | None = None,
    ) -> None:
        """Load the model and run every batch size twice.

        `gpu_memory_mb` bounds what is taken of a GPU. `cache` is the folder where a derived float model is kept.

        `spinning` lets idle threads burn their core for a moment to answer the next call sooner; off on a box
        that the till shares. `available` replaces ONNX Runtime's own list of providers. Raises ProviderError
        where `cuda` is asked for and not there or not started, ModelFileError where the file does not run.
        """
        if provider not in ("auto", "cpu", "cuda"):
            raise ProviderError(f"provider: expected auto, cpu or cuda, got {provider!r}")
        if threads < 1:
            raise ValueError(f"threads: 1 or more, got {threads}")
        wanted, self.degraded = _chosen(provider, available)
        self.threads = threads
        self._cache = cache
        options = _options(threads, spinning=spinning)
        try:
            self._open(bundle, wanted, variant, options, gpu_memory_mb)
        except ProviderError as refused:
            if provider == "cuda":
                raise
            self.degraded = str(refused)
            self._open(bundle, "cpu", variant, options, None)
        if self.degraded:
            _log.warning("age model runs on the CPU: %s", self.degraded)
        self.warm_up()

    def read(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 `(n, 101)` over the ages 0..100 of BGR crops uint8 `(n, 112, 112, 3)`; n may be 0.

        Raises ValueError for another shape or type.
        """
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != _CROP_SHAPE:
            raise ValueError(f"crops are uint8 (n, 112, 112, 3), got {crops.dtype} {crops.shape}")
        logits = np.empty((len(crops), AGES), np.float32)
        start = 0
        while start < len(crops):
            part = crops[start : start + BUCKETS[-1]]
            size = next(bucket for bucket in BUCKETS if bucket >= len(part))
            if len(part) < size:
                padded = np.zeros((size, *_CROP_SHAPE), np.uint8)
                padded[: len(part)] = part
                logits[start : start + len(part)] = self._run(padded)[: len(part)]
            else:
                logits[start : start + len(part)] = self._run(np.ascontiguousarray(part))
            start += len(part)
        return logits

    def warm_up(self) -> None:
        """Run every batch size twice, so that the first customer does not pay for it.

        The first run of a size shows ONNX Runtime what memory it needs, and the second takes it, for good: left to the
        first busy minute, a box that had been ready for ten grew by 5 MB (measured).
        """
        for size in (*BUCKETS, *BUCKETS):
            self._run(np.zeros((size, *_CROP_SHAPE), np.uint8))

    def _run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers: list[Any] = self._session.run(["logits"], {"crops": batch})
        return np.asarray(answers[0], np.float32)

    def _open(
        self,
        bundle: AgeBundle,
        wanted: Literal["cpu", "cuda"],
        variant: Variant | None,
        options: onnxruntime.SessionOptions,
        gpu_memory_mb: int | None,
    ) -> None:
        import onnxruntime

        self.variant: Variant = variant or ("fp16" if wanted == "cuda" else "int8")
        if self.variant == "int8":
            model = bundle.model_path.read_bytes()
        else:
            model = float_model(bundle, self.variant, self._cache)
        settings: dict[str, str] = {}
        if wanted == "cuda":
            # CUDA and cuDNN come as packages beside ours, where the system's loader does not look by itself.
            with contextlib.redirect_stdout(sys.stderr):  # it prints what it misses; stdout is for events
                onnxruntime.preload_dlls()
            settings = {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
            if gpu_memory_mb:
                settings["gpu_mem_limit"] = str(gpu_memory_mb * 1024 * 1024)
        providers: list[Any] = [(_NAMES[wanted], settings)]
        if wanted == "cuda":
            providers.append(_NAMES["cpu"])
        try:
            session = onnxruntime.InferenceSession(model, options, providers=providers)
        except Exception as broken:  # ONNX Runtime raises a type of its own for each of its codes
            if wanted == "cuda":
                raise ProviderError(f"CUDA does not start: {broken}. {_CUDA_WAY_OUT}") from broken
            raise ModelFileError(
                f"{bundle.model_path}: ONNX Runtime cannot run it: {broken}. Way out: `checkout-age models verify`"
            ) from broken
        # A provider that fails to load is passed over without a word (onnxruntime#17801): ask what came of it.
        running = session.get_providers()
        if _NAMES[wanted] not in running:
            raise ProviderError(f"CUDA was asked for, ONNX Runtime runs on {running}. {_CUDA_WAY_OUT}")
        _check_signature(session, str(bundle.model_path))
        self._session = session
        self.provider: Literal["cpu", "cuda"] = wanted


_CUDA_WAY_OUT = (
    "Way out: check `nvidia-smi`, install the extra gpu alone (pip uninstall onnxruntime; "
    "pip install 'checkout-age[gpu]'), or set provider: auto"
)


def _chosen(provider: Provider, available: Sequence[str] | None) -> tuple[Literal["cpu", "cuda"], str | None]:
    """What to try, and why it is less than hoped for. A box without an NVIDIA device hoped for nothing."""
    if provider == "cpu":
        return "cpu", None
    if available is None:
        import onnxruntime

        available = onnxruntime.get_available_providers()
    if _NAMES["cuda"] in available:
        return "cuda", None
    lacking = f"ONNX Runtime offers only {list(available)}"
    if provider == "cuda":
        raise ProviderError(f"provider cuda: {lacking}. {_CUDA_WAY_OUT}")
    return "cpu", f"there is an NVIDIA device, but {lacking}. {_CUDA_WAY_OUT}" if _NVIDIA.exists() else None


def _options(threads: int, *, spinning: bool) -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    options.log_severity_level = 3
    return options


def _check_signature(session: onnxruntime.InferenceSession, where: str) -> None:
    inputs = [(i.name, i.type, list(i.shape[1:])) for i in session.get_inputs()]
    outputs = [(o.name, o.type, list(o.shape[1:])) for o in session.get_outputs()]
    if inputs != [("crops", "tensor(uint8)", list(_CROP_SHAPE))] or outputs != [
        ("logits", "tensor(float)", [AGES])
    ]:
        raise ModelFileError(
            f"{where}: expected crops uint8 [n, 112, 112, 3] → logits float32 [n, {AGES}], "
            f"got {inputs} → {outputs}. Way out: export it with `checkout-age export-model`"
        )
