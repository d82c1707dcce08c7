"""A part of a measurement in a process of its own: asked over its stdin, it answers with one line of JSON."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Child", "answer_questions", "busy_and_total_s", "cpu_s_of"]

_TICKS = os.sysconf("SC_CLK_TCK")
_ANSWER_S = 30.0


class Child:
    """`python -m MODULE ARGUMENTS`; a context that ends it. It ends by itself where its stdin closes."""

    def __init__(self, module: str, *arguments: str, log: Path, start_s: float = 60.0) -> None:
        """Start it and wait for its first answer. Raises OSError with its last words where it does not come up."""
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._rest = b""
        self.first = self._answer(start_s)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, question: str) -> dict[str, Any]:
        """Its answer. Raises OSError where it is gone or says nothing for half a minute."""
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(question.encode() + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                raise self._gone() from None
        return self._answer(_ANSWER_S)

    def cpu_s(self) -> float:
        """Seconds of processor time so far."""
        return cpu_s_of(self.pid)

    def close(self) -> None:
        """End it in order: its stdin closes; whoever does not go within 20 s is killed."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _answer(self, patience_s: float) -> dict[str, Any]:
        ends_s = time.monotonic() + patience_s
        out = self._process.stdout
        assert out is not None  # noqa: S101 - a pipe was asked for
        while b"\n" not in self._rest:
            left_s = ends_s - time.monotonic()
            if left_s <= 0 or not select.select([out], [], [], left_s)[0]:
                self._process.kill()
                raise self._gone(f"no answer for {patience_s:.0f} s")
            data = os.read(out.fileno(), 65_536)
            if not data:
                raise self._gone()
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return dict(json.loads(line))

    def _gone(self, why: str = "it ended") -> OSError:
        words = self._log.read_text(errors="replace")[-1500:].strip()
        return OSError(f"a part of the measurement broke off: {why}; its last words: {words or 'none'}")


def answer_questions(answers: dict[str, Callable[[], dict[str, Any]]], first: dict[str, Any]) -> None:
    """The child's side: say `first`, then answer each line of stdin by its name, until stdin closes."""
    print(json.dumps(first), flush=True)
    for line in sys.stdin:
        print(json.dumps(answers[line.strip()]()), flush=True)


def cpu_s_of(pid: int, tasks: Sequence[int] = ()) -> float:
    """Seconds of processor time of a process, or of some of its threads; who is gone took nothing more."""
    places = [f"/proc/{pid}/task/{task}/stat" for task in tasks] if tasks else [f"/proc/{pid}/stat"]
    total = 0
    for place in places:
        try:
            fields = Path(place).read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def busy_and_total_s() -> tuple[float, float]:
    """Processor seconds of the whole machine since its start: at work, and at work or idle."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / _TICKS, sum(fields) / _TICKS
