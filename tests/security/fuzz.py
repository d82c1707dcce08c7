"""Coverage-guided fuzzing of one target: `python -m tests.security.fuzz TARGET RUNS FOLDER`.

Ends with 0 after so many runs, otherwise with the finding's trace; the bytes lie in FOLDER then. The last line says
how many runs there were.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

# What is imported within is watched: the fuzzer follows the branches that it has not seen.
with atheris.instrument_imports(include=["edge", "json", "http.client", "yaml", "defusedxml", "xml"]):
    import http.client
    import json.decoder
    import xml.etree.ElementTree

    import defusedxml.ElementTree
    import yaml

    import edge.age.derive
    import edge.age.manifest
    import edge.app.offers
    import edge.camera.challenge
    import edge.camera.multipart
    import edge.config
    import edge.events
    import edge.till
    from tests.security.targets import TARGETS, seeds

_WATCHED = (http.client, json.decoder, xml, defusedxml, yaml, edge)


def main(name: str, runs: int, folder: Path) -> None:
    """Does not return: the fuzzer ends the process."""
    corpus = folder / f"{name}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(
        [
            "fuzz", str(corpus), f"-atheris_runs={runs}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=3000",
            f"-artifact_prefix={folder}/{name}-", "-print_final_stats=1", "-verbosity=1", "-seed=20260105",
        ],
        TARGETS[name],
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
