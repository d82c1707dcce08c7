"""The configuration that last worked: kept whole, the service's alone, and read by the version before too."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from edge.config import ConfigError, LastGood, load_config


@pytest.fixture
def kept(tmp_path: Path) -> LastGood:
    file = tmp_path / "lane.yaml"
    file.write_text(
        "cameras: [{name: c, source: demo}]\nlanes: [{name: l, camera: c}]\nsite: {store: north}\n"
    )
    made = LastGood(path=tmp_path / "state" / "last-good.yaml")
    made.keep(load_config(file))
    return made


def test_it_is_the_services_alone_and_comes_back_as_it_was(kept: LastGood, tmp_path: Path) -> None:
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert kept.load() == load_config(tmp_path / "lane.yaml")
    assert LastGood(path=tmp_path / "none.yaml").load() is None


def test_settings_of_a_newer_version_that_was_taken_back_are_left_out_and_told(
    kept: LastGood, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The newer one keeps every setting of its own; the older one refused them all and the lane stayed blind."""
    told = yaml.safe_load(kept.path.read_text())
    told["cameras"][0]["tilt"] = told["site"]["region"] = told["weather"] = "newer"
    kept.path.write_text(yaml.safe_dump(told, sort_keys=False))
    assert kept.load() == load_config(tmp_path / "lane.yaml")
    assert [line.split(": ")[1] for line in caplog.messages] == ["cameras[0].tilt", "site.region", "weather"]


def test_a_mistake_in_it_is_still_one(kept: LastGood) -> None:
    kept.path.write_text(kept.path.read_text().replace("level: info", "level: loud"))
    with pytest.raises(ConfigError, match=r"log\.level"):
        kept.load()
