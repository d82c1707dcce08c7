"""The locked requirements pin what pyproject.toml asks for, with hashes, and name no host."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.conftest import CHECKOUT

LOCKS = ("cpu", "gpu", "marketing", "fleet", "training", "dev")
EXTRAS = {
    "cpu": ["cpu"],
    "gpu": ["gpu"],
    "marketing": ["cpu", "marketing"],
    "fleet": ["cpu", "marketing", "fleet"],
    "training": ["cpu", "training"],
    "dev": ["cpu", "training", "bench", "marketing", "fleet", "dev"],
}
PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)")


def text_of(lock: str) -> str:
    return (CHECKOUT / "requirements" / f"{lock}.txt").read_text()


def pins_of(lock: str) -> dict[str, str]:
    found = (PIN.match(line) for line in text_of(lock).splitlines())
    return {pin[1]: pin[2] for pin in found if pin}


def asked_for(extras: list[str]) -> set[str]:
    """Names of the packages that pyproject.toml lists for the edge and these extras."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return {re.split(r"[\[<>=~! ]", wish, maxsplit=1)[0].lower() for wishes in lists for wish in wishes}


@pytest.mark.parametrize("lock", LOCKS)
def test_it_pins_everything_that_is_asked_for(lock: str) -> None:
    assert asked_for(EXTRAS[lock]) - set(pins_of(lock)) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_nothing_is_fetched_by_address(lock: str) -> None:
    entries = text_of(lock).replace("\\\n", "").splitlines()
    packages = [line for line in entries if line and not line.startswith("#")]

    assert packages
    assert [line for line in packages if not (PIN.match(line) and "--hash=sha256:" in line)] == []
    assert re.findall(r"\w+://\S+|--\w*index\S*|--find-links", text_of(lock)) == []


def test_the_two_builds_of_onnx_runtime_exclude_each_other() -> None:
    kinds = {lock: {name for name in pins_of(lock) if name.startswith("onnxruntime")} for lock in LOCKS}

    assert kinds == {
        "cpu": {"onnxruntime"},
        "gpu": {"onnxruntime-gpu"},
        "marketing": {"onnxruntime"},
        "fleet": {"onnxruntime"},
        "training": {"onnxruntime"},
        "dev": {"onnxruntime"},
    }


def test_what_two_locks_share_has_one_version() -> None:
    pins = {lock: pins_of(lock) for lock in LOCKS}
    differing = {
        (name, lock)
        for lock in LOCKS
        for name, version in pins[lock].items()
        if pins["dev"].get(name, version) != version
    }

    assert differing == set()


@pytest.mark.parametrize("lock", ["cpu", "gpu"])
def test_a_till_box_gets_no_training_package_and_no_torch(lock: str) -> None:
    heavy = {"tensorflow", "keras", "torch", "jax", "matplotlib", "tf2onnx", "onnx", "pandas", "duckdb"}

    assert heavy & set(pins_of(lock)) == set()
    assert "torch" not in pins_of("dev")


def test_every_extra_but_the_benchmarks_has_a_lock_of_its_own() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert set(project["optional-dependencies"]) - {"bench"} == set(LOCKS)
    assert {file.stem for file in (CHECKOUT / "requirements").glob("*.txt")} == set(LOCKS)
