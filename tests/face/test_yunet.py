"""YuNet, decoded by us, beside OpenCV's own FaceDetectorYN and beside itself at other scales."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face import DetectorError, DetectorFileMissingError, YunetDetector
from edge.flow import Face
from tests.face.conftest import corners

Frames = Callable[[str, float], list[NDArray[np.uint8]]]


@pytest.fixture(scope="module")
def yunet(yunet_file: Path) -> YunetDetector:
    return YunetDetector(yunet_file)


@pytest.mark.parametrize("size_px", [(320, 192), (640, 384)])
@pytest.mark.parametrize("clip", ["lane_ages", "lane_rush", "lane_1080p15"])
def test_the_clips_hold_the_same_faces_for_opencv(
    clip: str, size_px: tuple[int, int], yunet_file: Path, frames: Frames
) -> None:
    """The same network in another runtime, decoded and suppressed by another program: boxes within 2 px."""
    ours = YunetDetector(yunet_file, input_size_px=size_px, score_min=0.6)
    pictures = frames(clip, 4.0)
    height, width = pictures[0].shape[:2]
    scale = width / size_px[0]
    seen_px = (size_px[0], round(height / scale))
    theirs = cv2.FaceDetectorYN.create(str(yunet_file), "", seen_px, 0.6, 0.3)
    faces = 0
    for picture in pictures:
        _, rows = theirs.detect(cv2.resize(picture, seen_px))
        expected = np.zeros((0, 15)) if rows is None else rows
        got = ours.detect([picture])[0]
        assert len(got) == len(expected)
        for face, row in zip(got, expected, strict=True):
            faces += 1
            assert np.abs(np.array(face.box_px) - row[:4] * scale).max() < 2
            assert np.abs(face.landmarks_px - row[4:14].reshape(5, 2) * scale).max() < 2
            assert face.score == pytest.approx(row[14], abs=0.01)
    assert faces > 3


def test_people_close_together_stay_as_many_as_opencv_finds(yunet_file: Path, shared: Path) -> None:
    """12 s into lane_rush two faces overlap by 0.31: compared in fractions of a pixel, one was another's shadow."""
    capture = cv2.VideoCapture(str(shared / "video" / "lane_rush.mp4"))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 179)
    picture = np.asarray(capture.read()[1], dtype=np.uint8)
    _, rows = cv2.FaceDetectorYN.create(str(yunet_file), "", (320, 180), 0.6, 0.3).detect(
        cv2.resize(picture, (320, 180))
    )
    got = YunetDetector(yunet_file, score_min=0.6).detect([picture])[0]
    assert [round(face.score, 3) for face in got] == [round(float(row[14]), 3) for row in rows]


def test_a_batch_of_cameras_gives_what_each_gives_alone(
    yunet: YunetDetector, frames: Frames, hopper: NDArray[np.uint8]
) -> None:
    """Sizes differ, one picture is empty, one is tiny: each keeps its place."""
    lane = frames("lane_rush", 20.0)
    empty, tiny = np.zeros((0, 640, 3), np.uint8), np.full((3, 5, 3), 80, np.uint8)
    batch = [lane[0], hopper, empty, lane[1], tiny]
    together = yunet.detect(batch)
    alone = [yunet.detect([picture])[0] for picture in batch]
    assert [len(faces) for faces in together] == [len(faces) for faces in alone]
    for faces, others in zip(together, alone, strict=True):
        for face, other in zip(faces, others, strict=True):
            assert face.box_px == pytest.approx(other.box_px, abs=0.05)
            assert face.landmarks_px == pytest.approx(other.landmarks_px, abs=0.05)
    assert [bool(faces) for faces in together] == [True, True, False, True, False]


def test_no_pictures_have_no_faces(yunet: YunetDetector) -> None:
    assert yunet.detect([]) == []


