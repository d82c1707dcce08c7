"""The terminal view: what a person at the screen reads, at any size, in both languages."""

from __future__ import annotations

import io
import os
import pty
import re
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.flow import Role
from edge.ops.terminal import Happening, LaneNow, Terminal, track_ended
from edge.ops.terminal_view import view
from edge.ops.terminal_words import WORDS
from tests.ops.moments import (
    LOOKS_20,
    LOOKS_57,
    QUIET,
    START_NS,
    STATS,
    TURNED_AWAY,
    camera,
    report,
    sink,
    with_tracks,
)

RESEARCH = "research weights: train on your own licensed faces before use in a shop"


def seen(moment, happened=(), *, width=80, height=24, **how) -> list[str]:
    return [
        "".join(span.text for span in line)
        for line in view(moment, happened, width=width, height=height, **how)
    ]


def row(lines: list[str], word: str) -> str:
    (found,) = [line for line in lines if word in line]
    return found


def test_a_customer_is_a_row_with_age_interval_and_probability() -> None:
    lines = seen(with_tracks(report("lane-1-7", LOOKS_20)))
    assert re.fullmatch(
        r"lane-1 +cam-1 up +14\.9 +lane-1-7 +20 \(15–26\) +0\.91 █{9}", row(lines, "lane-1-7")
    )
    assert re.fullmatch(r"LANE +CAMERA +FPS +CUSTOMER +AGE, YEARS \(90 %\) +P\(<25\)", lines[4])


def test_the_age_that_the_policy_asks_about_is_the_one_shown() -> None:
    assert "P(<18)" in "\n".join(seen(replace(QUIET, challenge_age=18)))
    lines = seen(replace(with_tracks(report("t", LOOKS_20)), challenge_age=18))
    assert "0.30 ███" in row(lines, "20 (15–26)")


def test_unknown_carries_its_reason() -> None:
    assert row(seen(with_tracks(report("t", TURNED_AWAY))), "unknown: turned away")


def test_an_empty_lane_says_nobody_and_a_dead_camera_says_why() -> None:
    assert row(seen(QUIET), "nobody").startswith("lane-1")
    dead = replace(STATS, cameras=(camera(state="down", reason="auth_failed"),))
    line = row(seen(replace(QUIET, stats=dead)), "cam-1 DOWN")
    assert line.endswith("credentials refused")


def test_latency_and_model_are_named() -> None:
    lines = seen(QUIET)
    assert row(lines, "estimate after 80 ms (p95 142 ms)")
    assert row(lines, "age-resnet50/1.0.0+ab12cd34 · yunet · CPUExecutionProvider")


def test_a_silent_fall_to_the_cpu_is_not_silent_here() -> None:
    fallen = replace(STATS.inference, degraded="no CUDA device: running on the CPU")
    assert row(seen(replace(QUIET, stats=replace(STATS, inference=fallen))), "running on the CPU")


def test_a_sink_that_is_away_tells_how_much_waits_since_when_and_why() -> None:
    away = sink("broker", up=False, pending=420, oldest_s=200, error="connection refused")
    lines = seen(replace(QUIET, stats=replace(STATS, sinks=(sink("events"), away))))
    assert row(lines, "events · broker 420 waiting for 3:20 (connection refused)")


def test_a_store_that_refuses_says_why() -> None:
    full = replace(STATS.event_store, accepting=False, reason="disk full")
    assert row(seen(replace(QUIET, stats=replace(STATS, event_store=full))), "REFUSING · disk full")


def test_the_newest_happening_comes_first_in_the_shops_own_time() -> None:
    early = track_ended(report("a", LOOKS_57, ended=True))
    late = replace(early, at_ns=early.at_ns + 60_000_000_000)
    lines = seen(QUIET, [early, late], zone=timezone(timedelta(hours=3)))
    at = lines.index("Last")
    assert lines[at + 1] == "13:01:04  lane-1  a: age 57 (49–66), P(<25) 0.01, crops 5"
    assert lines[at + 2].startswith("13:00:04")


