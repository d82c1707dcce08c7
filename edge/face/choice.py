"""Which detector a till uses, from where, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.face.detector import Detector, DetectorFileAlteredError, DetectorFileMissingError
from edge.face.manifest import MANIFEST, file_digest
from edge.face.mtcnn import MtcnnDetector
from edge.face.yunet import YunetDetector

__all__ = [
    "MTCNN_FOLDER",
    "YUNET",
    "DetectorChoice",
    "DetectorKind",
    "UpstreamFile",
    "choose_detector",
    "find_yunet",
    "open_detector",
    "user_models_folder",
]

DetectorKind = Literal["auto", "mtcnn", "yunet"]

# At 320 x 192 a score of 0.6 lets 13 things through that are no faces in 294 frames of the clips, 0.7 lets two;
# neither misses one of the 376 faces that look into the camera and are 60 px wide (2026-11).
_YUNET_SCORE_MIN = 0.7
_MTCNN_SCORE_MIN = 0.8  # the package's own
# On the same frames MTCNN with 72 px and 48 proposals finds what it finds with 20 px and no bound, faces of 34 to
# 60 px included, in an eighth of the time.
_LANE_PROPOSALS_MAX = 48
# The pictures of those frames; YuNet, too, sees every lane reduced to one size.
_LANE_WIDTH_PX = 1280

MTCNN_FOLDER = Path(__file__).resolve().parent.parent / "models" / "face" / "mtcnn"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamFile:
    """A model that comes from its makers and is not part of this project."""

    file_name: str
    sha256: str
    url: str
    licence: str


YUNET = UpstreamFile(
    file_name="yunet_n_dynamic.onnx",
    sha256="104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
    url=(
        "https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/"
        "0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_n_dynamic.onnx"
    ),
    licence="Apache-2.0 (libfacedetection.train, Shiqi Yu)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorChoice:
    """The detector that was chosen: `file` is YuNet's network or MTCNN's folder, `sha256` of what was verified.

    `reason` is a sentence for the log, `/health` and `selftest`.
    """

    name: Literal["mtcnn", "yunet"]
    file: Path
    sha256: str
    reason: str


def user_models_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where models live that are not part of the project; the folder need not exist yet.

    `$CHECKOUT_AGE_MODELS`, else `$STATE_DIRECTORY/models` (a service under systemd), else
    `$XDG_DATA_HOME/checkout-age/models` with the usual default `~/.local/share`.
    """
    if own := environment.get("CHECKOUT_AGE_MODELS"):
        return Path(own).expanduser()
    if state := environment.get("STATE_DIRECTORY"):
        return Path(state.split(":")[0]) / "models"  # systemd lists several with colons
    data = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "checkout-age" / "models"


def choose_detector(
    kind: DetectorKind = "auto", *, models_folder: Path | None = None, mtcnn_folder: Path = MTCNN_FOLDER
) -> DetectorChoice:
    """Decide for a detector: `auto` takes YuNet where its verified file lies in the model folder, else MTCNN.

    Raises DetectorFileMissingError or DetectorFileAlteredError where `yunet` is asked for and its file is
    not there or is another one; `auto` says so in its reason and takes MTCNN.
    """
    folder = user_models_folder() if models_folder is None else models_folder
    if kind == "mtcnn":
        return _mtcnn(mtcnn_folder, "the configuration asks for it")
    try:
        path = _verified_yunet(folder)
    except (DetectorFileMissingError, DetectorFileAlteredError) as error:
        if kind == "yunet":
            raise
        return _mtcnn(mtcnn_folder, str(error))
    asked = "the configuration asks for it" if kind == "yunet" else "its verified file is there"
    return DetectorChoice(name="yunet", file=path, sha256=YUNET.sha256, reason=f"YuNet: {asked} ({path})")


def find_yunet(models_folder: Path | None = None) -> Path | None:
    """The verified file of YuNet, or None where `choose_detector("auto")` would not take it."""
    choice = choose_detector("auto", models_folder=models_folder)
    return choice.file if choice.name == "yunet" else None


def open_detector(
    choice: DetectorChoice,
    *,
    score_min: float | None = None,
    input_size_px: tuple[int, int] | None = (320, 192),
    min_face_px: int = 72,
    intra_op_threads: int = 1,
    allow_spinning: bool = False,
) -> Detector:
    """Start the detector that was chosen.

    The defaults are for a lane. `input_size_px` is YuNet's, `min_face_px` MTCNN's (of a picture 1280 wide; in a wider
    one it grows along); without `score_min` each has its own. `input_size_px` None is for photographs: searched in
    full, and with no bound on how many faces. Raises DetectorError where a file is altered or cannot be loaded.
    """
    if choice.name == "yunet":
        return YunetDetector(
            choice.file,
            score_min=_YUNET_SCORE_MIN if score_min is None else score_min,
            input_size_px=input_size_px,
            intra_op_threads=intra_op_threads,
            allow_spinning=allow_spinning,
        )
    return MtcnnDetector(
        choice.file,
        score_min=_MTCNN_SCORE_MIN if score_min is None else score_min,
        min_face_px=min_face_px,
        width_px=None if input_size_px is None else _LANE_WIDTH_PX,
        proposals_max=None if input_size_px is None else _LANE_PROPOSALS_MAX,
        intra_op_threads=intra_op_threads,
        allow_spinning=allow_spinning,
    )


def _verified_yunet(folder: Path) -> Path:
    path = folder / YUNET.file_name
    if not path.is_file():
        raise DetectorFileMissingError(
            f"YuNet is not in {folder}. Get it with: checkout-age models fetch yunet (or --from DIR)"
        )
    found = file_digest(path)
    if found != YUNET.sha256:
        raise DetectorFileAlteredError(
            f"{path} is not YuNet as it was released: SHA-256 {found}, expected {YUNET.sha256}. "
            "Get it again with: checkout-age models fetch yunet (or --from DIR)"
        )
    return path


def _mtcnn(folder: Path, why: str) -> DetectorChoice:
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise DetectorFileMissingError(
            f"the shipped detector is not in {folder}. Reinstall checkout-age, "
            f"or build it: python -m export.detector --out {folder}"
        )
    return DetectorChoice(name="mtcnn", file=folder, sha256=file_digest(manifest), reason=f"MTCNN: {why}")
