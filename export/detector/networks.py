"""MTCNN's three networks as ONNX graphs, built layer by layer from arrays (Zhang, Zhang, Li, Qiao, 2016).

What the till does to a picture is inside the graphs: they take BGR 0..255 as OpenCV has it, in float32, because
PNet's score moves by 0.06 where a scaled pixel is rounded. Scaling to (x - 127.5) / 128 and RGB order are folded
into the first convolution, which has no padding, so the fold is exact; the two-way softmax is one sigmoid of the
difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["onet", "pnet", "rnet"]

Array = NDArray[np.float32]
_OPSET = 17
_IR_VERSION = 9


class _Graph:
    """A chain of layers under construction; `at` names the tensor that the next layer reads."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self.at = "pictures"

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, name: str, *constants: str, read: str | None = None, **attributes: Any) -> str:
        """Append one node that reads `read` (or the chain's end) and becomes the chain's end."""
        inputs = [read or self.at, *constants]
        self._nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        self.at = name
        return name

    def picture(self) -> None:
        """(n, h, w, 3) to (n, 3, h, w)."""
        self.add("Transpose", "planes", perm=[0, 3, 1, 2])

    def convolution(self, name: str, weights: Array, bias: Array, *, read: str | None = None) -> str:
        """Weights as Keras has them: (height, width, in, out); no padding."""
        kernel = self.constant(f"{name}.weights", weights.transpose(3, 2, 0, 1))
        return self.add("Conv", name, kernel, self.constant(f"{name}.bias", bias), read=read)

    def prelu(self, name: str, slopes: Array) -> None:
        """slope * x + (1 - slope) * relu(x), for pictures as two one-pixel convolutions.

        ONNX Runtime keeps those in the layout of its convolutions, while PRelu costs twice the time of the
        convolutions beside it (PNet at 320 x 180: 5.3 ms with it, 3.6 ms so; RNet 9.7 and 5.3; 2026-11).
        """
        slopes = slopes.reshape(-1)
        x, shape = self.at, (len(slopes), 1, 1, 1)
        relu = self.add("Relu", f"{name}.relu")
        parts = [
            self.add(
                "Conv",
                f"{name}.{part}",
                self.constant(f"{name}.{part}_share", share.reshape(shape)),
                read=read,
                group=len(slopes),
                kernel_shape=[1, 1],
            )
            for part, read, share in (("below", x, slopes), ("above", relu, 1 - slopes))
        ]
        self.add("Add", name, parts[1], read=parts[0])

    def dense_prelu(self, name: str, slopes: Array) -> None:
        self.add("PRelu", name, self.constant(f"{name}.slopes", slopes))

    def pool(self, name: str, size: int, *, pad_end: int = 0, ceil: bool = False) -> None:
        self.add(
            "MaxPool",
            name,
            kernel_shape=[size, size],
            strides=[2, 2],
            pads=[0, 0, pad_end, pad_end],
            ceil_mode=int(ceil),
        )

    def dense(self, name: str, weights: Array, bias: Array, *, read: str | None = None) -> str:
        constants = self.constant(f"{name}.weights", weights), self.constant(f"{name}.bias", bias)
        return self.add("Gemm", name, *constants, read=read)

    def model(
        self, name: str, size: Sequence[int | str], outputs: dict[str, Sequence[int | str]]
    ) -> onnx.ModelProto:
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", *size, 3])],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, list(s)) for out, s in outputs.items()],
            self._constants,
        )
        made = helper.make_model(
            graph,
            producer_name="checkout-age",
            ir_version=_IR_VERSION,
            opset_imports=[helper.make_opsetid("", _OPSET)],
        )
        onnx.checker.check_model(made, full_check=True)
        return made


def _folded(weights: Array, bias: Array) -> tuple[Array, Array]:
    """The first convolution for BGR 0..255 in place of RGB (x - 127.5) / 128."""
    exact = weights.astype(np.float64)
    return (
        (exact[:, :, ::-1] / 128).astype(np.float32),
        (bias - exact.sum(axis=(0, 1, 2)) * (127.5 / 128)).astype(np.float32),
    )


