"""Measures what the store costs: bytes on flash for a lane and a day, events a second, size of the outbox.

    python -m tests.events.measure_store [FOLDER]

FOLDER lies on the disk that is meant (not a tmpfs). Bytes are those that the kernel counts for this process
(`write_bytes` of /proc/self/io), WAL and checkpoints included.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from edge.events import Store
from edge.events.types import EVENT_TYPES
from tests.events.facts import person

CUSTOMERS_A_DAY = 800
"""Of one busy lane: one a minute over thirteen hours."""


def written_bytes() -> int:
    """What this process made the kernel write so far."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])
    raise OSError("/proc/self/io has no write_bytes")


def a_day_of_one_lane(path: Path) -> dict[str, float]:
    """One commit a customer, as they come, two sinks following; then the day's end."""
    before = written_bytes()
    store = Store(path, reserve_bytes=0, checkpoint_s=3600)
    for sink in ("file", "mqtt"):
        store.attach(sink, EVENT_TYPES)
    for number in range(CUSTOMERS_A_DAY):
        store.append([person(number)], now=True).result()
        position = number + 1
        for sink in ("file", "mqtt"):
            store.move_cursor(sink, position)
    store.close()
    written = written_bytes() - before
    return {
        "events": CUSTOMERS_A_DAY,
        "written_bytes": written,
        "written_bytes_an_event": round(written / CUSTOMERS_A_DAY),
        "file_bytes_an_event": round(path.stat().st_size / CUSTOMERS_A_DAY),
        "line_bytes": len(person(1).numbered(1).to_json()),
    }


def a_rush(path: Path, *, batch: int, seconds: float = 3.0) -> dict[str, float]:
    """Batches acknowledged one after another, each by its own commit."""
    store = Store(path, reserve_bytes=0)
    batches = [[person(start + n) for n in range(batch)] for start in range(0, 40_000, batch)]
    waits: list[float] = []
    began = time.perf_counter()
    for events in batches:
        asked = time.perf_counter()
        store.append(events, now=True).result()
        waits.append(time.perf_counter() - asked)
        if time.perf_counter() - began > seconds:
            break
    took = time.perf_counter() - began
    store.close()
    waits.sort()
    return {
        "batch": batch,
        "events_a_second": round(len(waits) * batch / took),
        "answer_ms_median": round(1000 * waits[len(waits) // 2], 2),
        "answer_ms_p95": round(1000 * waits[int(len(waits) * 0.95)], 2),
    }


def main(folder: str | None = None) -> None:
    """Print one JSON object."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        home = Path(place)
        report = {
            "lane_day": a_day_of_one_lane(home / "day.db"),
            "rush": [a_rush(home / f"rush{batch}.db", batch=batch) for batch in (1, 50)],
        }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
