"""Whatever bytes a file has: a configuration comes out, or problems with a place, and never anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.config import Config, ConfigError, Problem, json_schema, parse_config
from edge.config.tree import read_tree

FOLDER = Path(__file__).parent
SECTIONS = json_schema()["properties"]
KEYS = sorted(
    {
        "kind",
        *SECTIONS,
        *(key for section in SECTIONS.values() for key in section.get("properties", {})),
        *(key for key in SECTIONS["cameras"]["items"]["properties"]),
        *(key for key in SECTIONS["lanes"]["items"]["properties"]),
    }
)

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["demo", "file", "mqtt", "cam-1", "rtsp://192.0.2.1/x", "http://[", "UTC", "../..", "~", "/dev/null"]
    )
)
_trees = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=25,
)


def held(raw: bytes) -> None:
    """The promise: a Config, or a ConfigError whose problems all point into the file."""
    problems: tuple[Problem, ...] = ()
    config = None
    try:
        config = parse_config(raw, file="f.yaml", folder=FOLDER)
    except ConfigError as error:
        problems = error.problems
    assert isinstance(config, Config) != bool(problems)
    lines = raw.count(b"\n") + raw.count(b"\r") + raw.count(b"\xc2\x85") + raw.count(b"\xe2\x80") + 2
    for problem in problems:
        assert 0 <= problem.line <= lines
        assert problem.message
        assert str(problem).isprintable()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    held(raw)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}?&*!|>'\"#%@`,\n\t ~<=0.1"), max_size=80))
def test_any_punctuation(text: str) -> None:
    held(text.encode())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted(SECTIONS)), _trees, max_size=8))
def test_any_tree_under_the_right_names(tree: dict[str, object]) -> None:
    held(yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(st.data())
def test_any_single_change_of_a_good_file(data: st.DataObject) -> None:
    good = bytearray((Path(__file__).resolve().parents[2] / "configs" / "lane.yaml").read_bytes())
    at = data.draw(st.integers(0, len(good) - 1))
    end = data.draw(st.integers(at, min(at + 12, len(good))))
    good[at:end] = data.draw(st.binary(max_size=6))
    held(bytes(good))


@pytest.mark.parametrize(
    "raw",
    [
        b"&a [*a]",
        b"cameras: &a [*a]",
        b"lanes: &a {name: *a}",
        b"%YAML 1." + b"9" * 5000,
        b"a: !!python/object:os.x 1",
    ],
)
def test_known_traps(raw: bytes) -> None:
    held(raw)


def test_no_tag_runs_anything(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    held(f"cameras: !!python/object/apply:os.mknod ['{trace}']".encode())
    assert not trace.exists()
    assert read_tree(b"a: 1", "f") is not None
