"""Coverage-guided fuzzing of one target: `python -m tests.security.fuzz TARGET RUNS FOLDER`.

Ends with 0 after so many runs, otherwise with the finding's trace; the bytes lie in FOLDER then. The fuzzer's last
lines say how many runs there were.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import atheris

from tests.security.targets import TARGETS, seeds

WATCHED = {
    "till_json": ["json.decoder", "edge.till"],
    "poslog": ["edge.till.poslog", "edge.till"],
    "config": ["yaml", "edge.config"],
    "bundle": ["json.decoder", "edge.age.manifest", "edge.age.bundle"],
    "golden": ["zipfile", "numpy.lib.format", "edge.age.vectors"],
    "onnx": ["edge.age.protobuf", "edge.age.derive"],
    "webhook_reply": ["http.client", "edge.events.webhook_sink"],
    "offers": ["json.decoder", "edge.app.offers"],
    "hub_message": ["json.decoder", "edge.app.hub_reading", "edge.events.cloudevent"],
    "mjpeg": ["edge.camera.multipart"],
    "camera_challenge": ["edge.camera.challenge"],
}
"""Modules whose branches the fuzzer follows."""
LONGEST = {"config": 512}
"""Bytes of input, where the usual 4096 would cost more time than they find."""


def main(name: str, runs: int, folder: Path) -> None:
    """Does not return: the fuzzer ends the process."""
    with atheris.instrument_imports(include=WATCHED[name]):
        for module in WATCHED[name]:
            importlib.import_module(module)
    corpus = folder / f"{name}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(
        [
            "fuzz", str(corpus), f"-atheris_runs={runs}", f"-max_len={LONGEST.get(name, 4096)}",
            "-timeout=120", "-rss_limit_mb=3000", f"-artifact_prefix={folder}/{name}-", "-print_final_stats=1",
            "-verbosity=1", "-seed=20260105",
        ],
        TARGETS[name],
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
