"""`checkout-age models`: exit codes, lines, and that nothing half done is left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.app.parts import SHIPPED_BUNDLE
from edge.cli import main
from edge.face import YUNET
from edge.ops.selftest import Check, SelfTest


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model folder that commands take for the user's own."""
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_fresh_machine_lists_what_ships_and_how_to_get_the_rest(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0].strip() for line in lines[:-1]] == [
        "mtcnn",
        "yunet",
        "age shipped",
        "age installed",
    ]
    assert "missing" in lines[1]
    assert "checkout-age models fetch yunet" in lines[1]
    assert lines[-1].startswith("auto: MTCNN")
    assert not models.exists()


def test_yunet_from_a_folder_is_what_auto_takes_from_then_on(
    models: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "fetch", "yunet", "--from", str(shared / "models")]) == 0
    told = capsys.readouterr()
    assert told.out == f"{models / YUNET.file_name}\n"
    assert "Apache-2.0" in told.err
    assert main(["models", "verify"]) == 0
    assert main(["models", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("auto: YuNet")


def test_a_folder_without_yunet_is_exit_code_2_with_the_file_that_was_looked_for(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "fetch", "yunet", "--from", str(tmp_path)]) == 2
    assert f"{tmp_path / YUNET.file_name} is not there" in capsys.readouterr().err


def test_an_altered_file_is_exit_code_1_of_verify(
    models: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "fetch", "yunet", "--from", str(shared / "models")]) == 0
    alter(models / YUNET.file_name)
    capsys.readouterr()
    assert main(["models", "verify"]) == 1
    altered = [line for line in capsys.readouterr().out.splitlines() if line.startswith("altered")]
    assert len(altered) == 1
    assert YUNET.sha256 in altered[0]


class TestInstall:
    def test_a_sound_bundle_takes_its_place_and_the_one_before_stays_beside_it(
        self, models: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for _ in range(3):
            assert main(["models", "install", str(SHIPPED_BUNDLE)]) == 0
        told = capsys.readouterr()
        assert str(models / "age") in told.out
        assert "licence:" in told.err
        assert sorted(path.name for path in models.iterdir()) == ["age", "age.previous"]
        assert (models / "age" / "MODEL_CARD.md").is_file()
        assert (models / "age" / "age_error.npz").is_file()
        assert main(["models", "verify"]) == 0

    @pytest.mark.parametrize("name", ["model_int8.onnx", "golden.npz"])
    def test_an_altered_bundle_changes_nothing(
        self, name: str, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["models", "install", str(SHIPPED_BUNDLE)]) == 0
        offered = Path(shutil.copytree(SHIPPED_BUNDLE, tmp_path / "offered"))
        alter(offered / name)
        assert main(["models", "install", str(offered)]) == 2
        assert name in capsys.readouterr().err
        assert [path.name for path in models.iterdir()] == ["age"]
        assert main(["models", "verify"]) == 0

    def test_a_folder_that_is_no_bundle_is_named(
        self, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["models", "install", str(tmp_path)]) == 2
        assert "bundle.json" in capsys.readouterr().err
        assert not models.exists()

    def test_a_damaged_bundle_in_use_does_not_keep_a_good_one_out(self, models: Path) -> None:
        assert main(["models", "install", str(SHIPPED_BUNDLE)]) == 0
        alter(models / "age" / "model_int8.onnx")
        assert main(["models", "verify"]) == 1
        assert main(["models", "install", str(SHIPPED_BUNDLE)]) == 0
        assert main(["models", "verify"]) == 0

    def test_other_files_of_the_folder_are_not_taken_along(self, models: Path, tmp_path: Path) -> None:
        offered = Path(shutil.copytree(SHIPPED_BUNDLE, tmp_path / "offered"))
        (offered / "notes-with-names.txt").write_text("not part of the bundle")
        assert main(["models", "install", str(offered)]) == 0
        assert "notes-with-names.txt" not in [path.name for path in (models / "age").iterdir()]


class TestMisses:
    """A bundle that misses more minors does not get in unseen."""

    @pytest.fixture
    def bundle(self, tmp_path: Path) -> Callable[[str, str | None, str], Path]:
        def make(name: str, missed: str | None, faces: str = "same") -> Path:
            folder = Path(shutil.copytree(SHIPPED_BUNDLE, tmp_path / name))
            document = json.loads((folder / "bundle.json").read_text())
            document["name"] = name
            document["metrics"] = None if missed is None else {"minors": {"faces": faces, "missed": missed}}
            (folder / "bundle.json").write_text(json.dumps(document))
            return folder

        return make

    def in_use(self, models: Path) -> str:
        return str(json.loads((models / "age" / "bundle.json").read_text())["name"])

    def test_significantly_more_misses_are_refused_and_the_old_bundle_stays(
        self, bundle: Callable[..., Path], models: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["models", "install", "--worse-at-minors", str(bundle("old", "0" * 100))]) == 0
        worse = bundle("worse", "1" * 5 + "0" * 95)  # five new misses, none the other way: p = 1/32
        assert main(["models", "install", str(worse)]) == 2
        said = capsys.readouterr().err
        assert "misses 5.0% of 100 faces of 14-17" in said
        assert "p = 0.0312" in said
        assert self.in_use(models) == "old"
        assert main(["models", "install", "--worse-at-minors", str(worse)]) == 0
        assert self.in_use(models) == "worse"

    def test_a_few_more_misses_may_be_chance(self, bundle: Callable[..., Path], models: Path) -> None:
        assert main(["models", "install", "--worse-at-minors", str(bundle("old", "01" * 50))]) == 0
        assert main(["models", "install", str(bundle("new", "1111" + "01" * 48))]) == 0
        assert self.in_use(models) == "new"

    @pytest.mark.parametrize(("missed", "faces"), [(None, "same"), ("0" * 100, "others"), ("0" * 99, "same")])
    def test_what_cannot_be_compared_is_refused_with_the_way_to_measure_it(
        self,
        missed: str | None,
        faces: str,
        bundle: Callable[..., Path],
        models: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert main(["models", "install", "--worse-at-minors", str(bundle("old", "0" * 100))]) == 0
        assert main(["models", "install", str(bundle("new", missed, faces))]) == 2
        assert "checkout-age evaluate BUNDLE" in capsys.readouterr().err
        assert self.in_use(models) == "old"

    def test_a_failed_selftest_puts_the_old_bundle_back(
        self,
        bundle: Callable[..., Path],
        models: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in ("older", "old"):
            assert main(["models", "install", "--worse-at-minors", str(bundle(name, "0" * 100))]) == 0
        failed = SelfTest(checks=(Check(name="age", state="failed", said="no answer"),), figures={})
        monkeypatch.setattr("edge.cli._bundle_install.selftest", lambda **_: failed)
        assert main(["models", "install", str(bundle("new", "0" * 100))]) == 2
        assert "the bundle before is back: no answer" in capsys.readouterr().err
        assert self.in_use(models) == "old"
        assert json.loads((models / "age.previous" / "bundle.json").read_text())["name"] == "older"
        assert sorted(path.name for path in models.iterdir()) == ["age", "age.previous"]
