"""Words that pass Python by: in a process of their own, since descriptors 1 and 2 are the process's."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.conftest import Measured

ABOVE = """
import os, logging, ctypes
from edge.ops.log import redactor, start_logging
from edge.ops.native_output import take_over_output
start_logging(style="json", stream=take_over_output())
redactor.learn("p@ss w0rd")
"""


def run(script: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, str]]]:
    done = subprocess.run(
        [sys.executable, "-c", ABOVE + script], capture_output=True, text=True, check=False, timeout=60
    )
    return done, [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


def test_a_library_that_prints_an_address_tells_no_password(measured: Measured):
    done, records = run("os.write(2, b'[rtsp @ 0x1] rtsp://anna:p%40ss%20w0rd@192.0.2.9/ failed\\n')")
    assert done.stdout == ""
    assert [record["room"] for record in records] == ["native"]
    assert records[0]["message"] == "[rtsp @ 0x1] rtsp://***@192.0.2.9/ failed"
    measured(
        "a library prints by itself", f"1 line with an address: {len(records)} record, without the password"
    )


def test_what_comes_without_a_line_break_or_late_is_told_too():
    _, records = run("os.write(1, b'half p@ss w0rd')\nctypes.CDLL(None).printf(b'held back p@ss w0rd')")
    assert " ".join(record["message"] for record in records) == "half ***held back ***"


def test_an_exception_that_nobody_caught_is_a_record_without_the_password():
    done, records = run("raise ValueError('cannot open rtsp://anna:p@ss w0rd@192.0.2.9/')")
    assert done.returncode == 1
    assert records[-1]["level"] == "critical"
    assert "cannot open" in records[-1]["error"]
    assert "w0rd" not in done.stderr


def test_a_thread_that_ends_with_an_exception_is_told_by_name():
    script = """
import threading
def fail():
    raise ValueError("p@ss w0rd")
thread = threading.Thread(target=fail, name="camera 1")
thread.start(); thread.join()
"""
    done, records = run(script)
    assert records[-1]["message"] == "thread camera 1 ended"
    assert "w0rd" not in done.stderr


def test_more_than_a_pipe_holds_comes_whole(measured: Measured):
    _, records = run("os.write(2, b'x' * 99 + b'\\n')\nfor _ in range(3000): os.write(2, b'y' * 99 + b'\\n')")
    assert len(records) == 3001
    measured("a library prints by itself", f"more than a pipe holds: {len(records)} of 3001 lines")
