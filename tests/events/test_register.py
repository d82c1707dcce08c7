"""The register: whatever is changed, taken out or moved is found, and one entry can still be forgotten."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator

import pytest

from edge.events.migrations import migrate
from edge.events.register import (
    Emptied,
    add_entry,
    emptied,
    entries,
    export_csv,
    forget_entries,
    forget_entry,
    retire_before,
    verify,
)
from edge.events.schema import SECURITY_MIGRATIONS


@pytest.fixture
def book() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, SECURITY_MIGRATIONS)
    for number in range(1, 8):
        add_entry(
            connection,
            kind="alert" if number % 2 else "challenge",
            at_ms=1_767_607_200_000 + number,
            payload={"lane": "lane-1", "receipt": f"r-{number}", "p_under": {"25": 0.9}},
        )
    yield connection
    connection.close()


def test_an_untouched_register_holds(book: sqlite3.Connection) -> None:
    assert verify(book) == []
    assert [entry.number for entry in entries(book)] == list(range(1, 8))


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ("UPDATE register SET payload = replace(payload, 'r-3', 'r-9') WHERE number = 3", 3),
        ("UPDATE register SET at_ms = at_ms + 1 WHERE number = 3", 3),
        ("UPDATE register SET kind = 'refusal' WHERE number = 3", 3),
        ("UPDATE register SET salt = zeroblob(16) WHERE number = 3", 3),
        ("DELETE FROM register WHERE number = 3", 3),
        ("DELETE FROM register WHERE number = 1", 1),
        ("DELETE FROM register WHERE number = 7", 7),
        ("DELETE FROM register", 1),
    ],
)
def test_a_changed_or_missing_entry_is_found(book: sqlite3.Connection, how: str, number: int) -> None:
    book.execute(how)
    assert verify(book)[0].number == number


def test_two_entries_that_changed_places_are_found(book: sqlite3.Connection) -> None:
    for old, new in ((3, 100), (4, 3), (100, 4)):
        book.execute("UPDATE register SET number = ? WHERE number = ?", (new, old))
    assert 3 in {fault.number for fault in verify(book)}


def test_a_register_written_anew_is_found_by_a_noted_chain_value(book: sqlite3.Connection) -> None:
    noted = [(entry.number, entry.chain) for entry in entries(book)][-1]
    book.execute("DELETE FROM register")
    for _ in range(7):
        add_entry(book, kind="alert", at_ms=1, payload={})
    assert verify(book) == []
    assert [fault.number for fault in verify(book, noted=[noted])] == [7]


def test_what_entries_said_can_be_forgotten_with_a_tombstone_and_the_chain_holds(
    book: sqlite3.Connection,
) -> None:
    assert forget_entries(book, [4, 5, 99], at_ms=9) == 8
    assert verify(book) == []
    assert [entry.number for entry in entries(book) if entry.payload is None] == [4, 5]
    assert emptied(book) == Emptied(requests=1, forgotten=frozenset({4, 5}), retired=0)
    assert "r-4" not in "".join(book.iterdump())


def test_an_entry_that_was_emptied_without_a_tombstone_is_found(book: sqlite3.Connection) -> None:
    forget_entries(book, [2], at_ms=9)
    assert forget_entry(book, 4)
    assert not forget_entry(book, 99)
    assert [fault.number for fault in verify(book)] == [4]


def test_a_tombstone_that_is_emptied_itself_explains_nothing(book: sqlite3.Connection) -> None:
    tombstone = forget_entries(book, [2], at_ms=9)
    forget_entry(book, tombstone)
    assert [fault.number for fault in verify(book)] == [2, tombstone]


@pytest.mark.parametrize("payload", ["{", '{"entries": 7}', "[" * 100_000])
def test_a_tombstone_that_was_rewritten_is_named_and_breaks_nothing(
    book: sqlite3.Connection, payload: str
) -> None:
    tombstone = forget_entries(book, [2], at_ms=9)
    book.execute("UPDATE register SET payload = ? WHERE number = ?", (payload, tombstone))
    assert emptied(book).forgotten == frozenset()
    assert tombstone in {fault.number for fault in verify(book)}


def test_retention_empties_old_entries_once_a_day_and_keeps_tombstones_and_chain(
    book: sqlite3.Connection,
) -> None:
    day_ms = 86_400_000
    forget_entries(book, [3], at_ms=1_767_607_200_010)
    later_ms = 1_767_607_200_000 + 366 * day_ms
    add_entry(book, kind="alert", at_ms=later_ms - 5 * day_ms, payload={"receipt": "young"})
    assert retire_before(book, before_ms=later_ms - 365 * day_ms, at_ms=later_ms) == 6
    assert retire_before(book, before_ms=later_ms - 365 * day_ms, at_ms=later_ms) == 0
    assert verify(book) == []
    assert [(entry.kind, entry.payload is None) for entry in entries(book)][7:] == [
        ("forgotten", False),
        ("alert", False),
        ("retention", False),
    ]
    assert emptied(book) == Emptied(requests=1, forgotten=frozenset({3}), retired=7)


def test_the_export_is_a_table_that_no_spreadsheet_runs(book: sqlite3.Connection) -> None:
    add_entry(book, kind="acknowledgement", at_ms=5, payload={"note": '=HYPERLINK("x")', "by": "anna, 2nd"})
    rows = list(csv.DictReader(io.StringIO(export_csv(entries(book)))))
    assert len(rows) == 8
    assert rows[-1]["note"] == '\'=HYPERLINK("x")'
    assert rows[-1]["by"] == "anna, 2nd"
    assert rows[0]["p_under"] == "25=0.9"
    assert all(len(row["chain"]) == 64 for row in rows)
