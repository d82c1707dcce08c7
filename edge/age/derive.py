"""Float models out of the shipped int8 file: Q/DQ taken out, weights dequantised, halved on request.

A GPU runs the int8 file badly and a benchmark needs its float twin; both are made here, from the one
file that ships, without the `onnx` package. Field numbers are those of `onnx.proto3` (ONNX IR version 8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from edge.age.errors import ModelFileError
from edge.age.protobuf import Field, Message, ProtobufError, read_message, write_message, write_packed

__all__ = ["FloatKind", "derive_float", "halved"]

FloatKind = Literal["fp32", "fp16"]

_BYTES: Final = 2
# ModelProto, GraphProto, NodeProto, TensorProto, AttributeProto
_GRAPH: Final = 7
_NODE, _INITIALIZER, _OUTPUT, _VALUE_INFO = 1, 5, 12, 13
_IN, _OUT, _NAME, _OP, _ATTRIBUTE = 1, 2, 3, 4, 5
_DIMS, _DATA_TYPE, _TENSOR_NAME, _RAW = 1, 2, 8, 9
_FLOAT_DATA, _INT32_DATA, _INT64_DATA = 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_INT = 1, 3
_FLOAT, _INT64, _HALF = 1, 7, 10

_NO_MODEL: Final = (ProtobufError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What reading raises where a message is well formed and yet no model: a node without outputs, a number for a name …"""
_DTYPES: Final[dict[int, str]] = {1: "<f4", 2: "|u1", 3: "|i1", 6: "<i4", 7: "<i8", 10: "<f2"}


@dataclass(slots=True)
class _Node:
    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: list[Field]

    def integer(self, name: str, default: int) -> int:
        for attribute in self.attributes:
            if not isinstance(attribute.value, int):
                message = read_message(attribute.value)
                if message.text(_ATTRIBUTE_NAME) == name:
                    value = message.integer(_ATTRIBUTE_INT)
                    return value - (1 << 64) if value >> 63 else value
        return default

    def written(self) -> Field:
        return _field(
            _NODE,
            [
                *(_text(_IN, name) for name in self.inputs),
                *(_text(_OUT, name) for name in self.outputs),
                _text(_NAME, self.name),
                _text(_OP, self.op),
                *self.attributes,
            ],
        )


def derive_float(model: bytes, kind: FloatKind) -> bytes:
    """The float twin of a quantised age model: same inputs and outputs, float32 or float16 inside.

    `logits` stay float32 in either. Raises ModelFileError where the file is not a QDQ model of the kind that
    `export-model` writes.
    """
    return _with_graph(model, lambda graph: _derived(graph, kind), kind)


def halved(model: bytes) -> bytes:
    """A float32 model with float16 inside; inputs and outputs keep their types. Raises ModelFileError."""
    return _with_graph(model, lambda graph: _rebuilt(graph, _nodes(graph), _tensors(graph), "fp16"), "fp16")


def _with_graph(model: bytes, change: Callable[[Message], list[Field]], kind: FloatKind) -> bytes:
    try:
        whole = read_message(model)
        (graph,) = whole.all(_GRAPH)
        changed = write_message(change(read_message(graph)))
    except _NO_MODEL as broken:
        raise ModelFileError(
            f"the model cannot be turned into {kind}: {broken}. Way out: "
            "`checkout-age models verify`, or export the bundle again"
        ) from broken
    return write_message([*whole.without(_GRAPH), Field(_GRAPH, _BYTES, changed)])


def _derived(graph: Message, kind: FloatKind) -> list[Field]:
    tensors = _tensors(graph)
    nodes: list[_Node] = []
    renamed: dict[str, str] = {}
    for node in _nodes(graph):
        inputs = [renamed.get(name, name) for name in node.inputs]
        if node.op == "QuantizeLinear":
            renamed[node.outputs[0]] = inputs[0]
        elif node.op == "DequantizeLinear" and inputs[0] in tensors:
            scale, zero = tensors[inputs[1]], tensors.get(inputs[2]) if len(inputs) > 2 else None
            tensors[node.outputs[0]] = _dequantised(tensors[inputs[0]], scale, zero, node.integer("axis", 1))
        elif node.op == "DequantizeLinear":
            renamed[node.outputs[0]] = inputs[0]
        else:
            nodes.append(_Node(node.op, node.name, inputs, node.outputs, node.attributes))
    if not renamed:
        raise ModelFileError("the model holds no QuantizeLinear; it is no int8 model")
    lost = _ends(graph) & set(renamed)
    if lost:
        raise ModelFileError(f"outputs {sorted(lost)} are quantised; float outputs are needed")
    return _rebuilt(graph, nodes, tensors, kind)


