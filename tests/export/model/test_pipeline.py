"""One real conversion of the starting weights, judged by Keras, by ONNX's own checker and by OpenVINO."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from edge.age import AgeBundle, derive_float, halved
from edge.face import CONTRACT
from export.model.convert import finished, to_onnx, with_mirror
from export.model.errors import ExportError
from export.model.infer import keras_logits, onnx_logits
from export.model.parity import check_float
from export.model.quantise import quantise
from training.model import ages_of, build_model, initialise

SHIPPED = Path(__file__).resolve().parents[3] / "edge" / "models" / "age"


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """The golden crops and shades of them: real faces that may travel with the project."""
    faces = AgeBundle.load(SHIPPED, contract_digest=CONTRACT.digest).golden().crops
    shades = [(faces[:4].astype(np.float32) * k).astype(np.uint8) for k in (0.5, 0.6, 0.7, 0.8, 0.9)]
    return np.concatenate([faces, *shades])


@pytest.fixture(scope="module")
def keras_model(shared: Path) -> Any:
    model = build_model()
    initialise(model, shared / "models" / "resnet50_faces.weights.h5")
    return model


@pytest.fixture(scope="module")
def fp32(keras_model: Any) -> onnx.ModelProto:
    return to_onnx(keras_model)


@pytest.fixture(scope="module")
def int8(fp32: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto:
    return quantise(fp32, crops)


def ops(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def test_keras_and_the_folded_graph_agree_to_a_hundredth_of_a_year(
    keras_model: Any, fp32: onnx.ModelProto, crops: np.ndarray
) -> None:
    by_keras = keras_logits(keras_model, crops)
    by_onnx = onnx_logits(fp32.SerializeToString(), crops, threads=2)
    assert check_float(by_keras, by_onnx) < 0.01
    np.testing.assert_allclose(by_keras, by_onnx, atol=2e-3)


def test_a_crop_read_with_its_mirror_image_answers_the_mean_of_both_whatever_the_batch(
    keras_model: Any, fp32: onnx.ModelProto, crops: np.ndarray
) -> None:
    pair = with_mirror(fp32).SerializeToString()
    alone = fp32.SerializeToString()
    by_hand = (onnx_logits(alone, crops, threads=2) + onnx_logits(alone, crops[:, :, ::-1], threads=2)) / 2

    np.testing.assert_allclose(onnx_logits(pair, crops, threads=2), by_hand, atol=1e-4)
    np.testing.assert_allclose(onnx_logits(pair, crops[:1], threads=2), by_hand[:1], atol=1e-4)
    np.testing.assert_allclose(keras_logits(keras_model, crops, mirrored=True), by_hand, atol=2e-3)


def test_a_mirrored_model_says_the_same_in_8_bits_and_with_the_rounding_taken_out(
    fp32: onnx.ModelProto, crops: np.ndarray
) -> None:
    pair = with_mirror(fp32)
    int8 = quantise(pair, crops).SerializeToString()
    before = ages_of(onnx_logits(pair.SerializeToString(), crops, threads=2))
    for kind in (int8, derive_float(int8, "fp32"), derive_float(int8, "fp16")):
        assert np.abs(ages_of(onnx_logits(kind, crops, threads=2)) - before).mean() < 0.5


def test_colour_order_matters_and_is_the_cameras(fp32: onnx.ModelProto, crops: np.ndarray) -> None:
    """Were BGR and RGB mixed up after the export, the parity above would still hold for grey pictures."""
    right = ages_of(onnx_logits(fp32.SerializeToString(), crops[:2], threads=1))
    wrong = ages_of(onnx_logits(fp32.SerializeToString(), crops[:2, ..., ::-1], threads=1))
    assert np.abs(right - wrong).max() > 0.5


def test_the_graph_is_as_short_as_it_can_be(fp32: onnx.ModelProto) -> None:
    assert ops(fp32) == {
        "Cast": 1, "Sub": 1, "Transpose": 1, "Conv": 53, "Relu": 49, "Add": 16, "MaxPool": 1,
        "GlobalAveragePool": 1, "Squeeze": 1, "Gemm": 1,
    }  # fmt: skip
    assert [(o.domain, o.version) for o in fp32.opset_import] == [("", 17)]
    assert fp32.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"
    names = [node.name for node in fp32.graph.node]
    assert len(set(names)) == len(names)
    assert "conv4_block6_3_conv" in names


def test_int8_rounds_convolutions_sums_and_pooling_and_leaves_the_ages_float(int8: onnx.ModelProto) -> None:
    onnx.checker.check_model(int8, full_check=True)
    tensors = {t.name: numpy_helper.to_array(t) for t in int8.graph.initializer}
    makers = {name: node for node in int8.graph.node for name in node.output}
    for conv in (node for node in int8.graph.node if node.op_type == "Conv"):
        weight = makers[conv.input[1]]
        kernel = tensors[weight.input[0]]
        assert kernel.dtype == np.int8
        assert np.abs(kernel.astype(int)).max() <= 64  # 7 bits: no pair of products overflows 16 bits
        assert tensors[weight.input[1]].shape == (kernel.shape[0],)
        activation = makers[makers[conv.input[0]].input[0]]
        assert tensors[activation.input[2]].dtype == np.uint8
    (gemm,) = (node for node in int8.graph.node if node.op_type == "Gemm")
    assert tensors[gemm.input[1]].dtype == np.float32
    assert ops(int8)["Relu"] == 49


def test_int8_says_nearly_what_fp32_says(
    fp32: onnx.ModelProto, int8: onnx.ModelProto, crops: np.ndarray
) -> None:
    before = ages_of(onnx_logits(fp32.SerializeToString(), crops, threads=2))
    after = ages_of(onnx_logits(int8.SerializeToString(), crops, threads=2))
    assert np.abs(before - after).mean() < 0.5


def test_taking_the_rounding_out_gives_the_float_model_again(
    fp32: onnx.ModelProto, int8: onnx.ModelProto, crops: np.ndarray
) -> None:
    before = ages_of(onnx_logits(fp32.SerializeToString(), crops, threads=2))
    after = ages_of(onnx_logits(derive_float(int8.SerializeToString(), "fp32"), crops, threads=2))
    assert np.abs(before - after).mean() < 0.5


def test_half_precision_is_the_same_model(fp32: onnx.ModelProto, crops: np.ndarray) -> None:
    half = onnx_logits(halved(fp32.SerializeToString()), crops, threads=2)
    assert (
        np.abs(ages_of(half) - ages_of(onnx_logits(fp32.SerializeToString(), crops, threads=2))).max() < 0.1
    )


def test_onnx_runtime_fuses_every_layer_into_8_bit_kernels(int8: onnx.ModelProto, tmp_path: Path) -> None:
    """What is fast here is what the runtime makes of the file: no float convolution may be left."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "fused.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(int8.SerializeToString(), options, providers=["CPUExecutionProvider"])
    fused = ops(onnx.load(tmp_path / "fused.onnx"))
    assert fused["QLinearConv"] == 53
    assert fused["Conv"] == 0
    assert fused["QLinearAdd"] >= 15


