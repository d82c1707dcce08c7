"""The fault table holds what its tests say: each row rests on tests that exist and measure, each figure on a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reliability import table
from tests.reliability.table import BEGIN, END, merged, recorders, rendered, rows, run_of

DOCUMENT = f"""# Faults

{BEGIN}

| fault | promised | measured | shown by |
|---|---|---|---|
| camera unplugged | told | of old | `tests/lane/test_lane.py` |
| disk full | waits | | `tests/lane/test_lane.py`, `tests/test_disk.py` |

{END}

## Soak
"""

LANE = """
import pytest

def test_a_camera_that_goes(measured):
    measured("camera unplugged", f"told after {1.5} s")

class TestDisk:
    @pytest.mark.parametrize("left", [0, 300])
    def test_no_room(self, measured, left):
        measured("disk full", f"{left} bytes left: 0 lost")

def test_that_measures_nothing():
    pass

def helper(measured):
    measured("camera unplugged", "no test says this")
"""
GOES = "tests/lane/test_lane.py::test_a_camera_that_goes"
NO_ROOM = "tests/lane/test_lane.py::TestDisk::test_no_room"


def xml(*cases: str, day: str = "2026-02-01") -> str:
    suite = f'<testsuite timestamp="{day}T10:00:00+00:00">{"".join(cases)}</testsuite>'
    return f"<testsuites>{suite}</testsuites>"


def case(name: str, fault: str, *figure: str | int, end: str = "") -> str:
    """How pytest notes one test; those of a disk stand in a class."""
    place = "tests.lane.test_lane" + (".TestDisk" if "room" in name else "")
    value = json.dumps(figure).replace('"', "&quot;")
    told = f'<property name="measured {fault}" value="{value}"/><property name="else" value="7"/>'
    return f'<testcase classname="{place}" name="{name}"><properties>{told}</properties>{end}</testcase>'


def figures_of(*figure: str | int, fault: str = "disk full", on: str = "2026-02-01") -> dict[str, object]:
    return {"on": on, "where": "a box", "figures": [[fault, *figure]]}


def test_every_row_names_the_files_whose_tests_measure_its_fault_and_no_others() -> None:
    found = rows(table.TABLE.read_text())
    named = {row.fault: set(row.files) for row in found}
    measuring = recorders(table.CHECKOUT / "tests")
    assert named == {fault: {test.partition("::")[0] for test in tests} for fault, tests in measuring.items()}
    assert len(named) == len(found), "a fault stands in two rows"
    assert all(row.promised for row in found)


def test_the_table_shows_the_figures_that_are_kept_and_nothing_else() -> None:
    """Who changes either: `python -m tests.reliability.table`, without any XML, brings them together."""
    measuring = recorders(table.CHECKOUT / "tests")
    figures = json.loads(table.FIGURES.read_text())
    document = table.TABLE.read_text()
    assert rendered(document, figures, measuring) == document
    assert merged(figures, {}, [test for tests in measuring.values() for test in tests]) == figures


def test_what_measures_is_found_in_the_code_of_tests_alone(tmp_path: Path) -> None:
    (tmp_path / "tests" / "lane").mkdir(parents=True)
    (tmp_path / "tests" / "lane" / "test_lane.py").write_text(LANE)
    assert recorders(tmp_path / "tests") == {"camera unplugged": [GOES], "disk full": [NO_ROOM]}


def test_a_fault_that_is_put_together_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text('def test_x(measured):\n    measured(f"disk {1}", "")\n')
    with pytest.raises(ValueError, match="line 2: measured"):
        recorders(tmp_path)


def test_only_tests_that_passed_and_that_measure_are_read() -> None:
    run = run_of(
        xml(
            case("test_no_room[0]", "disk full", "{} lost", 0),
            case("test_no_room[300]", "disk full", "{} lost", 3, end="<failure/>"),
            case("test_a_camera_that_goes", "camera unplugged", "told", end="<skipped/>"),
            case("test_of_another_project", "disk full", "1 lost"),
        ),
        [GOES, NO_ROOM],
        where="a box",
    )
    assert run == {f"{NO_ROOM}[0]": figures_of("{} lost", 0)}


def test_a_run_renews_the_tests_that_it_ran_and_keeps_the_others_but_none_that_is_gone() -> None:
    old = figures_of("old", on="2026-01-01")
    kept = {
        GOES: old,
        f"{NO_ROOM}[0]": old,
        f"{NO_ROOM}[of a name it had]": old,
        "tests/test_x.py::test_gone": old,
    }
    now = merged(kept, {f"{NO_ROOM}[0]": figures_of("new")}, [GOES, NO_ROOM])
    assert now == {GOES: old, f"{NO_ROOM}[0]": figures_of("new")}


def test_the_column_is_written_the_rest_is_left_and_writing_twice_changes_nothing() -> None:
    measuring = {"camera unplugged": [GOES], "disk full": [NO_ROOM]}
    figures = {
        f"{NO_ROOM}[0]": figures_of("full: {} of {} lost", 0, 7),
        f"{NO_ROOM}[300]": figures_of("nearly full: told"),
        f"{NO_ROOM}[301]": figures_of("nearly full: told"),
        f"{NO_ROOM}[9]": figures_of("full: {} of {} lost", 0, 5),
    }
    written = rendered(DOCUMENT, figures, measuring)
    assert "| camera unplugged | told | not measured | `tests/lane/test_lane.py` |" in written
    assert (
        "| disk full | waits | full: 0 of 12 lost; nearly full: told | `tests/lane/test_lane.py`, " in written
    )
    assert "\nMeasured 2026-02-01 on a box.\n" in written
    assert written.startswith("# Faults\n")
    assert written.endswith("\n\n## Soak\n")
    assert rendered(written, figures, measuring) == written


@pytest.mark.parametrize(
    ("broken", "word"),
    [(DOCUMENT.replace(END, ""), "between one"), (DOCUMENT.replace(" of old |", ""), "4 cells")],
)
def test_a_table_that_cannot_be_read_is_said(broken: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        rows(broken)
