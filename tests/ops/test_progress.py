"""What somebody sees who waits, and that a log sees nothing."""

from __future__ import annotations

import io

import pytest

from edge.ops.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_file_stays_clean() -> None:
    stream = io.StringIO()
    with Progress("replay", 10, stream=stream) as bar:
        bar.at(5)
    assert stream.getvalue() == ""


def test_a_dumb_terminal_stays_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with Progress("replay", 10, stream=stream) as bar:
        bar.at(5)
    assert stream.getvalue() == ""


def test_a_terminal_sees_the_share_and_its_line_is_wiped_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Progress("replay", 10, unit="s", stream=stream) as bar:
        bar.at(5)
    assert " 50%" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_half_done_in_ten_seconds_leaves_ten_seconds() -> None:
    assert Progress("x", 10, unit="s", stream=io.StringIO()).line(5, elapsed_s=10).endswith("0:10 left")


def test_an_unknown_total_shows_the_amount_only() -> None:
    assert Progress("x", 0, unit="files", stream=io.StringIO()).line(7, elapsed_s=1).startswith("x 7 files")
