"""Which detector a box takes, what it says about it, and how a detector's file gets there."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face import (
    MTCNN_FOLDER,
    YUNET,
    DetectorError,
    DetectorFileAlteredError,
    DetectorFileMissingError,
    MtcnnDetector,
    YunetDetector,
    choose_detector,
    fetch,
    find_yunet,
    open_detector,
    user_models_folder,
)
from tests.conftest import Measured


@pytest.fixture
def models(tmp_path: Path, yunet_file: Path) -> Path:
    """A model folder with YuNet in it."""
    shutil.copyfile(yunet_file, tmp_path / YUNET.file_name)
    return tmp_path


def alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)


class TestChoice:
    def test_auto_takes_yunet_where_its_verified_file_is(self, models: Path) -> None:
        choice = choose_detector("auto", models_folder=models)
        assert (choice.name, choice.file, choice.sha256) == ("yunet", models / YUNET.file_name, YUNET.sha256)
        assert "its verified file is there" in choice.reason
        assert find_yunet(models) == models / YUNET.file_name

    def test_auto_takes_mtcnn_on_a_fresh_machine_and_says_how_to_get_the_better_one(
        self, tmp_path: Path
    ) -> None:
        choice = choose_detector("auto", models_folder=tmp_path / "not yet made")
        assert (choice.name, choice.file) == ("mtcnn", MTCNN_FOLDER)
        assert "checkout-age models fetch yunet" in choice.reason
        assert find_yunet(tmp_path) is None

    def test_auto_does_not_take_an_altered_file_and_says_so(self, models: Path, measured: Measured) -> None:
        alter(models / YUNET.file_name)
        choice = choose_detector("auto", models_folder=models)
        assert choice.name == "mtcnn"
        assert "not YuNet as it was released" in choice.reason
        measured("detector missing or altered", f"1 byte of YuNet, hoped for: {choice.name} taken, and said")

    def test_yunet_asked_for_and_not_there_is_an_error_with_the_command_that_gets_it(
        self, tmp_path: Path, measured: Measured
    ) -> None:
        with pytest.raises(DetectorFileMissingError, match="checkout-age models fetch yunet") as refused:
            choose_detector("yunet", models_folder=tmp_path)
        measured("detector missing or altered", f"YuNet asked for and not there: `{refused.typename}`")

    def test_yunet_asked_for_and_altered_is_an_error(self, models: Path, measured: Measured) -> None:
        alter(models / YUNET.file_name)
        with pytest.raises(DetectorFileAlteredError, match=f"expected {YUNET.sha256}") as refused:
            choose_detector("yunet", models_folder=models)
        measured("detector missing or altered", f"1 byte of YuNet, asked for: `{refused.typename}`")

    def test_mtcnn_can_be_asked_for_beside_yunet(self, models: Path) -> None:
        assert choose_detector("mtcnn", models_folder=models).name == "mtcnn"

    def test_a_damaged_installation_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DetectorFileMissingError, match="Reinstall checkout-age"):
            choose_detector("mtcnn", mtcnn_folder=tmp_path)

    @pytest.mark.parametrize(("kind", "made"), [("yunet", YunetDetector), ("mtcnn", MtcnnDetector)])
    def test_the_chosen_one_opens_and_finds_a_face(
        self, kind: str, made: type, models: Path, collins: NDArray[np.uint8]
    ) -> None:
        detector = open_detector(choose_detector(kind, models_folder=models))  # type: ignore[arg-type]
        assert isinstance(detector, made)
        assert detector.name == kind
        assert len(detector.detect([collins])[0]) == 1


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"CHECKOUT_AGE_MODELS": "/a", "STATE_DIRECTORY": "/b", "XDG_DATA_HOME": "/c"}, "/a"),
        ({"STATE_DIRECTORY": "/b", "XDG_DATA_HOME": "/c"}, "/b/models"),
        ({"STATE_DIRECTORY": "/b:/d"}, "/b/models"),
        ({"XDG_DATA_HOME": "/c"}, "/c/checkout-age/models"),
        (
            {"CHECKOUT_AGE_MODELS": "", "XDG_DATA_HOME": ""},
            str(Path.home() / ".local/share/checkout-age/models"),
        ),
    ],
)
def test_where_models_live(environment: dict[str, str], folder: str) -> None:
    assert user_models_folder(environment) == Path(folder)


class TestFetch:
    """The file is there whole and verified, or all is as it was."""

    @pytest.fixture
    def upstream(self, yunet_file: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
        """A web server of one page, and what it serves."""
        pages = {"/yunet": yunet_file.read_bytes()}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages.get(self.path)
                self.send_response(404 if page is None else 200)
                self.end_headers()
                self.wfile.write(page or b"no such page")

            def log_message(self, *_: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}", pages
            server.shutdown()
            thread.join()

    def test_from_upstream_into_a_folder_that_is_made(
        self, upstream: tuple[str, dict[str, bytes]], tmp_path: Path
    ) -> None:
        got = fetch(replace(YUNET, url=upstream[0] + "/yunet"), tmp_path / "new" / "models")
        assert choose_detector("yunet", models_folder=got.parent).file == got
        assert [path.name for path in got.parent.iterdir()] == [YUNET.file_name]

    def test_from_a_folder(self, yunet_file: Path, tmp_path: Path) -> None:
        got = fetch(YUNET, tmp_path, source=yunet_file.parent)
        assert got.read_bytes() == yunet_file.read_bytes()
        assert got.stat().st_mode & 0o777 == 0o644

    def test_another_file_from_upstream_changes_nothing(
        self, upstream: tuple[str, dict[str, bytes]], models: Path
    ) -> None:
        before = (models / YUNET.file_name).read_bytes()
        upstream[1]["/yunet"] = b"a page of a provider that wants you to sign in"
        with pytest.raises(DetectorFileAlteredError, match="Nothing was changed"):
            fetch(replace(YUNET, url=upstream[0] + "/yunet"), models)
        assert [path.name for path in models.iterdir()] == [YUNET.file_name]
        assert (models / YUNET.file_name).read_bytes() == before

    def test_a_page_that_does_not_end_is_cut_off(
        self, upstream: tuple[str, dict[str, bytes]], tmp_path: Path
    ) -> None:
        upstream[1]["/yunet"] = bytes(33_000_000)
        with pytest.raises(DetectorError, match="longer than 32000000 bytes"):
            fetch(replace(YUNET, url=upstream[0] + "/yunet"), tmp_path)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("url", ["{0}/gone", "http://127.0.0.1:9/yunet"], ids=["404", "nobody there"])
    def test_no_way_to_upstream_names_the_other_way(
        self, url: str, upstream: tuple[str, dict[str, bytes]], tmp_path: Path
    ) -> None:
        with pytest.raises(DetectorError, match="checkout-age models fetch yunet --from DIR"):
            fetch(replace(YUNET, url=url.format(upstream[0])), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_without_the_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DetectorFileMissingError, match=f"{YUNET.file_name} is not there"):
            fetch(YUNET, tmp_path / "models", source=tmp_path)
