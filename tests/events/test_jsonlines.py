"""A line file is whole after a crash, rotates without losing a line and survives a log rotator."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.events import JsonLinesFile


def line(number: int) -> str:
    return json.dumps({"n": number})


def lines_of(path: Path) -> list[int]:
    return [json.loads(text)["n"] for text in path.read_text().splitlines()]


def test_lines_stand_in_order_and_behind_what_was_there(tmp_path: Path) -> None:
    for numbers in ([1, 2], [3]):
        with JsonLinesFile(tmp_path / "events.jsonl") as file:
            file.append([line(n) for n in numbers])
            file.append([])

    assert (tmp_path / "events.jsonl").read_text() == '{"n": 1}\n{"n": 2}\n{"n": 3}\n'


@pytest.mark.parametrize(
    ("left_over", "kept"),
    [
        ('{"n": 1}\n{"n": 2', [1]),
        ('{"n": 1}\n{"n": 2}', [1, 2]),
        ('{"n"', []),
        ("", []),
        ('{"n": 1}\n{"n": "\\ud8', [1]),
    ],
    ids=["torn", "only the line end is missing", "nothing whole", "empty", "torn inside an escape"],
)
def test_a_torn_last_line_is_mended_on_opening(tmp_path: Path, left_over: str, kept: list[int]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(left_over)

    with JsonLinesFile(path) as file:
        file.append([line(9)])

    assert lines_of(path) == [*kept, 9]


@given(cut=st.integers(0, 60), batches=st.lists(st.integers(1, 3), min_size=1, max_size=5))
def test_wherever_a_crash_cuts_the_file_every_line_before_it_stands(
    tmp_path_factory: pytest.TempPathFactory, cut: int, batches: list[int]
) -> None:
    path = tmp_path_factory.mktemp("cut") / "events.jsonl"
    whole = "".join(line(n) + "\n" for n in range(8))
    path.write_text(whole[:cut])
    before = [n for n in range(8) if len("".join(line(m) + "\n" for m in range(n + 1))) - 1 <= cut]

    with JsonLinesFile(path, fsync=False) as file:
        for size in batches:
            file.append([line(100)] * size)

    assert lines_of(path) == before + [100] * sum(batches)


def test_old_files_move_up_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    with JsonLinesFile(path, rotate_bytes=20, keep=2) as file:
        for number in range(9):
            file.append([line(number)])

    found = {each.name: lines_of(each) for each in tmp_path.iterdir()}
    assert found == {"events.jsonl": [8], "events.jsonl.1": [6, 7], "events.jsonl.2": [4, 5]}


def test_a_batch_larger_than_a_file_is_never_split(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    with JsonLinesFile(path, rotate_bytes=20, keep=3) as file:
        file.append([line(1)])
        file.append([line(n) for n in range(2, 9)])
        file.append([line(9)])

    assert [lines_of(each) for each in (path, tmp_path / "events.jsonl.1", tmp_path / "events.jsonl.2")] == [
        [9],
        [2, 3, 4, 5, 6, 7, 8],
        [1],
    ]


def test_keeping_no_old_file_starts_again_from_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    with JsonLinesFile(path, rotate_bytes=20, keep=0) as file:
        for number in range(5):
            file.append([line(number)])

    assert {each.name: lines_of(each) for each in tmp_path.iterdir()} == {"events.jsonl": [4]}


@pytest.mark.parametrize("how", ["moved", "deleted", "cut short"])
def test_a_log_rotator_may_take_the_file_away(tmp_path: Path, how: str) -> None:
    path = tmp_path / "events.jsonl"
    with JsonLinesFile(path, rotate_bytes=30) as file:
        file.append([line(1)])
        if how == "moved":
            path.rename(tmp_path / "taken")
        elif how == "deleted":
            path.unlink()
        else:
            path.write_text("")
        file.append([line(2)])

        assert lines_of(path) == [2]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The operating system cuts writes at this size, as a full disk does, with a short count first."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_refused_batch_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with JsonLinesFile(path) as file:
        file.append([line(1)])
        with largest_file(12), pytest.raises(OSError, match="too large"):
            file.append([line(2), line(3)])

        assert lines_of(path) == [1]
        file.append([line(4)])

    assert lines_of(path) == [1, 4]


def test_a_line_with_a_line_end_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with JsonLinesFile(path) as file, pytest.raises(ValueError, match="line end"):
        file.append([line(1), '{"n":\n2}'])

    assert path.read_text() == ""
