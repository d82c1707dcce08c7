"""MTCNN as it ships; that it answers as the package does is held in tests/export/detector."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face import (
    MTCNN_FOLDER,
    Detector,
    DetectorFileAlteredError,
    DetectorFileMissingError,
    MtcnnDetector,
    YunetDetector,
    choose_detector,
    open_detector,
)
from tests.face.conftest import corners

Frames = Callable[[str, float], list[NDArray[np.uint8]]]


@pytest.fixture(scope="module")
def mtcnn() -> MtcnnDetector:
    return MtcnnDetector(MTCNN_FOLDER, min_face_px=72, proposals_max=48)


@pytest.mark.parametrize("clip", ["lane_ages", "lane_rush", "lane_1080p15"])
def test_the_lane_has_the_same_people_for_both_detectors(
    clip: str, mtcnn: MtcnnDetector, yunet_file: Path, frames: Frames
) -> None:
    """Every face that YuNet is sure of and that is not far away, MTCNN finds too, in the same place."""
    yunet = YunetDetector(yunet_file, input_size_px=(640, 384), score_min=0.8)
    near = 0
    for picture in frames(clip, 6.0):
        found = [corners(face) for face in mtcnn.detect([picture])[0]]
        for face in yunet.detect([picture])[0]:
            if face.box_px[2] >= 70:
                near += 1
                middle = corners(face).reshape(2, 2).mean(axis=0)
                distances = [np.abs(box.reshape(2, 2).mean(axis=0) - middle).max() for box in found]
                assert min(distances) < 0.25 * face.box_px[2]
    assert near >= 3


def test_a_batch_of_cameras_gives_what_each_gives_alone(
    mtcnn: MtcnnDetector, frames: Frames, hopper: NDArray[np.uint8]
) -> None:
    lane = frames("lane_rush", 20.0)
    empty, tiny = np.zeros((480, 0, 3), np.uint8), np.full((9, 5, 3), 80, np.uint8)
    batch = [lane[0], empty, hopper, tiny, lane[1]]
    together = mtcnn.detect(batch)
    alone = [mtcnn.detect([picture])[0] for picture in batch]
    assert [len(faces) for faces in together] == [len(faces) for faces in alone]
    for faces, others in zip(together, alone, strict=True):
        for face, other in zip(faces, others, strict=True):
            assert face.box_px == pytest.approx(other.box_px, abs=0.05)
            assert face.landmarks_px == pytest.approx(other.landmarks_px, abs=0.05)
    assert [bool(faces) for faces in together] == [True, False, True, False, True]


def test_no_pictures_have_no_faces(mtcnn: MtcnnDetector) -> None:
    assert mtcnn.detect([]) == []


@pytest.mark.parametrize("height_px", [11, 12, 13, 24, 40])
def test_pictures_about_the_size_of_the_networks_window_are_no_crash(height_px: int) -> None:
    shade = np.full((height_px, 30, 3), 120, np.uint8)
    assert MtcnnDetector(MTCNN_FOLDER, min_face_px=12).detect([shade]) == [[]]


def test_landmarks_stand_in_image_order(mtcnn: MtcnnDetector, collins: NDArray[np.uint8]) -> None:
    for picture in (collins, np.ascontiguousarray(collins[:, ::-1])):
        eye_left, eye_right, nose, mouth_left, mouth_right = mtcnn.detect([picture])[0][0].landmarks_px
        assert eye_left[0] < nose[0] < eye_right[0]
        assert mouth_left[0] < mouth_right[0]
        assert max(eye_left[1], eye_right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


def test_a_searched_reduction_finds_the_face_where_the_full_search_does(hopper: NDArray[np.uint8]) -> None:
    """`min_face_px` 96 searches a quarter of the size; box and landmarks come from the full picture all the same."""
    small, full = (MtcnnDetector(MTCNN_FOLDER, min_face_px=size).detect([hopper])[0][0] for size in (96, 20))
    width = full.box_px[2]
    assert np.abs(corners(small) - corners(full)).max() < 0.1 * width
    assert np.abs(small.landmarks_px - full.landmarks_px).max() < 0.05 * width


def test_boxes_end_at_the_edge_of_the_picture(collins: NDArray[np.uint8]) -> None:
    x, _, width, _ = MtcnnDetector(MTCNN_FOLDER, min_face_px=40).detect([collins])[0][0].box_px
    half = np.ascontiguousarray(collins[:, int(x + 0.3 * width) :])
    for face in MtcnnDetector(MTCNN_FOLDER, min_face_px=40, score_min=0.5).detect([half])[0]:
        left, top, right, bottom = corners(face)
        assert (left, top) >= (0, 0)
        assert right <= half.shape[1] - 1
        assert bottom <= half.shape[0] - 1


@pytest.fixture
def patches(monkeypatch: pytest.MonkeyPatch) -> Callable[[Detector, NDArray[np.uint8]], tuple[int, int]]:
    """How many patches RNet is shown of a picture, and how many faces are found."""

    def counted(detector: Detector, picture: NDArray[np.uint8]) -> tuple[int, int]:
        assert isinstance(detector, MtcnnDetector)
        shown: list[int] = []
        network = detector._rnet

        class Counting:
            def run(self, outputs: list[str], inputs: dict[str, NDArray[np.float32]]) -> Any:
                shown.append(len(inputs["pictures"]))
                return network.run(outputs, inputs)

        monkeypatch.setattr(detector, "_rnet", Counting())
        faces = len(detector.detect([picture])[0])
        return sum(shown), faces

    return counted


Patches = Callable[[Detector, NDArray[np.uint8]], tuple[int, int]]


def test_a_picture_full_of_faces_costs_no_more_than_its_bound(
    collins: NDArray[np.uint8], patches: Patches
) -> None:
    """Twenty portraits: without a bound RNet is shown hundreds of patches, with it the best; a face is found still."""
    crowd = np.tile(collins[::2, ::2], (4, 5, 1))
    shown, faces = patches(MtcnnDetector(MTCNN_FOLDER, min_face_px=24), crowd)
    assert shown > 100
    assert faces == 20
    shown, faces = patches(MtcnnDetector(MTCNN_FOLDER, min_face_px=24, proposals_max=12), crowd)
    assert shown == 12
    assert 1 <= faces <= 12


def test_a_lane_bounds_what_a_busy_picture_costs_and_photographs_do_not(
    collins: NDArray[np.uint8], patches: Patches
) -> None:
    """The bound was written down for lanes but not handed on: a camera on a busy wall could stall a box."""
    crowd = np.tile(collins[::2, ::2], (6, 8, 1))
    choice = choose_detector("mtcnn")
    lane, photographs = (
        open_detector(choice, min_face_px=24),
        open_detector(choice, min_face_px=24, input_size_px=None),
    )
    assert patches(lane, crowd)[0] == 48
    assert patches(photographs, crowd)[0] > 48


def test_refining_leaves_faces_as_they_are(mtcnn: MtcnnDetector, collins: NDArray[np.uint8]) -> None:
    faces = mtcnn.detect([collins])[0]
    assert mtcnn.refine(collins, faces) == faces


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="min_face_px is at least 12; got 8"):
        MtcnnDetector(MTCNN_FOLDER, min_face_px=8)
    with pytest.raises(ValueError, match="scale_step and score_min"):
        MtcnnDetector(MTCNN_FOLDER, scale_step=1.0)


class TestFiles:
    """Nothing is loaded that is not what was built."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return Path(shutil.copytree(MTCNN_FOLDER, tmp_path / "mtcnn"))

    @pytest.mark.parametrize("name", ["pnet.onnx", "rnet.onnx", "onet.onnx", "LICENSE"])
    def test_one_changed_byte_is_named(self, folder: Path, name: str) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
        with pytest.raises(DetectorFileAlteredError, match=f"{name} is not the file that was released"):
            MtcnnDetector(folder)

    @pytest.mark.parametrize("name", ["onet.onnx", "manifest.json"])
    def test_a_missing_file_is_named_with_the_way_out(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(DetectorFileMissingError, match=f"{name} is missing.*python -m export.detector"):
            MtcnnDetector(folder)

    @pytest.mark.parametrize(
        "text", ["", "{}", "[]", '{"files": 3}', "\x00", '{"files": {"../rnet.onnx": "00"}}']
    )
    def test_a_manifest_that_says_nothing_is_refused(self, folder: Path, text: str) -> None:
        (folder / "manifest.json").write_text(text)
        with pytest.raises((DetectorFileAlteredError, DetectorFileMissingError), match=r"manifest|missing"):
            MtcnnDetector(folder)
