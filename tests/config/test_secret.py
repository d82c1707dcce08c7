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
