"""The shipped detector is what the package's weights give, and answers as the package does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face import MTCNN_FOLDER, MtcnnDetector
from export.detector import BuildError, build, pack

PORTRAITS = Path(__file__).resolve().parents[3] / "edge" / "camera" / "portraits"
Picture = NDArray[np.uint8]


def test_one_command_gives_the_committed_files_again(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "export.detector", "--out", str(tmp_path / "mtcnn")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    names = sorted(path.name for path in MTCNN_FOLDER.iterdir())
    assert sorted(path.name for path in (tmp_path / "mtcnn").iterdir()) == names
    for name in names:
        assert (tmp_path / "mtcnn" / name).read_bytes() == (MTCNN_FOLDER / name).read_bytes(), name


def test_what_ships_is_small_and_carries_licence_and_origin() -> None:
    manifest = json.loads((MTCNN_FOLDER / "manifest.json").read_text())
    assert (manifest["source"], manifest["licence"]) == ("PyPI mtcnn 1.0.0", "MIT")
    assert "MIT License" in (MTCNN_FOLDER / "LICENSE").read_text()
    assert sum(path.stat().st_size for path in MTCNN_FOLDER.iterdir()) < 2_100_000


def test_building_needs_no_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        f"from pathlib import Path; from export.detector import build; build(Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_other_weights_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are pickles: a file with another digest could run anything."""
    monkeypatch.setattr(pack, "_WEIGHTS", pack._WEIGHTS | {"rnet": "0" * 64})
    with pytest.raises(BuildError, match=r"rnet\.lz4 of mtcnn 1\.0\.0 is not the file that was released"):
        build(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def package() -> Any:
    """The package's detector."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from mtcnn import MTCNN

    return MTCNN()


@pytest.fixture(scope="module")
def pictures(shared: Path) -> list[Picture]:
    """Portraits and frames of the clips."""
    import matplotlib

    paths = [
        PORTRAITS / "collins.jpg",
        PORTRAITS / "hopper.jpg",
        Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg",
    ]
    found = [np.asarray(cv2.imread(str(path)), dtype=np.uint8) for path in paths]
    for clip, seconds in (("lane_ages", (5, 25, 95)), ("lane_rush", (5, 15, 45)), ("lane_1080p15", (8,))):
        capture = cv2.VideoCapture(str(shared / "video" / f"{clip}.mp4"))
        for second in seconds:
            capture.set(cv2.CAP_PROP_POS_FRAMES, second * 15)
            found.append(np.asarray(capture.read()[1], dtype=np.uint8))
    return found


class TestParity:
    """The package itself, on TensorFlow, is the judge; parameters are its defaults."""

    def test_the_same_faces_within_a_twentieth_of_a_pixel(
        self, package: Any, pictures: list[Picture]
    ) -> None:
        ours = MtcnnDetector(MTCNN_FOLDER)
        counts = [compare(package, ours, picture) for picture in pictures]
        assert min(counts) >= 1
        assert max(counts) >= 2

    def test_with_other_parameters_too(self, package: Any, pictures: list[Picture]) -> None:
        ours = MtcnnDetector(MTCNN_FOLDER, min_face_px=16, scale_step=0.8, score_min=0.95)
        for picture in pictures[:2]:
            compare(package, ours, picture, min_face_size=16, scale_factor=0.8, threshold_onet=0.95)

    def test_a_face_over_the_edge(self, package: Any, pictures: list[Picture]) -> None:
        """Patches outside the picture and boxes that end at its edge."""
        ours = MtcnnDetector(MTCNN_FOLDER)
        portrait = pictures[0]
        for part in (portrait[90:], portrait[:, 150:], portrait[:, :240]):
            compare(package, ours, np.ascontiguousarray(part))


def compare(package: Any, ours: MtcnnDetector, picture: Picture, **how: float) -> int:
    """Assert that both find the same; returns how many faces that are."""
    rgb = np.ascontiguousarray(picture[:, :, ::-1])
    expected = package.detect_faces(rgb, output_type="numpy", box_format="xyxy", **how)
    got = ours.detect([picture])[0]
    assert len(got) == len(expected)
    rows = sorted(expected.tolist(), key=lambda row: -row[5])
    for face, row in zip(got, rows, strict=True):
        x, y, width, height = face.box_px
        assert [x, y, x + width, y + height] == pytest.approx(row[1:5], abs=0.05)
        assert face.landmarks_px == pytest.approx(np.array(row[6:16]).reshape(2, 5).T, abs=0.05)
        assert face.score == pytest.approx(row[5], abs=1e-3)
    return len(got)


def test_the_networks_take_any_batch_and_any_picture(shared: Path) -> None:
    """PNet is fully convolutional, all three take a batch of any size; outputs are named as the decoder reads them."""
    import onnxruntime

    shapes: dict[str, Callable[[int], tuple[int, ...]]] = {
        "pnet": lambda n: (n, 17, 29, 3),
        "rnet": lambda n: (n, 24, 24, 3),
        "onet": lambda n: (n, 48, 48, 3),
    }
    for name, shape in shapes.items():
        session = onnxruntime.InferenceSession(
            str(MTCNN_FOLDER / f"{name}.onnx"), providers=["CPUExecutionProvider"]
        )
        for n in (1, 3):
            outputs = session.run(["offsets", "scores"], {"pictures": np.zeros(shape(n), np.float32)})
            assert all(len(output) == n for output in outputs)
