"""The float twins that are made without the `onnx` package, judged by it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from edge.age import AgeBundle, ModelFileError, derive_float
from edge.age.protobuf import Field, ProtobufError, read_message, read_packed, write_message, write_packed


@pytest.fixture(scope="module")
def int8(shipped: AgeBundle) -> bytes:
    return shipped.model_path.read_bytes()


def test_nothing_quantised_is_left_and_the_graph_is_sound(int8: bytes) -> None:
    for kind in ("fp32", "fp16"):
        model = onnx.load_from_string(derive_float(int8, kind))  # type: ignore[arg-type]
        onnx.checker.check_model(model, full_check=True)
        ops = Counter(node.op_type for node in model.graph.node)
        assert ops["QuantizeLinear"] == ops["DequantizeLinear"] == 0
        assert (ops["Conv"], ops["Relu"], ops["Add"], ops["Gemm"]) == (53, 49, 16, 1)


def test_weights_are_those_of_the_int8_file_times_their_scales(int8: bytes) -> None:
    before = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(int8).graph.initializer}
    after = {
        t.name: numpy_helper.to_array(t)
        for t in onnx.load_from_string(derive_float(int8, "fp32")).graph.initializer
    }
    name = next(n for n in before if n.startswith("conv3_block1_1_conv.weight") and n.endswith("quantized"))
    stem = name.removesuffix("_quantized")
    by_hand = before[name].astype(np.float64) * before[f"{stem}_scale"][:, None, None, None]
    found = next(value for n, value in after.items() if n.startswith(stem) and value.shape == by_hand.shape)
    np.testing.assert_allclose(found, by_hand, rtol=1e-6)


def test_a_float_model_is_not_taken_for_an_int8_one(int8: bytes) -> None:
    with pytest.raises(ModelFileError, match="no int8 model"):
        derive_float(derive_float(int8, "fp32"), "fp32")


@pytest.mark.parametrize("damaged", [b"", b"\x00\x01", b"no model at all", b"\x3a\xff\xff\xff\xff\x0f"])
def test_bytes_that_are_no_model_are_refused_with_the_way_out(damaged: bytes) -> None:
    with pytest.raises(ModelFileError, match="Way out"):
        derive_float(damaged, "fp32")


FIELDS = st.lists(
    st.one_of(
        st.builds(lambda n, v: Field(n, 0, v), st.integers(1, 5000), st.integers(0, 2**64 - 1)),
        st.builds(lambda n, v: Field(n, 2, v), st.integers(1, 5000), st.binary(max_size=300)),
        st.builds(lambda n, v: Field(n, 5, v), st.integers(1, 5000), st.binary(min_size=4, max_size=4)),
        st.builds(lambda n, v: Field(n, 1, v), st.integers(1, 5000), st.binary(min_size=8, max_size=8)),
    )
)


@given(FIELDS)
def test_a_message_is_written_as_it_was_read(fields: list[Field]) -> None:
    assert read_message(write_message(fields)).fields == fields


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    try:
        read_message(data)
    except ProtobufError:
        return


@given(st.lists(st.integers(0, 2**63)))
def test_packed_integers_come_back(values: list[int]) -> None:
    assert read_packed(write_packed(values)) == values


def test_a_message_that_ends_early_is_found() -> None:
    whole = write_message([Field(1, 2, b"crops"), Field(2, 0, 300)])
    for end in (3, len(whole) - 1):
        with pytest.raises(ProtobufError):
            read_message(whole[:end])


def test_a_well_formed_message_that_is_no_model_is_refused_with_the_way_out() -> None:
    """Found by fuzzing: a node without outputs was an IndexError."""
    node = write_message([Field(4, 2, b"QuantizeLinear"), Field(1, 2, b"x")])
    graph = write_message([Field(1, 2, node)])
    with pytest.raises(ModelFileError, match="Way out"):
        derive_float(write_message([Field(7, 2, graph)]), "fp32")


def test_scales_that_do_not_fit_their_weights_are_refused_and_not_multiplied_out() -> None:
    def tensor(name: bytes, count: int, kind: int, width: int) -> Field:
        told = [Field(1, 0, count), Field(2, 0, kind), Field(8, 2, name), Field(9, 2, bytes(count * width))]
        return Field(5, 2, write_message(told))

    node = [Field(1, 2, b"w"), Field(1, 2, b"s"), Field(2, 2, b"y"), Field(4, 2, b"DequantizeLinear")]
    axis = write_message([Field(1, 2, b"axis"), Field(3, 0, 0), Field(20, 0, 2)])
    graph = write_message(
        [
            Field(1, 2, write_message([*node, Field(5, 2, axis)])),
            tensor(b"w", 1000, 3, 1),
            tensor(b"s", 3, 1, 4),
        ]
    )
    with pytest.raises(ModelFileError, match="3 scales for 1000 channels"):
        derive_float(write_message([Field(7, 2, graph)]), "fp32")
