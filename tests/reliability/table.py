"""The fault table of docs/reliability.md, with the figures that its tests measured.

    python -m pytest --junitxml build/faults.xml $(python -m tests.reliability.table --tests)
    python -m tests.reliability.table build/faults.xml

Fault, promise and test files of a row are written by hand. A test says what it saw by the fixture `measured`; pytest
writes that into its JUnit XML, and this program into the column "measured". The last figures of every test are kept in
docs/reliability.measured.json: a run of some tests renews their figures and leaves the others as they are.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from edge.bench.machine import machine

__all__ = ["BEGIN", "END", "FIGURES", "TABLE", "Row", "merged", "recorders", "rendered", "rows", "run_of"]

CHECKOUT = Path(__file__).resolve().parents[2]
TABLE = CHECKOUT / "docs" / "reliability.md"
FIGURES = CHECKOUT / "docs" / "reliability.measured.json"
PROPERTY = "measured "
"""What a figure's property in the XML begins with; the fault follows."""

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
_HEAD = ("fault", "promised", "measured", "shown by")
_NOTHING = "not measured"

Figures = dict[str, dict[str, Any]]
"""Test's id with its parameters -> `on` (date), `where` (machine), `figures`: fault, words and counts of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a person writes of a row."""

    fault: str
    promised: str
    files: tuple[str, ...]


def rows(document: str) -> list[Row]:
    """The rows between the markers, in order; ValueError where a line has not four cells."""
    found = []
    for line in _inside(document)[2:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != len(_HEAD):
            raise ValueError(f"a row needs {len(_HEAD)} cells, {', '.join(_HEAD)}; got {line!r}")
        found.append(Row(fault=cells[0], promised=cells[1], files=tuple(re.findall(r"`([^`]+)`", cells[3]))))
    return found


def recorders(folder: Path) -> dict[str, list[str]]:
    """Fault -> ids of the tests below `folder` that measure it, by their code: files sorted, tests as they stand."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("test_*.py")):
        name = file.relative_to(folder.parent).as_posix()
        for test, function in _tests(ast.parse(file.read_text()).body):
            for fault in _measures(function):
                tests = found.setdefault(fault, [])
                tests += [] if f"{name}::{test}" in tests else [f"{name}::{test}"]
    return found


def run_of(xml: str, tests: Iterable[str], *, where: str) -> Figures:
    """The figures of the `tests` that passed in a run; `xml` is what pytest wrote of it."""
    ids = {test.replace("/", ".").replace(".py::", ".").replace("::", "."): test for test in tests}
    found: Figures = {}
    for suite in ElementTree.fromstring(xml).iter("testsuite"):  # noqa: S314 - our own pytest wrote it
        for case in suite.iter("testcase"):
            name, bracket, parameters = case.get("name", "").partition("[")
            test = ids.get(f"{case.get('classname')}.{name}")
            if test is None or any(case.find(end) is not None for end in ("failure", "error", "skipped")):
                continue
            told = [(one.get("name", ""), one.get("value", "")) for one in case.iter("property")]
            figures = [
                [name.removeprefix(PROPERTY), *json.loads(text)]
                for name, text in told
                if name.startswith(PROPERTY)
            ]
            on = suite.get("timestamp", "")[:10]
            found[test + bracket + parameters] = {"on": on, "where": where, "figures": figures}
    return found


def merged(kept: Figures, new: Figures, tests: Iterable[str]) -> Figures:
    """`new` over `kept`, without tests that are no more. A test that ran is renewed with all of its parameters."""
    there, renewed = set(tests), {_plain(test) for test in new}
    both = {**{test: one for test, one in kept.items() if _plain(test) not in renewed}, **new}
    return {test: both[test] for test in sorted(both) if _plain(test) in there}


def rendered(document: str, figures: Figures, measuring: Mapping[str, Sequence[str]]) -> str:
    """The document with the column "measured", and under the table when and where that was."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for row in rows(document):
        told = "; ".join(_words(row, figures, measuring)) or _NOTHING
        lines.append(
            f"| {row.fault} | {row.promised} | {told} | {', '.join(f'`{file}`' for file in row.files)} |"
        )
    when = sorted({(one["on"], one["where"]) for one in figures.values()})
    lines += [
        "",
        "Measured " + "; ".join(f"{on} on {where}" for on, where in when) + "." if when else _NOTHING,
    ]
    before, after = document.split(BEGIN, maxsplit=1)[0], document.split(END)[1]
    return "\n".join([before + BEGIN, "", *lines, "", END]) + after


def _inside(document: str) -> list[str]:
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise ValueError(f"the table stands between one {BEGIN} and one {END}")
    return document.split(BEGIN)[1].split(END, maxsplit=1)[0].strip().splitlines()


def _tests(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}::{name}", function) for name, function in _tests(node.body))


def _measures(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "measured":
            if not (node.args and isinstance(node.args[0], ast.Constant)):
                raise ValueError(f"line {node.lineno}: measured() needs its fault as a plain string")
            yield str(node.args[0].value)


def _plain(test: str) -> str:
    """The test's id without its parameters."""
    return test.partition("[")[0]


def _words(row: Row, figures: Figures, measuring: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What was measured for the row, its files in their order; what a test says with several parameters, once."""
    measure = measuring.get(row.fault, ())
    for test in (test for file in row.files for test in measure if test.startswith(f"{file}::")):
        sums: dict[str, list[int]] = {}
        for name, one in figures.items():
            for fault, words, *counts in one["figures"]:
                if (_plain(name), fault) == (test, row.fault):
                    so_far = sums.get(words, [0] * len(counts))
                    sums[words] = [a + b for a, b in zip(so_far, counts, strict=True)]
        yield from (words.format(*counts) if counts else words for words, counts in sums.items())


def main(arguments: Sequence[str]) -> int:
    """See above."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability.table", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "xml", nargs="*", type=Path, help="what pytest --junitxml wrote; none: render what is kept"
    )
    parser.add_argument(
        "--tests", action="store_true", help="print the tests that measure, for pytest's command"
    )
    told = parser.parse_args(arguments)
    measuring = recorders(CHECKOUT / "tests")
    tests = list(dict.fromkeys(chain.from_iterable(measuring.values())))
    if told.tests:
        print("\n".join(tests))
        return 0
    here = machine()
    where = f"{here['cpu']}, {here['cores']} cores"
    new: Figures = {}
    for file in told.xml:
        new |= run_of(file.read_text(), tests, where=where)
    figures = merged(json.loads(FIGURES.read_text()) if FIGURES.exists() else {}, new, tests)
    FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    TABLE.write_text(rendered(TABLE.read_text(), figures, measuring))
    missing = [row.fault for row in rows(TABLE.read_text()) if not any(_words(row, figures, measuring))]
    print(f"{len(new)} tests read; {_NOTHING}: {', '.join(missing) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
