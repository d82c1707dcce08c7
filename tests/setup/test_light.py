"""The edge starts on a box that has neither TensorFlow nor anything else of the training side."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions

import pytest

from tests.conftest import CHECKOUT

FORBIDDEN = (
    "tensorflow",
    "keras",
    "torch",
    "jax",
    "duckdb",
    "pandas",
    "matplotlib",
    "pyspark",
    "ibis",
    "tf2onnx",
)

_BLOCK = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {FORBIDDEN!r}:
            raise AssertionError("the edge imported " + name)
        return None
sys.meta_path.insert(0, Blocker())
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process, from the checkout, where the training side's packages refuse to load."""
    return subprocess.run(
        [sys.executable, "-c", _BLOCK + code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


def test_the_blocker_blocks() -> None:
    assert "the edge imported keras" in python("import keras").stderr


def test_every_module_of_the_edge_loads_without_them() -> None:
    done = python("""
import importlib, pkgutil, edge
for module in pkgutil.walk_packages(edge.__path__, "edge."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
""")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [["--version"], ["--help"], []])
def test_the_command_starts_without_them(words: list[str]) -> None:
    done = python(f"from edge.cli import main; sys.exit(main({words!r}))")

    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if words else 2)


def test_the_composition_root_loads_nothing_heavy() -> None:
    """`import edge.app` must take a second at most, so the runtimes wait until they are used."""
    done = python("""
import edge.app
heavy = {"onnxruntime", "openvino", "scipy"} & set(sys.modules)
print(*sorted(heavy))
""")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == []


def test_exactly_one_onnx_runtime_is_installed() -> None:
    """Two builds share one module: the second would quietly overwrite the first."""
    names = [found.metadata["Name"].lower() for found in distributions()]

    assert len([name for name in names if name == "onnxruntime" or name.startswith("onnxruntime-")]) == 1
