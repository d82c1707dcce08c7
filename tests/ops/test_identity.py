"""A cloned disk is found out at start; a new network card is not taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.ops.identity import Computer, accept_computer, check_identity, this_computer
from tests.conftest import Measured


def computer(machine: str = "m1", *hardware: str) -> Computer:
    return Computer(machine=machine, hardware=frozenset(hardware))


def told(state: Path, here: Computer) -> str | None:
    return check_identity(state, store="store-1", box="box-1", here=here)


def test_the_first_start_notes_the_computer_and_the_next_finds_it_again(tmp_path: Path) -> None:
    assert told(tmp_path / "state", computer("m1", "card-a")) is None
    assert told(tmp_path / "state", computer("m1", "card-a", "card-b")) is None


@pytest.mark.parametrize(
    ("here", "word"),
    [
        (computer("m2", "card-a"), "machine-id"),
        (computer("m1", "card-c"), "network cards and board"),
    ],
)
def test_a_clone_is_told_with_the_way_out_until_it_is_accepted(
    tmp_path: Path, here: Computer, word: str, measured: Measured
) -> None:
    told(tmp_path, computer("m1", "card-a"))
    starts = 2
    for _ in range(starts):
        said = told(tmp_path, here)
        assert said is not None
        assert word in said
        assert "site.box" in said
        assert "accept-computer" in said
    accept_computer(tmp_path, store="store-1", box="box-1", here=here)
    assert told(tmp_path, here) is None
    measured(
        "disk cloned or moved",
        f"by its {word}: told at {starts} of {starts} starts, not any more when accepted",
    )


def test_where_hardware_cannot_be_read_the_machine_id_decides(tmp_path: Path) -> None:
    told(tmp_path, computer("m1", "card-a"))
    assert told(tmp_path, computer("m1")) is None
    assert told(tmp_path, computer("m2")) is not None


def test_a_damaged_note_is_said_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "identity.json").write_text("{")
    assert "damaged" in (told(tmp_path, computer()) or "")
    assert (tmp_path / "identity.json").read_text() == "{"


def test_a_computer_is_known_by_cards_that_are_really_there(tmp_path: Path) -> None:
    """A bridge or a tunnel comes and goes; only a card with a device behind it counts."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "machine-id").write_text("0123\n")
    for card, real in (("eth0", True), ("br0", False)):
        folder = tmp_path / "sys" / "class" / "net" / card
        folder.mkdir(parents=True)
        (folder / "address").write_text(f"{card}-address\n")
        if real:
            (folder / "device").mkdir()
    here = this_computer(tmp_path)
    assert len(here.hardware) == 1
    assert "0123" not in here.machine
    (tmp_path / "sys/class/net/eth0/address").write_text("another\n")
    assert here.differs(this_computer(tmp_path)) == "network cards and board are other ones"


@pytest.mark.parametrize(("number", "counts"), [("Default string", 0), ("00000000", 0), ("PF3XK2Q1", 1)])
def test_a_board_without_a_number_of_its_own_tells_no_two_computers_apart(
    tmp_path: Path, number: str, counts: int
) -> None:
    """Makers of cheap boxes leave the same words on every board: a clone's would have counted as the same computer."""
    board = tmp_path / "sys/class/dmi/id/board_serial"
    board.parent.mkdir(parents=True)
    board.write_text(f"{number}\n")
    assert len(this_computer(tmp_path).hardware) == counts