def test_landmarks_stand_in_image_order(yunet: YunetDetector, collins: NDArray[np.uint8]) -> None:
    """Also for the mirrored picture: left means left in the picture, not the person's left."""
    for picture in (collins, np.ascontiguousarray(collins[:, ::-1])):
        eye_left, eye_right, nose, mouth_left, mouth_right = yunet.detect([picture])[0][0].landmarks_px
        assert eye_left[0] < nose[0] < eye_right[0]
        assert mouth_left[0] < mouth_right[0]
        assert max(eye_left[1], eye_right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


def test_best_score_comes_first(yunet_file: Path, frames: Frames) -> None:
    for faces in YunetDetector(yunet_file, score_min=0.3).detect(frames("lane_rush", 15.0)):
        assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


class TestRefine:
    """The second look, at the scale that the network likes, before a crop is cut."""

    def test_landmarks_come_nearer_to_those_of_the_full_picture(
        self, yunet: YunetDetector, yunet_file: Path, frames: Frames
    ) -> None:
        pictures = frames("lane_ages", 8.0)
        full = YunetDetector(yunet_file, input_size_px=None)
        coarse, exact = [], []
        for picture in pictures:
            found = yunet.detect([picture])[0]
            for face, again in zip(found, yunet.refine(picture, found), strict=True):
                truth = min(
                    full.detect([picture])[0], key=lambda seen: np.abs(corners(seen) - corners(face)).max()
                )
                if np.abs(corners(truth) - corners(face)).max() > 40:
                    continue  # something that the full picture does not take for a face
                coarse.append(np.abs(face.landmarks_px - truth.landmarks_px).mean())
                exact.append(np.abs(again.landmarks_px - truth.landmarks_px).mean())
                assert again.score == face.score
        assert len(coarse) > 10
        assert np.mean(exact) < 0.8 * np.mean(coarse)

    def test_a_face_that_is_not_there_stays_as_it_was(self, yunet: YunetDetector) -> None:
        nobody = Face(box_px=(40.0, 30.0, 50.0, 60.0), landmarks_px=np.ones((5, 2), np.float32), score=0.7)
        assert yunet.refine(np.full((200, 300, 3), 90, np.uint8), [nobody]) == [nobody]

    @pytest.mark.parametrize(
        "box_px", [(-80.0, -60.0, 50.0, 60.0), (290.0, 190.0, 400.0, 300.0), (10.0, 10.0, 0.0, 0.0)]
    )
    def test_a_box_over_the_edge_or_of_no_size_is_no_crash(
        self, yunet: YunetDetector, box_px: tuple[float, float, float, float]
    ) -> None:
        face = Face(box_px=box_px, landmarks_px=np.ones((5, 2), np.float32), score=0.7)
        assert yunet.refine(np.full((200, 300, 3), 90, np.uint8), [face]) == [face]

    def test_of_two_people_each_keeps_its_own_face(
        self, yunet: YunetDetector, collins: NDArray[np.uint8], hopper: NDArray[np.uint8]
    ) -> None:
        pair = np.zeros((421, 724, 3), np.uint8)
        pair[:350, :370], pair[:, 370:] = collins, hopper
        faces = yunet.detect([pair])[0]
        assert len(faces) == 2
        for face, again in zip(faces, yunet.refine(pair, faces), strict=True):
            assert np.abs(corners(face) - corners(again)).max() < 20
        assert yunet.refine(pair, []) == []


def test_settings_that_make_no_sense_are_refused(yunet_file: Path) -> None:
    with pytest.raises(ValueError, match="multiples of 32 are needed; got \\(300, 200\\)"):
        YunetDetector(yunet_file, input_size_px=(300, 200))
    with pytest.raises(ValueError, match="score_min"):
        YunetDetector(yunet_file, score_min=1.5)


def test_what_is_no_colour_picture_is_refused(yunet: YunetDetector) -> None:
    with pytest.raises(ValueError, match=r"BGR uint8 \(h, w, 3\); got uint8 \(50, 60\)"):
        yunet.detect([np.zeros((50, 60), np.uint8)])


def test_a_missing_and_a_damaged_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(DetectorFileMissingError, match="no detector file at"):
        YunetDetector(tmp_path / "gone.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(DetectorError, match=r"cannot load .*bad\.onnx.*checkout-age models verify"):
        YunetDetector(tmp_path / "bad.onnx")