def _face_or_not(weights: Array, bias: Array) -> tuple[Array, Array]:
    """One output whose sigmoid is the softmax's second: face."""
    return weights[..., 1:] - weights[..., :1], bias[1:] - bias[:1]


def _first_dense(weights: Array, side: int, channels: int) -> Array:
    """The package flattens as (x, y, channel); ONNX flattens as (channel, y, x)."""
    by_place = weights.reshape(side, side, channels, -1)
    return by_place.transpose(2, 1, 0, 3).reshape(weights.shape)


def pnet(w: Sequence[Array]) -> onnx.ModelProto:
    """Proposals, fully convolutional, one cell for two pixels: `offsets` (n, 4, y, x), `scores` (n, 1, y, x)."""
    g = _Graph()
    g.picture()
    g.convolution("conv1", *_folded(w[0], w[1]))
    g.prelu("prelu1", w[2])
    g.pool("pool1", 2, ceil=True)
    g.convolution("conv2", w[3], w[4])
    g.prelu("prelu2", w[5])
    g.convolution("conv3", w[6], w[7])
    g.prelu("prelu3", w[8])
    features = g.at
    g.convolution("offsets", w[9], w[10], read=features)
    g.convolution("face", *_face_or_not(w[11], w[12]), read=features)
    g.add("Sigmoid", "scores")
    return g.model("pnet", ("h", "w"), {"offsets": ("n", 4, "y", "x"), "scores": ("n", 1, "y", "x")})


def rnet(w: Sequence[Array]) -> onnx.ModelProto:
    """Refinement of 24 x 24 patches: `offsets` (n, 4), `scores` (n, 1)."""
    g = _Graph()
    g.picture()
    g.convolution("conv1", *_folded(w[0], w[1]))
    g.prelu("prelu1", w[2])
    g.pool("pool1", 3, pad_end=1)
    g.convolution("conv2", w[3], w[4])
    g.prelu("prelu2", w[5])
    g.pool("pool2", 3)
    g.convolution("conv3", w[6], w[7])
    g.prelu("prelu3", w[8])
    g.add("Flatten", "features")
    g.dense("fc4", _first_dense(w[9], 3, 64), w[10])
    g.dense_prelu("prelu4", w[11])
    features = g.at
    g.dense("offsets", w[12], w[13], read=features)
    g.dense("face", *_face_or_not(w[14], w[15]), read=features)
    g.add("Sigmoid", "scores")
    return g.model("rnet", (24, 24), {"offsets": ("n", 4), "scores": ("n", 1)})


def onet(w: Sequence[Array]) -> onnx.ModelProto:
    """Last word on 48 x 48 patches: `offsets` (n, 4), `points` (n, 10) as five x then five y, `scores` (n, 1)."""
    g = _Graph()
    g.picture()
    g.convolution("conv1", *_folded(w[0], w[1]))
    g.prelu("prelu1", w[2])
    g.pool("pool1", 3, pad_end=1)
    g.convolution("conv2", w[3], w[4])
    g.prelu("prelu2", w[5])
    g.pool("pool2", 3)
    g.convolution("conv3", w[6], w[7])
    g.prelu("prelu3", w[8])
    g.pool("pool3", 2)
    g.convolution("conv4", w[9], w[10])
    g.prelu("prelu4", w[11])
    g.add("Flatten", "features")
    g.dense("fc5", _first_dense(w[12], 3, 128), w[13])
    g.dense_prelu("prelu5", w[14])
    features = g.at
    g.dense("offsets", w[15], w[16], read=features)
    g.dense("points", w[17], w[18], read=features)
    g.dense("face", *_face_or_not(w[19], w[20]), read=features)
    g.add("Sigmoid", "scores")
    return g.model("onet", (48, 48), {"offsets": ("n", 4), "points": ("n", 10), "scores": ("n", 1)})
