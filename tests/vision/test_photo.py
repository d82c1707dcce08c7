"""The way of a photograph: where faces are looked for, in which order they are told, when nothing is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.face import Detector, choose_detector, open_detector
from edge.flow import AgeEstimate, Face, UnknownReason
from edge.vision.photo import PhotoVision

PORTRAITS = Path(__file__).resolve().parents[2] / "edge" / "camera" / "portraits"


class CountingModel:
    """Answers every crop with its number, and remembers how many came at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def read(self, crops: np.ndarray) -> np.ndarray:
        first = sum(self.batches)
        self.batches.append(len(crops))
        return np.tile(np.arange(first, first + len(crops), dtype=np.float32)[:, None], (1, 101))


def estimated(logits: np.ndarray, qualities: np.ndarray) -> AgeEstimate:
    number = float(logits[0, 0])
    return AgeEstimate(
        mean_years=number, median_years=number, low_years=0.0, high_years=100.0, crops=len(qualities)
    )


def portrait(name: str) -> np.ndarray:
    image = cv2.imread(str(PORTRAITS / f"{name}.jpg"))
    assert image is not None
    return image


@pytest.fixture(scope="module")
def detector() -> Detector:
    return open_detector(choose_detector("mtcnn"), min_face_px=32)


@pytest.fixture
def photos(detector: Detector) -> PhotoVision:
    return PhotoVision(detector=detector, ages=CountingModel(), estimator=estimated)


def side_by_side(*names: str) -> np.ndarray:
    height = 421
    padded = [
        cv2.copyMakeBorder(p, 0, height - p.shape[0], 0, 0, cv2.BORDER_REPLICATE)
        for p in map(portrait, names)
    ]
    return np.hstack(padded)


def test_faces_are_told_from_left_to_right(photos: PhotoVision) -> None:
    ((first, second),) = photos.read([side_by_side("hopper", "collins")])
    assert first.box_px[0] < second.box_px[0]
    assert first.box_px[2] > second.box_px[2], "the larger face, Hopper's, is the left one"


def test_each_picture_keeps_its_own_faces(photos: PhotoVision) -> None:
    empty = np.full((80, 80, 3), 90, np.uint8)
    none, one, two = photos.read([empty, portrait("collins"), side_by_side("collins", "hopper")])
    assert (len(none), len(one), len(two)) == (0, 1, 2)
    assert [face.estimate.mean_years for face in (*one, *two)] == [0.0, 1.0, 2.0]


def test_no_pictures_and_a_picture_of_one_pixel(photos: PhotoVision) -> None:
    assert photos.read([]) == []
    assert photos.read([np.zeros((1, 1, 3), np.uint8)]) == [[]]


def test_a_box_is_in_pixels_of_the_photograph_however_large(photos: PhotoVision) -> None:
    large = cv2.resize(portrait("collins"), None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    ((face,),) = photos.read([large])
    assert np.allclose(face.box_px[:3], (1344, 520, 728), atol=110)


def test_a_chip_cut_as_tight_as_its_face_is_read(photos: PhotoVision) -> None:
    tight = portrait("hopper")[78:231, 113:241]
    ((face,),) = photos.read([tight])
    assert face.box_px[2] > 90


def test_a_crowd_is_read_a_few_faces_at_a_time(detector: Detector) -> None:
    ages = CountingModel()
    small = cv2.resize(portrait("collins"), (222, 210), interpolation=cv2.INTER_AREA)
    crowd = np.vstack([np.hstack([small] * 4)] * 5)
    ((*faces,),) = PhotoVision(detector=detector, ages=ages, estimator=estimated).read([crowd])
    assert len(faces) == 20
    assert max(ages.batches) <= 16
    assert sorted(face.estimate.mean_years for face in faces) == list(range(20))


def test_what_the_gate_refuses_has_a_reason_and_costs_no_inference(detector: Detector) -> None:
    ages = CountingModel()
    night = (portrait("collins") * 0.06).astype(np.uint8)
    clear = portrait("collins")
    faces = PhotoVision(detector=_Same(detector, clear), ages=ages, estimator=estimated).read([night])[0]
    assert [face.estimate.reason for face in faces] == [UnknownReason.TOO_DARK]
    assert ages.batches == []


class _Same:
    """Finds in every picture what is to be seen in `clear`."""

    name = "same"

    def __init__(self, detector: Detector, clear: np.ndarray) -> None:
        self._faces = detector.detect([clear])[0]

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        return [self._faces for _ in images]

    def refine(self, image: np.ndarray, faces: Sequence[Face]) -> list[Face]:  # noqa: ARG002
        return list(faces)


class _OnlyFramed(_Same):
    """A detector that sees a tight face only when there is black around it, as detectors do."""

    def __init__(self) -> None:
        self.looked: list[tuple[int, ...]] = []

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        self.looked += [image.shape[:2] for image in images]
        points = np.array([[80, 90], [120, 90], [100, 110], [85, 130], [115, 130]], np.float32)
        face = Face(box_px=(60.0, 60.0, 80.0, 100.0), landmarks_px=points, score=0.55)
        return [[face] if not image[:30].any() and not image[:, :30].any() else [] for image in images]


def test_without_a_face_a_black_border_is_tried_and_taken_off_the_coordinates() -> None:
    detector = _OnlyFramed()
    vision = PhotoVision(detector=detector, ages=CountingModel(), estimator=estimated, sure_score=0.6)
    rng = np.random.default_rng(3)
    chip = rng.integers(30, 220, (180, 160, 3), dtype=np.uint8)
    large = rng.integers(30, 220, (1280, 640, 3), dtype=np.uint8)
    ((small_face,), (large_face,)) = vision.read([chip, large])
    assert detector.looked == [(180, 160), (960, 480), (240, 220), (380, 220)]
    assert small_face.box_px == (30.0, 30.0, 80.0, 100.0)
    assert large_face.box_px == (120.0, 120.0, 320.0, 400.0)