def test_a_passer_by_is_called_one() -> None:
    assert "passed by" in track_ended(replace(report(ended=True), role=Role.PASSER_BY)).text


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (24, 8), (200, 60)])
def test_the_sentence_on_research_weights_is_whole_at_every_size(language, width: int, height: int) -> None:
    people = [report(f"t{index}", LOOKS_20) for index in range(30)]
    happened = [track_ended(report(ended=True))] * 50
    lines = seen(with_tracks(*people), happened, width=width, height=height, language=language)
    assert WORDS[language]["research"] in " ".join(line.strip() for line in lines)


def test_trained_on_own_faces_the_sentence_is_gone() -> None:
    own = replace(STATS.inference, research_weights=False)
    assert RESEARCH not in "\n".join(seen(replace(QUIET, stats=replace(STATS, inference=own))))


def test_both_languages_have_every_word() -> None:
    assert WORDS["en"].keys() == WORDS["ru"].keys()
    for key, english in WORDS["en"].items():
        assert re.findall(r"\{(\w+)\}", english) == re.findall(r"\{(\w+)\}", WORDS["ru"][key]), key


def test_nobody_is_ever_called_old_enough() -> None:
    said = " ".join([*WORDS["en"].values(), *WORDS["ru"].values()]).lower()
    assert not re.search(r"enough|\bok\b|allowed|cleared|взросл|разреш|можно", said)


@settings(deadline=None)
@given(
    width=st.integers(1, 150),
    height=st.integers(1, 50),
    name=st.text(max_size=60),
    count=st.integers(0, 12),
    lanes=st.integers(0, 5),
)
def test_no_text_and_no_size_breaks_the_screen(
    width: int, height: int, name: str, count: int, lanes: int
) -> None:
    tracks = tuple(report(name, [LOOKS_57, TURNED_AWAY][index % 2]) for index in range(count))
    moment = replace(
        QUIET,
        lanes=tuple(LaneNow(lane=name, camera=name, tracks=tracks) for _ in range(lanes)),
        stats=replace(STATS, sinks=(sink(name, up=False, error=name),), notes=(name,)),
    )
    happened = [Happening(at_ns=START_NS, lane=name, text=name)] * count
    lines = seen(moment, happened, width=width, height=height)
    assert len(lines) <= height
    assert all(len(line) <= max(width, 10) and line.isprintable() for line in lines)


def test_without_a_terminal_each_happening_is_one_plain_line() -> None:
    stream = io.StringIO()
    with Terminal(stream) as terminal:
        terminal.show(QUIET)
        terminal.tell(track_ended(report("lane-1-7", LOOKS_20, ended=True)))
        terminal.tell(Happening(at_ns=START_NS, lane="lane-1", text="two\nlines\x1b[2J"))
        terminal.show(QUIET)
    assert stream.getvalue().splitlines() == [
        "10:00:04  lane-1  lane-1-7: age 20 (15–26), P(<25) 0.91, crops 3",
        "10:00:00  lane-1  two?lines?[2J",
    ]


def test_a_terminal_that_cannot_redraw_is_written_to_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor's shell says that it is dumb: the redrawn screen filled it with escape sequences."""
    monkeypatch.setenv("TERM", "dumb")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        with Terminal(stream) as terminal:
            terminal.show(QUIET)
            terminal.tell(Happening(at_ns=START_NS, lane="lane-1", text="hello"))
        written = os.read(ours, 1 << 20).decode()
    os.close(ours)
    assert written == "10:00:00  lane-1  hello\r\n"


def test_a_real_terminal_is_given_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        with Terminal(stream) as terminal:
            terminal.show(QUIET)
        raw = b""
        while not raw.endswith(b"\x1b[?1049l"):  # a terminal hands on in pieces of its own
            raw += os.read(ours, 1 << 20)
        drawn = raw.decode()
    os.close(ours)
    assert drawn.startswith("\x1b[?1049h")
    assert RESEARCH in drawn
    assert drawn.endswith("\x1b[?25h\x1b[?1049l")


def test_a_terminal_without_such_letters_shows_question_marks_instead_of_failing() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Terminal(stream, language="ru").tell(track_ended(report(ended=True), language="ru"))
    assert b"P(<25) 0.01" in raw.getvalue()
