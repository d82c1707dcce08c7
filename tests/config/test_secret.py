"""Passwords come from beside the configuration, and from one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import Camera, SecretError, read_password


def camera(**how: object) -> Camera:
    return Camera(name="c", source="demo", user="viewer", **how)  # type: ignore[arg-type]


def test_no_way_no_password() -> None:
    assert read_password(camera()) is None


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_PASSWORD", "p@ss:w/ord")
    assert read_password(camera(password_env="CAM_PASSWORD")) == "p@ss:w/ord"
    monkeypatch.delenv("CAM_PASSWORD")
    with pytest.raises(SecretError, match="CAM_PASSWORD is not set"):
        read_password(camera(password_env="CAM_PASSWORD"))


def test_from_a_file_the_first_line_without_its_break(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(" geheim ü\r\nrest\n".encode())
    assert read_password(camera(password_file=path)) == " geheim ü"
    path.unlink()
    with pytest.raises(SecretError, match="cannot be read: No such file"):
        read_password(camera(password_file=path))


def test_from_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cam-1").write_text("secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_password(camera(password_credential="cam-1")) == "secret"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(SecretError, match="LoadCredential="):
        read_password(camera(password_credential="cam-1"))


def test_a_command_that_an_administrator_types_takes_the_boxs_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sudo checkout-age aim --camera c` has no copy from systemd and could not read the camera's password."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr("edge.config.secret.BOX_CREDENTIALS", tmp_path)
    (tmp_path / "cam-1").write_text("secret")
    assert read_password(camera(password_credential="cam-1")) == "secret"
    with pytest.raises(SecretError, match="cam-2 is asked for"):
        read_password(camera(password_credential="cam-2"))
    monkeypatch.setenv(
        "CREDENTIALS_DIRECTORY", str(tmp_path / "handed")
    )  # a service has what it was handed, no more
    with pytest.raises(SecretError, match="gave this service no credential cam-1"):
        read_password(camera(password_credential="cam-1"))
