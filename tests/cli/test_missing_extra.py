"""A command whose extra is not installed names it, whether the package is missed at once or on the way."""

from __future__ import annotations

from types import ModuleType

import pytest

from edge import cli


def command(missing: str) -> ModuleType:
    module = ModuleType("command")

    def run(_args: object) -> int:
        raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)

    module.HELP, module.add_arguments, module.run = "", lambda _parser: None, run  # type: ignore[attr-defined]
    return module


def test_a_package_that_is_missed_on_the_way_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_module", lambda _where: command("duckdb"))
    assert cli.main(["export-events"]) == 2
    said = capsys.readouterr().err
    assert "'duckdb' is not installed" in said
    assert "checkout-age[marketing]" in said


def test_a_module_of_ours_that_is_missing_is_no_matter_of_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_module", lambda _where: command("edge.nothing"))
    with pytest.raises(ModuleNotFoundError):
        cli.main(["export-events"])
