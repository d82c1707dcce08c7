"""The page of licences names every package that is installed, and every model."""

from __future__ import annotations

import json
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_every_package_and_the_shipped_model_are_listed_with_their_terms() -> None:
    page = (CHECKOUT / "docs" / "licences.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| ([A-Za-z0-9._-]+) \| (.+) \|$", page, re.MULTILINE))
    for name in ("cpu", "dev", "fleet", "marketing", "training"):
        text = (CHECKOUT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        needed = set(re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE))
        assert needed - set(listed) == set(), "scripts/licences writes the page anew"
    bundle = json.loads((CHECKOUT / "edge" / "models" / "age" / "bundle.json").read_text(encoding="utf-8"))
    assert bundle["licence"] in page
    assert f"{bundle['name']} {bundle['version']}" in page


def test_nothing_that_a_box_runs_is_under_terms_that_forbid_it() -> None:
    page = (CHECKOUT / "docs" / "licences.md").read_text(encoding="utf-8")
    box = page.split("(`requirements/cpu.txt`)")[1].split("\n## ")[0]
    terms = re.findall(r"^\| [A-Za-z0-9._-]+ \| (.+) \|$", box, re.MULTILINE)
    assert len(terms) > 15
    for term in terms:
        assert not re.search(r"GPL|proprietary|not said|not installed", term, re.IGNORECASE), term
