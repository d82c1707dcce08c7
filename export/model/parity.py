"""The gates: is the exported file the model that was trained? A gate that fails stops the export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.age import log_softmax, mean_years
from export.model.errors import GateError

__all__ = [
    "FLOAT_YEARS_MAX",
    "INT8_BYTES_MAX",
    "INT8_MAE_YEARS_MAX",
    "PARITY_CROPS",
    "Parity",
    "check_float",
    "check_int8",
    "check_size",
]

PARITY_CROPS: Final = 500
FLOAT_YEARS_MAX: Final = 0.01
INT8_MAE_YEARS_MAX: Final = 0.10
INT8_BYTES_MAX: Final = 25_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """What the gates measured, in years over `n` crops."""

    n: int
    keras_to_fp32_worst: float
    mae_keras: float
    mae_fp32: float
    mae_int8: float
    int8_bytes: int


def check_float(keras: NDArray[np.floating], fp32: NDArray[np.floating]) -> float:
    """The worst difference of the mean in years between Keras and fp32; raises GateError above 0.01."""
    worst = float(np.abs(_years(keras) - _years(fp32)).max())
    if not worst <= FLOAT_YEARS_MAX:
        raise GateError(
            f"Keras and fp32 ONNX differ by {worst:.4f} years on one of {len(keras)} crops, allowed is "
            f"{FLOAT_YEARS_MAX}. The conversion changed the model: compare the versions with requirements/"
        )
    return worst


def check_int8(
    fp32: NDArray[np.floating], int8: NDArray[np.floating], ages: NDArray[np.floating]
) -> tuple[float, float]:
    """MAE of both in years; raises GateError where int8's is more than 0.10 from fp32's, either way."""
    mae_fp32, mae_int8 = (float(np.abs(_years(logits) - ages).mean()) for logits in (fp32, int8))
    if not abs(mae_int8 - mae_fp32) <= INT8_MAE_YEARS_MAX:
        raise GateError(
            f"int8 has a mean error of {mae_int8:.3f} years, fp32 {mae_fp32:.3f} on {len(ages)} crops; allowed is "
            f"{INT8_MAE_YEARS_MAX} between them. Way out: more crops to find ranges with (--ranges N), or look for "
            "the layer with onnxruntime.quantization.qdq_loss_debug"
        )
    return mae_fp32, mae_int8


def check_size(int8: bytes) -> int:
    """The size in bytes; raises GateError above 25,000,000."""
    if len(int8) > INT8_BYTES_MAX:
        raise GateError(f"the int8 file has {len(int8):,} bytes, allowed are {INT8_BYTES_MAX:,}")
    return len(int8)


def _years(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    return mean_years(np.exp(log_softmax(logits)))
