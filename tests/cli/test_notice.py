"""The notice for customers: complete, in both languages, one page of paper, nothing loaded and nothing smuggled in."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from edge.cli import main
from edge.cli.notice import notice

NOTICES = Path(__file__).resolve().parents[2] / "docs" / "notice"
SAMPLE = {
    "en": ("Example Market", "Privacy: privacy@example.org, +00 000 0000"),
    "ru": ("Магазин «Пример»", "Защита данных: privacy@example.org, +00 000 0000"),
}


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_it_says_what_is_estimated_what_is_kept_and_whom_to_ask(lang, tmp_path, capsys):
    shop, contact = SAMPLE[lang]
    assert (
        main(
            [
                "notice",
                "--lang",
                lang,
                "--shop",
                shop,
                "--contact",
                contact,
                "--out",
                str(tmp_path / "n.html"),
            ]
        )
        == 0
    )
    page = (tmp_path / "n.html").read_text(encoding="utf-8")
    assert all(word in page for word in (shop, contact, "25", f'lang="{lang}"'))
    assert ("No picture" if lang == "en" else "Ни снимков") in page
    assert not re.search(r"https?://|src=|href=|@import|url\(", page)


def test_suggestions_are_told_only_where_they_are_made():
    assert "may be suggested" not in notice(lang="en", shop="S", contact="c")
    assert "may be suggested" in notice(lang="en", shop="S", contact="c", offers=True)
    assert "могут предложить" in notice(lang="ru", shop="S", contact="c", offers=True)


def test_purchases_are_told_only_where_they_are_counted():
    assert "purchases are counted" not in notice(lang="en", shop="S", contact="c")
    assert "purchases are counted" in notice(lang="en", shop="S", contact="c", purchases=True)


@pytest.mark.parametrize(
    ("more", "counted", "age"),
    [
        ("till: {mqtt: {host: mq, topic: till}}", True, 25),
        ("till: {mqtt: {host: mq, topic: till}}\nsales: {enabled: false}", False, 25),
        ("policy: {challenge_age: 21, other_ages: [{legal_age: 21, challenge_age: 30}]}", False, 30),
    ],
)
def test_a_notice_tells_what_this_box_does(tmp_path, capsys, more, counted, age):
    """A box counts baskets unless it is told not to: the notice of who only follows the manual must say so."""
    file = tmp_path / "lane.yaml"
    file.write_text(
        f"cameras: [{{name: c, source: demo}}]\nlanes: [{{name: l, camera: c}}]\nsite: {{language: ru}}\n{more}\n"
    )
    words = ["notice", "--shop", "S", "--contact", "c", "--config", str(file)]
    assert main(words) == 0
    page = capsys.readouterr().out
    assert 'lang="ru"' in page
    assert ("покупки считаются" in page) == counted
    assert f"моложе {age} лет" in page
    assert main([*words, "--no-purchases", "--age", "20", "--lang", "en"]) == 0
    page = capsys.readouterr().out
    assert "purchases are counted" not in page
    assert "younger than 20" in page
    file.write_text("cameras: 3")
    assert main(words) == 2


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_with_all_that_may_stand_on_it_it_is_still_one_page_of_paper(lang, tmp_path):
    """Printed by Debian's Chromium."""
    shop, contact = SAMPLE[lang]
    (tmp_path / "n.html").write_text(
        notice(lang=lang, shop=f"{shop}, {shop}", contact=contact, purchases=True, offers=True),
        encoding="utf-8",
    )
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    printed = f"--print-to-pdf={tmp_path / 'n.pdf'}"
    subprocess.run(
        [*command, "--no-pdf-header-footer", printed, (tmp_path / "n.html").as_uri()],
        capture_output=True, check=True, timeout=300,
    )  # fmt: skip
    assert len(re.findall(rb"/Type */Page\b", (tmp_path / "n.pdf").read_bytes())) == 1


def test_what_the_shop_gives_is_text_and_never_markup():
    page = notice(lang="en", shop="<script>alert(1)</script>", contact='"><img onerror=x>{title}')
    assert "<script" not in page
    assert "<img" not in page
    assert "{title}" in page


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_samples_in_the_manual_are_what_the_command_prints(lang):
    shop, contact = SAMPLE[lang]
    assert (NOTICES / f"notice.{lang}.html").read_text(encoding="utf-8") == notice(
        lang=lang, shop=shop, contact=contact
    )
