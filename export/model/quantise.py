"""Static int8: QDQ, weights per channel, activations uint8, ranges taken from real crops.

Weights use 7 of their 8 bits. A CPU without VNNI adds pairs of 8-bit products in 16 bits and saturates
(onnxruntime#12072 and `docs/decisions/`); with 7-bit weights no pair can overflow, so that the same file
gives the same ages on every CPU.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from tqdm import tqdm

from export.model.convert import finished
from export.model.errors import ExportError

__all__ = ["CALIBRATION_CROPS", "quantise"]

CALIBRATION_CROPS: Final = 300

# The pooling at the end and the age layer stay float: they are a thousandth of the work, and ages are fine-grained.
_QUANTISED: Final = ["Conv", "Add", "MaxPool"]


class _Crops(CalibrationDataReader):  # type: ignore[misc]
    """Hands real crops to the calibrator one by one."""

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        self._left: Iterator[NDArray[np.uint8]] = iter(
            tqdm(crops[:, None], desc="ranges for int8", unit="crop", disable=None)
        )

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        crop = next(self._left, None)
        return None if crop is None else {"crops": crop}


def quantise(model: onnx.ModelProto, crops: NDArray[np.uint8]) -> onnx.ModelProto:
    """The int8 twin of a float32 graph out of `to_onnx`; `crops` are training faces, uint8 BGR `(k, 112, 112, 3)`.

    Raises ExportError where there are too few crops to know any range.
    """
    if len(crops) < 20:
        raise ExportError(f"{len(crops)} crops are too few to find ranges for int8; at least 20, better 300")
    logging.getLogger().addFilter(_quiet)
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, ready, target = (str(Path(folder) / f"{name}.onnx") for name in ("fp32", "ready", "int8"))
            onnx.save(model, source)
            quant_pre_process(source, ready, skip_symbolic_shape=True, skip_optimization=True)
            quantize_static(
                ready,
                target,
                _Crops(crops),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_QUANTISED,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"QDQKeepRemovableActivations": True},
            )
            quantised = onnx.load(target)
    finally:
        logging.getLogger().removeFilter(_quiet)
    _relu_before_rounding(quantised.graph)
    for tensor in quantised.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    return finished(quantised)


def _quiet(record: logging.LogRecord) -> bool:
    """ONNX Runtime's quantiser advises to pre-process a model that has just been pre-processed."""
    return "pre-process" not in record.getMessage()


def _relu_before_rounding(graph: onnx.GraphProto) -> None:
    """Take out the Q/DQ pair between a convolution or sum and its ReLU: round once, after it.

    The ReLU itself stays in the file (runtimes fuse it), so that taking out all Q/DQ gives the float model.
    """
    readers: dict[str, int] = {}
    for node in graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    makers = {name: node for node in graph.node for name in node.output}
    for relu in [node for node in graph.node if node.op_type == "Relu"]:
        back = makers[relu.input[0]]
        if back.op_type != "DequantizeLinear":
            continue
        to = makers[back.input[0]]
        if readers[back.output[0]] != 1 or readers[to.output[0]] != 1:
            raise ExportError(
                f"{relu.name}: the value before the ReLU has another reader; the graph is no ResNet"
            )
        relu.input[0] = to.input[0]
        graph.node.remove(back)
        graph.node.remove(to)
