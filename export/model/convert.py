"""Keras to one ONNX graph that takes the till's crops as they are and is as short as it can be.

`tf2onnx.convert.from_keras` does not know Keras 3 (tensorflow-onnx#2329), so the model is traced by a
`tf.function` with a signature. Batch normalisation is folded into the convolutions before it, colour order
and deviation into the first kernel; what is left of the pre-processing is one subtraction of the mean.
"""

from __future__ import annotations

import gc
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

from export.model.errors import ExportError
from training.model import AGES, CROP_PX, DEVIATION_RGB, MEAN_RGB

__all__ = ["OPSET", "finished", "to_onnx", "with_mirror"]

OPSET: Final = 17
_IR_VERSION: Final = 8


def to_onnx(model: Any) -> onnx.ModelProto:
    """The float32 graph of a Keras model with a distribution head: `crops` uint8 `[n, 112, 112, 3]` BGR to
    `logits` float32 `[n, 101]`, opset 17, n free.

    Raises ExportError for another head or size, and where the conversion does not come out as expected.
    """
    if tuple(model.input_shape[1:]) != (CROP_PX, CROP_PX, 3) or tuple(model.output_shape[1:]) != (AGES,):
        raise ExportError(
            f"only a distribution head at {CROP_PX} px can be exported; this model takes {model.input_shape} and "
            f"answers {model.output_shape}. Way out: train with --head distribution"
        )
    folded = _folded(_traced(model))
    _fold_first_layer(folded)
    _name_after_layers(folded)
    return finished(folded)


def with_mirror(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph of `to_onnx` that reads every crop and its mirror image too, and answers the mean of both logits."""
    both = onnx.ModelProto()
    both.CopyFrom(model)
    graph = both.graph
    first, last = graph.node[0], graph.node[-1]
    first.input[0], last.output[0] = "crops_both", "logits_both"
    constants = {
        "mirror.start": [-1],
        "mirror.end": [np.iinfo(np.int64).min],
        "mirror.axis": [2],
        "mirror.step": [-1],
        "mean.shape": [2, -1, AGES],
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()
    )
    turned = ["crops", "mirror.start", "mirror.end", "mirror.axis", "mirror.step"]
    before = [
        helper.make_node("Slice", turned, ["crops_mirrored"], name="mirror"),
        helper.make_node("Concat", ["crops", "crops_mirrored"], ["crops_both"], name="both", axis=0),
    ]
    after = [
        helper.make_node("Reshape", ["logits_both", "mean.shape"], ["logits_of_both"], name="pair"),
        helper.make_node("ReduceMean", ["logits_of_both"], ["logits"], name="mean", axes=[0], keepdims=0),
    ]
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    return finished(both)


def finished(model: onnx.ModelProto, properties: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """Check a graph in full and give it its outer form: free batch, one opset, `metadata_props`."""
    graph = model.graph
    _drop_unused(graph)
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    graph.name = "age"
    graph.doc_string = ""
    model.doc_string = "Age logits of aligned faces. Research weights unless the licence says otherwise."
    model.ir_version = _IR_VERSION
    model.producer_name, model.producer_version, model.domain = "checkout-age", "", ""
    del model.opset_import[:]
    model.opset_import.extend([helper.make_opsetid("", OPSET)])
    if properties is not None:
        del model.metadata_props[:]
        helper.set_model_props(model, dict(sorted(properties.items())))
    onnx.checker.check_model(model, full_check=True)
    return model


def _traced(model: Any) -> onnx.ModelProto:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    import tf2onnx

    mean = np.asarray(MEAN_RGB, np.float32) * 255.0
    deviation = np.asarray(DEVIATION_RGB, np.float32) * 255.0
    signature = [tf.TensorSpec([None, CROP_PX, CROP_PX, 3], tf.uint8, name="crops")]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def answer(crops: Any) -> Any:
        rgb = tf.cast(crops, tf.float32)[..., ::-1]
        return {"logits": model((rgb - mean) / deviation, training=False)}

    converted, _ = tf2onnx.convert.from_function(answer, input_signature=signature, opset=OPSET)
    gc.collect()  # tf2onnx leaves some 5 GB of graphs in reference cycles (2026-11)
    return converted


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Fold constants and batch normalisation, by ONNX Runtime's basic (hardware-neutral) optimisations."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folded.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        folded = onnx.load(path)
    left = {node.op_type for node in folded.graph.node} - _EXPECTED
    if left:
        raise ExportError(
            f"the graph still has {sorted(left)} after folding; tf2onnx or ONNX Runtime changed how it writes "
            "batch normalisation. Way out: install the versions in requirements/"
        )
    return folded


_BEFORE: Final = ("Cast", "Slice", "Sub", "Mul", "Transpose", "Conv")
_EXPECTED: Final = {*_BEFORE, "Relu", "Add", "MaxPool", "GlobalAveragePool", "Squeeze", "Gemm"}


def _fold_first_layer(model: onnx.ModelProto) -> None:
    """Cast → Slice(RGB) → Sub → Mul → Transpose → Conv becomes Cast → Sub → Transpose → Conv.

    The mean stays a subtraction: the first convolution pads with zeros, which are mean-coloured pixels.
    """
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    steps = list(graph.node)[:6]
    if tuple(node.op_type for node in steps) != _BEFORE:
        raise ExportError(
            f"unexpected first nodes {[node.op_type for node in steps]}; cannot fold pre-processing"
        )
    cast, flip, minus, times, transpose, conv = steps
    mean = numpy_helper.to_array(tensors[minus.input[1]]).reshape(3)
    factor = numpy_helper.to_array(tensors[times.input[1]]).reshape(3)
    kernel = numpy_helper.to_array(tensors[conv.input[1]])
    for_bgr = np.ascontiguousarray((kernel * factor[None, :, None, None])[:, ::-1])
    tensors[conv.input[1]].CopyFrom(numpy_helper.from_array(for_bgr, conv.input[1]))
    tensors[minus.input[1]].CopyFrom(
        numpy_helper.from_array(np.ascontiguousarray(mean[::-1]).reshape(1, 1, 1, 3), minus.input[1])
    )
    minus.input[0] = cast.output[0]
    transpose.input[0] = minus.output[0]
    graph.node.remove(flip)
    graph.node.remove(times)


def _name_after_layers(model: onnx.ModelProto) -> None:
    """Short names after the Keras layers: the file is smaller, and a node in a profile can be found again."""
    graph = model.graph
    keep = {value.name for value in (*graph.input, *graph.output)}
    names: dict[str, str] = {}
    taken: set[str] = set()
    for node in graph.node:
        layer = re.search(r"/(\w+?)(?:_\d+)?/", node.output[0] + "/")
        base = layer.group(1).replace("_bn", "_conv") if layer else node.op_type.lower()
        if node.op_type == "Conv" and not base.endswith("conv"):
            base += "_conv"
        name = base
        while name in taken:
            name = f"{base}_{node.op_type.lower()}" if name == base else f"{name}_"
        taken.add(name)
        node.name = name
        for output in node.output:
            names.setdefault(output, output if output in keep else name)
        kinds = ("weight", "bias") if node.op_type in ("Conv", "Gemm") else ("constant", "constant2")
        for kind, source in zip(kinds, node.input[1:], strict=False):
            if any(tensor.name == source for tensor in graph.initializer):
                names.setdefault(source, f"{name}.{kind}")
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for tensor in graph.initializer:
        tensor.CopyFrom(
            numpy_helper.from_array(numpy_helper.to_array(tensor), names.get(tensor.name, tensor.name))
        )


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
