"""What is put into a bundle after its export: figures of `evaluate`, a temperature for tracks; with its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edge.age import MANIFEST_FILE, AgeBundle
from edge.face import CONTRACT
from training.card import model_card

__all__ = ["CARD_FILE", "put_metrics", "put_tracks", "written_manifest"]

CARD_FILE: Final = "MODEL_CARD.md"


def put_metrics(folder: Path, metrics: Mapping[str, Any]) -> AgeBundle:
    """Put what `evaluate` measured into a bundle; nothing that decides is touched, its digest stays."""
    return _put(folder, "metrics", metrics)


def put_tracks(folder: Path, tracks: Mapping[str, Any]) -> AgeBundle:
    """Put what was calibrated on tracks into a bundle; its digest changes, because its answers do."""
    return _put(folder, "tracks", tracks)


def written_manifest(document: Mapping[str, Any]) -> str:
    """`bundle.json` as text, the same for the same values."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _put(folder: Path, key: str, value: Mapping[str, Any]) -> AgeBundle:
    """Write manifest and card, and load the bundle as the till does; where that fails both are as before.

    Raises edge.age.BundleError.
    """
    AgeBundle.load(folder, contract_digest=CONTRACT.digest)
    manifest, card = folder / MANIFEST_FILE, folder / CARD_FILE
    before = {path: path.read_bytes() if path.is_file() else None for path in (manifest, card)}
    document = json.loads(manifest.read_text(encoding="utf-8")) | {key: dict(value)}
    try:
        _write(manifest, written_manifest(document))
        _write(card, model_card(document))
        return AgeBundle.load(folder, contract_digest=CONTRACT.digest)
    except BaseException:
        for path, raw in before.items():
            path.unlink(missing_ok=True) if raw is None else path.write_bytes(raw)
        raise


def _write(target: Path, text: str) -> None:
    waiting = target.with_name(target.name + ".part")
    waiting.write_text(text, encoding="utf-8")
    waiting.replace(target)