def test_openvino_reads_the_same_file_and_says_the_same(
    int8: onnx.ModelProto, crops: np.ndarray, tmp_path: Path
) -> None:
    import openvino

    onnx.save(int8, tmp_path / "int8.onnx")
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(tmp_path / "int8.onnx"), "CPU", {"INFERENCE_NUM_THREADS": 2}
    )
    theirs = compiled({"crops": crops[:4]})["logits"]
    ours = onnx_logits(int8.SerializeToString(), crops[:4], threads=2)
    assert np.abs(ages_of(np.asarray(theirs)) - ages_of(ours)).max() < 1.0


def test_facts_of_deployment_stand_in_the_file(fp32: onnx.ModelProto) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(fp32)
    session = onnxruntime.InferenceSession(
        finished(model, {"color_order": "BGR", "license": "none"}).SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    assert session.get_modelmeta().custom_metadata_map == {"color_order": "BGR", "license": "none"}


def test_a_scalar_head_has_nothing_to_calibrate_and_is_refused() -> None:
    with pytest.raises(ExportError, match="--head distribution"):
        to_onnx(build_model("scalar"))


def test_too_few_crops_find_no_ranges(fp32: onnx.ModelProto, crops: np.ndarray) -> None:
    with pytest.raises(ExportError, match="19 crops are too few"):
        quantise(fp32, crops[:19])