def _rebuilt(
    graph: Message, nodes: list[_Node], tensors: dict[str, NDArray[np.generic]], kind: FloatKind
) -> list[Field]:
    """The graph with these nodes and of the tensors those that a node reads."""
    if kind == "fp16":
        nodes = _halved(nodes, _ends(graph))
    used = {name for node in nodes for name in node.inputs}
    kept = {name: value for name, value in tensors.items() if name in used}
    if kind == "fp16":
        kept = {n: v.astype(np.float16) if v.dtype == np.float32 else v for n, v in kept.items()}
    return [
        *(node.written() for node in nodes),
        *graph.without(_NODE, _INITIALIZER, _VALUE_INFO),
        *(_tensor(name, value) for name, value in kept.items()),
    ]


def _ends(graph: Message) -> set[str]:
    return {read_message(value).text(1) for value in graph.all(_OUTPUT)}


def _halved(nodes: list[_Node], ends: set[str]) -> list[_Node]:
    """Casts to float become casts to half, and every output is cast back to float32."""
    out: list[_Node] = []
    for node in nodes:
        changed = node
        if node.op == "Cast" and node.integer("to", 0) == _FLOAT:
            changed = _Node(node.op, node.name, node.inputs, node.outputs, [_to(_HALF)])
        out.append(_Node(changed.op, changed.name, changed.inputs, list(changed.outputs), changed.attributes))
        for place, name in enumerate(node.outputs):
            if name in ends:
                out[-1].outputs[place] = f"{name}_half"
                out.append(_Node("Cast", f"{name}_float", [f"{name}_half"], [name], [_to(_FLOAT)]))
    return out


def _dequantised(
    values: NDArray[np.generic], scale: NDArray[np.generic], zero: NDArray[np.generic] | None, axis: int
) -> NDArray[np.float32]:
    if scale.size > 1:
        shape = [1] * values.ndim
        shape[axis] = scale.size
        if values.shape[axis] != scale.size:  # numpy would multiply them out, whatever memory that takes
            raise ValueError(f"{scale.size} scales for {values.shape[axis]} channels")
        scale = scale.reshape(shape)
        zero = None if zero is None else zero.reshape(shape)
    shifted = (
        values.astype(np.float64) if zero is None else values.astype(np.float64) - zero.astype(np.float64)
    )
    return np.asarray(shifted * scale.astype(np.float64), np.float32)


def _nodes(graph: Message) -> list[_Node]:
    found = []
    for value in graph.all(_NODE):
        node = read_message(value)
        attributes = [field for field in node.fields if field.number == _ATTRIBUTE]
        found.append(_Node(node.text(_OP), node.text(_NAME), node.texts(_IN), node.texts(_OUT), attributes))
    return found


def _tensors(graph: Message) -> dict[str, NDArray[np.generic]]:
    found: dict[str, NDArray[np.generic]] = {}
    for value in graph.all(_INITIALIZER):
        tensor = read_message(value)
        name, data_type = tensor.text(_TENSOR_NAME), tensor.integer(_DATA_TYPE)
        if data_type not in _DTYPES:
            raise ModelFileError(f"initializer {name} has data type {data_type}, which is not handled")
        shape = tensor.integers(_DIMS)
        raw = list(tensor.all(_RAW))
        if raw:
            flat = np.frombuffer(raw[-1], _DTYPES[data_type])
        elif data_type == _FLOAT:
            flat = np.frombuffer(b"".join(tensor.all(_FLOAT_DATA)), "<f4")
        else:
            words = tensor.integers(_INT64_DATA if data_type == _INT64 else _INT32_DATA)
            flat = np.array(words, np.uint64).view(np.int64).astype(_DTYPES[data_type])
        found[name] = flat.reshape(shape)
    return found


def _tensor(name: str, value: NDArray[np.generic]) -> Field:
    data_type = next(key for key, dtype in _DTYPES.items() if np.dtype(dtype) == value.dtype)
    dims = [Field(_DIMS, _BYTES, write_packed(list(value.shape)))] if value.ndim else []
    return _field(
        _INITIALIZER,
        [
            *dims,
            Field(_DATA_TYPE, 0, data_type),
            _text(_TENSOR_NAME, name),
            Field(_RAW, _BYTES, value.tobytes()),
        ],
    )


def _to(data_type: int) -> Field:
    return _field(
        _ATTRIBUTE, [_text(_ATTRIBUTE_NAME, "to"), Field(_ATTRIBUTE_INT, 0, data_type), Field(20, 0, 2)]
    )


def _text(number: int, text: str) -> Field:
    return Field(number, _BYTES, text.encode())


def _field(number: int, fields: list[Field]) -> Field:
    return Field(number, _BYTES, write_message(fields))
