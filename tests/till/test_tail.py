"""A file that grows: every line once, whatever happens to the file between two looks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.till import LinesTail, Place


class Reader:
    """Reads as the door does: the place is kept with the lines, a restart begins at the place kept last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: str | None = None
        self.lines: list[str] = []
        self.restart()

    def restart(self) -> None:
        self.tail = LinesTail(self.path, place=None if self.kept is None else Place.from_json(self.kept))

    def look(self) -> list[str]:
        while (portion := self.tail.next()) is not None:
            self.lines += [line.decode() for line in portion.lines]
            self.kept = portion.place.to_json()
        return self.lines


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "till.jsonl"


def append(file: Path, text: str) -> None:
    with file.open("a") as end:
        end.write(text)


@pytest.mark.parametrize("restart", [False, True])
def test_lines_come_once_and_a_half_line_waits_for_its_end(file: Path, restart: bool) -> None:
    reader = Reader(file)
    assert reader.look() == []
    append(file, "one\ntwo\nthr")
    assert reader.look() == ["one", "two"]
    if restart:
        reader.restart()
    append(file, "ee\n")
    assert reader.look() == ["one", "two", "three"]


@pytest.mark.parametrize("restart", [False, True])
def test_a_renamed_file_is_read_to_its_end_before_the_new_one(file: Path, restart: bool) -> None:
    reader = Reader(file)
    append(file, "one\n")
    reader.look()
    append(file, "two\n")
    file.rename(file.with_name("till.jsonl.1"))
    append(file, "three\n")
    if restart:
        reader.restart()
    assert reader.look() == ["one", "two", "three"]
    append(file, "four\n")
    assert reader.look() == ["one", "two", "three", "four"]


@pytest.mark.parametrize("read_before", [False, True])
def test_several_rotations_while_the_box_was_away_are_read_oldest_first(
    file: Path, read_before: bool
) -> None:
    reader = Reader(file)
    append(file, "one\n")
    reader.look()
    append(file, "two\n")
    if read_before:
        reader.look()
    days = [file, *(file.with_name(f"till.jsonl.{number}") for number in (1, 2, 3))]
    for day, lines in enumerate(("three\nthree and a half\n", "four\n", "five\n")):
        for place in (2, 1, 0):
            if days[place].exists():
                days[place].rename(days[place + 1])
        append(file, lines)
        for age, place in enumerate(reversed([one for one in days if one.exists()])):
            os.utime(place, ns=(0, (day * 10 + age + 1) * 10**9))
    for name in ("till.jsonl.2.gz", "till.jsonl.offsets"):
        file.with_name(name).write_text("no till event\n")
    reader.restart()
    told = ["one", "two", "three", "three and a half", "four", "five"]
    assert reader.look() == told
    append(file, "six\n")
    reader.restart()
    assert reader.look() == [*told, "six"]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("after", ["new\n", "new and longer than what was there before\n"])
def test_a_file_copied_away_and_cut_is_read_from_its_beginning(file: Path, restart: bool, after: str) -> None:
    reader = Reader(file)
    append(file, "one\ntwo\n")
    reader.look()
    file.write_text(after)
    if restart:
        reader.restart()
    assert reader.look() == ["one", "two", after.strip()]


def test_a_file_that_vanishes_and_comes_back_is_read(file: Path) -> None:
    reader = Reader(file)
    append(file, "one\n")
    reader.look()
    file.unlink()
    assert reader.look() == ["one"]
    append(file, "two\n")
    assert reader.look() == ["one", "two"]


def test_a_large_file_comes_in_portions(file: Path) -> None:
    reader = Reader(file)
    lines = [f"{number} " + "x" * 90 for number in range(10_000)]
    file.write_text("\n".join(lines) + "\n")
    assert reader.look() == lines


def test_a_line_without_end_that_grows_for_ever_does_not_stop_the_door(file: Path) -> None:
    reader = Reader(file)
    append(file, "x" * 100_000)
    assert sum(map(len, reader.look())) == 100_000
