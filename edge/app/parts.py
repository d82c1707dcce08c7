"""Builds detector, age model and vision from a configuration: the one place where these rooms meet."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge.age import AgeBundle, AgeReader, ProviderError, estimate_track, golden_check
from edge.config import Camera, Inference, Lane, Tracking
from edge.face import (
    CONTRACT,
    Detector,
    DetectorChoice,
    QualityGate,
    choose_detector,
    open_detector,
    user_models_folder,
)
from edge.track import Tracker, Zones
from edge.vision import LaneWatch, MotionGate, Vision
from edge.vision.person import Estimator

__all__ = ["SHIPPED_BUNDLE", "Models", "age_bundle_folder", "build_vision", "open_models"]

_log = logging.getLogger(__name__)
_USUAL_SIZE, _USUAL_FACE_PX = (320, 192), 72
"""What `open_detector` takes by itself: YuNet's picture, and the smallest face that MTCNN looks for."""
_FACE_PX_MIN, _GRID_PX = 20, 32

SHIPPED_BUNDLE = Path(__file__).resolve().parent.parent / "models" / "age"


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The networks of a box, opened and warm, with what was chosen and why."""

    choice: DetectorChoice
    detector: Detector
    bundle: AgeBundle
    ages: AgeReader
    threads: int


def age_bundle_folder(inference: Inference) -> Path:
    """The configured bundle, else the one that was installed into the model folder, else the shipped one."""
    if inference.age_bundle is not None:
        return inference.age_bundle
    installed = (inference.models_dir or user_models_folder()) / "age"
    return installed if (installed / "bundle.json").is_file() else SHIPPED_BUNDLE


def open_models(inference: Inference) -> Models:
    """Open detector and age model as configured.

    Raises DetectorError and BundleError with the way out, among them an altered file, another crop contract, and a
    GPU that was demanded and does not work.
    """
    threads = inference.threads or os.cpu_count() or 1
    choice = choose_detector(inference.detector, models_folder=inference.models_dir)
    bundle = AgeBundle.load(age_bundle_folder(inference), contract_digest=CONTRACT.digest)
    return Models(
        choice=choice,
        detector=open_detector(choice, intra_op_threads=threads, allow_spinning=False),
        bundle=bundle,
        ages=_open_ages(bundle, inference, threads),
        threads=threads,
    )


def _open_ages(bundle: AgeBundle, inference: Inference, threads: int) -> AgeReader:
    """The age model, warm; a model that was derived for a GPU must answer as the golden crops say.

    Raises ProviderError where a GPU was demanded and does not.
    """
    reader = AgeReader(
        bundle,
        provider=inference.provider,
        threads=threads,
        gpu_memory_mb=inference.gpu_memory_mb,
        cache=(inference.models_dir or user_models_folder()) / "derived",
    )
    if reader.variant == "int8":
        return reader
    golden = golden_check(bundle, reader)
    if golden.passed:
        return reader
    if inference.provider == "cuda":
        raise ProviderError(str(golden.reason))
    fallen_back = AgeReader(bundle, provider="cpu", threads=threads)
    fallen_back.degraded = golden.reason
    _log.warning("age model runs on the CPU: %s", golden.reason)
    return fallen_back


def build_vision(
    models: Models,
    *,
    lanes: Sequence[Lane],
    cameras: Sequence[Camera],
    tracking: Tracking,
    under_ages: Sequence[int] = (),
    band_ends: Sequence[int] = (),
) -> Vision:
    """The way of a frame for these lanes and cameras. Raises DetectorError as `open_models` does.

    `under_ages`: legal ages of the policy, for which estimates carry a probability beside the usual ones; `band_ends`:
    last years of marketing's age bands, for which they carry shares.
    """
    detectors = _detectors(models, cameras)
    estimator = partial(
        estimate_track, bundle=models.bundle, ages=tuple(under_ages), band_ends=tuple(band_ends)
    )
    return Vision(
        lanes=[_watch(lane, models, tracking, detectors[lane.camera], estimator) for lane in lanes],
        detector=models.detector,
        detectors=detectors,
        ages=models.ages,
        motion={camera.name: MotionGate() for camera in cameras},
    )


def _detectors(models: Models, cameras: Sequence[Camera]) -> dict[str, Detector]:
    """A detector for each camera; one for all that agree in `detect_size`."""
    of_size: dict[tuple[int, int], Detector] = {_USUAL_SIZE: models.detector}
    for camera in cameras:
        size = _whole_cells(camera.detect_size)
        if size not in of_size:
            of_size[size] = open_detector(
                models.choice,
                input_size_px=size,
                # MTCNN has no picture size of its own: it looks for faces of the same share of the picture.
                min_face_px=max(_FACE_PX_MIN, round(_USUAL_FACE_PX * _USUAL_SIZE[0] / size[0])),
                intra_op_threads=models.threads,
                allow_spinning=False,
            )
    return {camera.name: of_size[_whole_cells(camera.detect_size)] for camera in cameras}


def _whole_cells(size: tuple[int, int]) -> tuple[int, int]:
    """Up to the next multiples of YuNet's grid; a picture keeps its own proportions within."""
    width, height = (-(-side // _GRID_PX) * _GRID_PX for side in size)
    return width, height


def _watch(
    lane: Lane, models: Models, tracking: Tracking, detector: Detector, estimator: Estimator
) -> LaneWatch:
    zones = Zones(customer=lane.zones_px.customer, cashier=lane.zones_px.cashier)
    return LaneWatch(
        lane=lane.name,
        camera=lane.camera,
        zones=zones,
        tracker=Tracker(zones=zones, max_track_s=tracking.max_track_s),
        gate=QualityGate(),
        refine=detector.refine,
        estimator=estimator,
        model=models.bundle.name,
        budget=tracking.crops_per_track,
    )
