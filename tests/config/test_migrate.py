"""Keys that have another name now: understood for one release, with a warning; a file is never changed in place."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

import edge.config
from edge.cli import main
from edge.config import ConfigError, Renamed, migrated, read_config

OLD = """\
# mine
cameras:
  - {name: cam-1, source: demo}   # "address" is no key here
lanes:
  - name: lane-1
    camera: cam-1
site: {shop: north}  # shop
state:
  sales_days: 760 # two years
"""
RENAMED = (
    Renamed(section="site", old="shop", new="store", until="9"),
    Renamed(section="cameras[]", old="address", new="source", until="9"),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lane.yaml"
    path.write_text(OLD)
    return path


def test_an_old_name_works_and_is_warned_of_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "lane.yaml"
    path.write_text(OLD.replace("source:", "address:").replace("sales_days: 760", "sales_months: 2"))
    loaded = read_config(path, renamed=RENAMED)
    assert (loaded.config.site.store, loaded.config.cameras[0].source) == ("north", "demo")
    assert [(each.line, each.key) for each in loaded.warnings] == [
        (3, "cameras[0].address"),
        (7, "site.shop"),
    ]
    assert "is called 'source' now" in loaded.warnings[0].message


def test_a_unit_that_changed_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "lane.yaml"
    path.write_text(OLD.replace("site: {shop: north}", ""))
    loaded = read_config(path)
    assert loaded.config.state.sales_months == 25
    assert [each.key for each in loaded.warnings] == ["state.sales_days"]


def test_old_and_new_name_together_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lane.yaml"
    path.write_text(OLD.replace("{shop: north}", "{shop: north, store: south}"))
    with pytest.raises(ConfigError, match=r"site\.store: given twice"):
        read_config(path, renamed=RENAMED)


def test_a_wrong_value_under_an_old_name_is_still_wrong(tmp_path: Path) -> None:
    path = tmp_path / "lane.yaml"
    path.write_text(OLD.replace("{shop: north}", "{}").replace("760", "long"))
    with pytest.raises(ConfigError, match=r"state\.sales_months: 'long' is not allowed"):
        read_config(path)


def test_only_names_change_in_the_new_text(file: Path) -> None:
    done = migrated(file.read_bytes(), file="lane.yaml", renamed=(*RENAMED, Renamed(
        section="lanes[]", old="camera", new="camera_name", until="9")))  # fmt: skip
    assert done.text == (
        OLD.replace("{shop:", "{store:").replace("    camera: cam-1", "    camera_name: cam-1")
    )
    assert done.changes == (
        "lane.yaml:6: lanes[].camera -> lanes[].camera_name",
        "lane.yaml:7: site.shop -> site.store",
    )


def test_the_command_writes_beside_and_never_in_place(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(OLD.replace("site: {shop: north}", "site: {store: north}"))
    before = file.read_bytes()
    assert main(["check-config", str(file)]) == 0
    assert "state.sales_days: is called 'sales_months' now" in capsys.readouterr().err
    assert main(["config", "migrate", str(file), "--out", str(file)]) == 2
    new = file.with_name("new.yaml")
    assert main(["config", "migrate", str(file), "--out", str(new)]) == 0
    assert main(["config", "migrate", str(file), "--out", str(new)]) == 2  # it is there already
    assert file.read_bytes() == before
    assert "  sales_months: 25 # two years\n" in new.read_text()
    capsys.readouterr()
    assert main(["check-config", str(new)]) == 0
    assert "warning" not in capsys.readouterr().err


def test_the_effective_configuration_is_shown_without_secrets(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(
        OLD.replace(
            "site: {shop: north}",
            "sinks: [{kind: webhook, name: w, purpose: security, "
            "url: 'https://canary-user:canary-word@h.example/hook?token=canary'}]",
        )
    )
    (file.parent / "config.d").mkdir()
    (file.parent / "config.d" / "50-fleet.yaml").write_text("site: {store: fleet}\n")
    assert main(["config", "show", "--effective", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "canary" not in shown
    assert "store: fleet" in shown
    assert "challenge_age: 25" in shown  # a default
    assert "50-fleet.yaml" in shown


def test_an_old_name_leaves_in_the_release_that_was_told() -> None:
    """Whoever raises the version takes the line out; until then the warning is true."""
    now = [int(part) for part in version("checkout-age").split(".")[:2]]
    late = [each for each in edge.config.RENAMED if [int(part) for part in each.until.split(".")[:2]] <= now]
    assert late == []
