"""`checkout-age users` as somebody at the box types it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from edge.cli import main
from edge.page import PeopleFile


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password comes from the first line of stdin."""
    monkeypatch.setattr("sys.stdin", io.StringIO("a long pass-phrase\n"))


def test_a_user_is_added_listed_and_removed(
    tmp_path: Path, typed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--file", str(tmp_path / "users.json")]

    cashier = ["users", "add", "kate", "--role", "cashier", "--lane", "lane-1", "--password-stdin", *where]
    assert main(cashier) == 0
    assert main(["users", "list", *where]) == 0
    assert capsys.readouterr().out == "kate  cashier  lane-1\n"
    assert main(["users", "remove", "kate", *where]) == 0
    assert PeopleFile(tmp_path / "users.json").read().users == ()
    assert main(["users", "remove", "kate", *where]) == 2
    assert "no user and no token 'kate'" in capsys.readouterr().err


def test_a_token_is_printed_once_and_known_by_its_digest_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "users.json"

    assert main(["users", "token", "wall", "--file", str(file)]) == 0
    key = capsys.readouterr().out.strip()
    assert key not in file.read_text()
    found = PeopleFile(file).read().token(key)
    assert found is not None
    assert (found.name, found.role.value) == ("wall", "display")


def test_the_configuration_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "lane.yaml"
    config.write_text(
        "cameras: [{name: cam-1, source: demo}]\nlanes: [{name: lane-1, camera: cam-1}]\nstate: {dir: state}\n"
    )

    assert main(["users", "token", "wall", "--config", str(config)]) == 0
    assert (tmp_path / "state" / "users.json").exists()
    config.write_text(config.read_text() + "http: {users_file: who.json}\n")
    assert main(["users", "list", "--config", str(config)]) == 0
    assert "wall" not in capsys.readouterr().out.splitlines()[-1:]


def test_a_mistake_changes_nothing_and_says_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "users.json"
    words = ["users", "add", "kate", "--password-stdin", "--file", str(file)]
    for more, typed, told in (
        (["--role", "cashier"], "a long pass-phrase\n", "--lane"),
        (["--role", "viewer"], "short\n", "8 letters"),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert main([*words, *more]) == 2
        assert told in capsys.readouterr().err
    assert not file.exists()
