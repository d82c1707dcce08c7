"""What a line of the log looks like: for a person, for a collector, for the journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys

SAY = """
import logging
from edge.ops.log import redactor, start_logging
redactor.learn("hush hush")
start_logging(style="{style}", level="{level}")
log = logging.getLogger("edge.camera.camera")
log.debug("looking")
log.warning("camera is down: hush hush\\nsecond line", extra={{"camera": "cam-1"}})
"""


def say(*, style: str = "pretty", level: str = "info", to_journal: bool = False) -> str:
    """What comes out of a process whose stderr is a pipe; `to_journal`: as systemd tells a service of its socket."""
    reader, writer = os.pipe()
    environment = dict(os.environ)
    if to_journal:
        stat = os.fstat(writer)
        environment["JOURNAL_STREAM"] = f"{stat.st_dev}:{stat.st_ino}"
    script = SAY.format(style=style, level=level)
    subprocess.run([sys.executable, "-c", script], stderr=writer, env=environment, check=True, timeout=60)
    os.close(writer)
    with os.fdopen(reader) as out:
        return out.read()


def test_a_person_reads_time_level_room_and_fields():
    time, line, *more = say().splitlines()[0].split(" ", 1)
    assert len(time.split(":")) == 3
    assert (line, more) == (r"warning camera: camera is down: ***\u000asecond line  camera=cam-1", [])


def test_the_journal_gets_its_level_and_no_time_of_ours():
    assert say(to_journal=True).splitlines() == [
        r"<4>warning camera: camera is down: ***\u000asecond line  camera=cam-1",
    ]


def test_a_collector_gets_one_object_a_line():
    (line,) = say(style="json").splitlines()
    told = json.loads(line)
    assert (told["level"], told["room"], told["camera"]) == ("warning", "camera", "cam-1")
    assert told["message"] == "camera is down: ***\nsecond line"


def test_debug_is_said_only_where_it_is_asked_for():
    assert "looking" in say(level="debug")
    assert "looking" not in say(level="info")
