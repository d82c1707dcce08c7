"""A crash leaves no copy of the memory in which pictures are."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.scenarios.box import Box, until


def test_a_daemon_that_crashes_leaves_no_core_file(tmp_path: Path) -> None:
    config = {
        "cameras": [{"name": "cam-1", "source": "demo"}],
        "lanes": [{"name": "lane-1", "camera": "cam-1"}],
        "inference": {"detector": "mtcnn", "threads": 1},
    }
    with Box(tmp_path, config, models=tmp_path) as box:
        until(lambda: box.ask("/api/version")[0] == 200, within_s=180, what="the box is up")
        limits = Path(f"/proc/{box.pid}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0\s", limits)
        before = set(tmp_path.rglob("core*")) | set(Path.cwd().glob("core*"))
        assert box.end(signal.SIGSEGV) == -signal.SIGSEGV
        assert set(tmp_path.rglob("core*")) | set(Path.cwd().glob("core*")) == before
