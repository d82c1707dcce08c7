"""What a reader of the reports sees: sentences in their language, from the figures, with nothing left unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.eda import words as eda_words
from training.evaluation import words as evaluation_words
from training.page import bar_chart, table, write_page
from training.page.charts import Bar


def page(folder: Path, lang: str, *parts: str) -> str:
    file = folder / "page.html"
    write_page(file, title="t", lead="l", lang=lang, parts=list(parts), footer="f 1.5")
    return file.read_text(encoding="utf-8").partition("<main>")[2]


def test_russian_reads_decimal_commas_and_keeps_versions_and_names(tmp_path: Path) -> None:
    rows = table(["", ""], [["age-resnet50/1.0.0+ab12", "5.61 (5.35–5.87)"], ["25_1.5.webp", "16.8 %"]])
    chart = bar_chart([Bar(label="a", value=0.5, shown="0.50")], title="τ")

    told = page(tmp_path, "ru", rows, chart, "τ = 0.177, ECE 0.039.")
    for text in (
        "5,61 (5,35–5,87)",
        "16,8 %",
        "τ = 0,177, ECE 0,039.",
        "1.0.0+ab12",
        "25_1.5.webp",
        ">0,50<",
    ):
        assert text in told
    assert 'x="' in told
    assert ',0"' not in told  # no attribute was touched
    assert "5.61 (5.35–5.87)" in page(tmp_path, "en", rows)


@pytest.mark.parametrize("words", [evaluation_words._WORDS, eda_words._WORDS, eda_words._FINDINGS])
def test_both_languages_say_the_same_values(words: dict[str, tuple[str, str]]) -> None:
    for key, (english, russian) in words.items():
        told = [
            {part.split("}")[0].partition(":")[0] for part in text.split("{")[1:]}
            for text in (english, russian)
        ]
        assert told[0] == told[1], key


def test_a_finding_tells_its_share_in_words() -> None:
    _, tell = eda_words.speak("en")
    assert tell({"key": "grey", "n": 12, "share": 0.0153}) == "12 pictures (1.5 %) are grey."
    _, tell = eda_words.speak("ru")
    assert "Чёрно-белых снимков: 12 (1.5 %)." in tell({"key": "grey", "n": 12, "share": 0.0153})


def test_a_group_that_has_no_word_keeps_its_name() -> None:
    say = evaluation_words.speak("ru")
    assert evaluation_words.named(say, "female") == "женщины"
    assert evaluation_words.named(say, "title") == "title"
