"""Whatever bytes come from outside: a parser takes them or refuses them in its own words, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.config import parse_config
from tests.security.targets import CHECKOUT, TARGETS, seeds

EXAMPLES = 150
RUNS = {
    "till_json": 300_000,
    "poslog": 150_000,
    "config": 100_000,
    "bundle": 150_000,
    "golden": 50_000,
    "onnx": 150_000,
    "webhook_reply": 150_000,
    "offers": 150_000,
    "hub_message": 100_000,
    "mjpeg": 100_000,
    "camera_challenge": 100_000,
}
"""Executions of `make soak`, 1,500,000 in all: some three minutes of one free core, half of it the configuration's."""


@st.composite
def spoiled(draw: st.DrawFn, name: str) -> bytes:
    """Good input with some of its bytes changed, taken out or repeated."""
    told = draw(st.sampled_from(seeds(name)))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(told)))
        end = draw(st.integers(at, min(len(told), at + 40)))
        piece = draw(
            st.binary(max_size=12)
            | st.sampled_from([told[at:end] * 3, b"", b'"', b"{", b"[" * 2000, b"9" * 5000])
        )
        told = told[:at] + piece + told[end:]
    return told


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_spoiled_input_is_refused_in_words(name: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=300) | spoiled(name))
    def holds(raw: bytes) -> None:
        TARGETS[name](raw)

    holds()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_good_input_is_good(name: str) -> None:
    """Otherwise the fuzzer would begin with refusals and never come far."""
    for seed in seeds(name):
        TARGETS[name](seed)
        if name == "config":
            parse_config(seed, file="f.yaml", folder=CHECKOUT / "configs")  # the target takes a refusal, too


def test_a_million_executions_and_more_are_promised_and_the_manual_says_how_many() -> None:
    assert set(RUNS) == set(TARGETS)
    assert sum(RUNS.values()) >= 1_000_000
    manual = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
    assert f"over {len(RUNS)} parsers with {sum(RUNS.values()):,} executions" in manual


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", sorted(RUNS))
def test_coverage_guided(name: str, tmp_path: Path) -> None:
    runs = int(RUNS[name] * float(os.environ.get("FUZZ_SHARE", "1")))
    done = subprocess.run(
        [sys.executable, "-m", "tests.security.fuzz", name, str(runs), str(tmp_path)],
        cwd=CHECKOUT, capture_output=True, text=True, errors="replace", check=False, timeout=3500,
    )  # fmt: skip
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-4000:]
    counted = re.search(r"Done (\d+)", told) or re.search(r"number_of_executed_units:\s*(\d+)", told)
    assert counted is not None, told[-2000:]
    assert int(counted[1]) >= runs
    branches = re.findall(r"\bcov: (\d+)", told)
    print(f"{name}: {int(counted[1]):,} executions, {int(branches[-1]) if branches else 0:,} branches")
