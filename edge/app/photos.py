"""Builds what reads ages off photographs: the same networks as a lane's, at a size that suits photographs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from edge.age import AgeBundle, AgeReader, estimate_track
from edge.app.parts import age_bundle_folder
from edge.config import Inference
from edge.face import CONTRACT, DetectorChoice, choose_detector, open_detector
from edge.vision.photo import PhotoVision

__all__ = ["PhotoParts", "open_photo_vision"]

_YUNET_SURE, _YUNET_CLOSE = 0.6, 0.5  # data sets are prepared with 0.5 in a framed chip; a scene needs more


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoParts:
    """What reads photographs, and what it was built from."""

    vision: PhotoVision
    choice: DetectorChoice
    bundle: AgeBundle


def open_photo_vision(inference: Inference) -> PhotoParts:
    """Open detector and age model; raises DetectorError and AgeModelError with the way out."""
    threads = inference.threads or os.cpu_count() or 1
    choice = choose_detector(inference.detector, models_folder=inference.models_dir)
    yunet = choice.name == "yunet"
    detector = open_detector(
        choice,
        score_min=_YUNET_CLOSE if yunet else None,
        input_size_px=None,
        min_face_px=32,
        intra_op_threads=threads,
    )
    bundle = AgeBundle.load(age_bundle_folder(inference), contract_digest=CONTRACT.digest)
    ages = AgeReader(bundle, provider=inference.provider, threads=threads, spinning=False)
    vision = PhotoVision(
        detector=detector,
        ages=ages,
        estimator=partial(estimate_track, bundle=bundle),
        sure_score=_YUNET_SURE if yunet else 0.0,
    )
    return PhotoParts(vision=vision, choice=choice, bundle=bundle)
