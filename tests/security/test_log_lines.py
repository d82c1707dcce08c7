"""Nobody writes lines of his own into our logs, nor plays with the terminal of who reads them."""

from __future__ import annotations

import io
import json
import logging

import pytest

from edge.ops.log import start_logging

FORGED = "x\n12:00:00 info app: all is well\r\x1b[2J\x9b31m\u2028\u202eevil\x00"


@pytest.mark.parametrize("style", ["pretty", "json"])
def test_a_record_is_one_line_whatever_stands_in_it(style: str) -> None:
    before = logging.getLogger().handlers[:]
    out = io.StringIO()
    try:
        start_logging(style=style, stream=out)
        logging.getLogger("edge.page").warning("name %s", FORGED, extra={"lane": FORGED})
    finally:
        logging.getLogger().handlers[:] = before
    told = out.getvalue()
    assert len(told.splitlines()) == 1
    assert told[:-1].isprintable()
    if style == "json":
        assert json.loads(told)["lane"].startswith("x")


def test_an_errors_text_cannot_pass_for_a_record() -> None:
    before = logging.getLogger().handlers[:]
    out = io.StringIO()
    try:
        start_logging(stream=out)
        try:
            raise ValueError(FORGED)
        except ValueError:
            logging.getLogger("edge.page").exception("it broke")
    finally:
        logging.getLogger().handlers[:] = before
    first, *rest = out.getvalue().splitlines()
    assert "it broke" in first
    assert all(line.startswith("    ") for line in rest)
