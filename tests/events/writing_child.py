"""A process of its own that writes to a store and says what was acknowledged, until somebody kills it.

python -m tests.events.writing_child STATE_FOLDER LINES_FILE FIRST
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from edge.events import Courier, FileSink, Store
from tests.events.facts import person


def main(folder: str, lines: str, first: str) -> None:
    """Append people one after another, two lanes, single and in batches, with a file sink beside."""
    store = Store(Path(folder) / "security.db", group_s=0.002, reserve_bytes=0, checkpoint_s=0.05)
    courier = Courier(store, FileSink(Path(lines), rotate_bytes=None), name="file", purpose="security")
    courier.start()
    for start in count(int(first), 3):
        batch = [person(start), person(start + 1, lane="lane-2"), person(start + 2)]
        appended = store.append(batch, now=True).result()
        print(
            *(
                f"{number}:{sequence}"
                for number, sequence in zip(range(start, start + 3), appended.sequences, strict=True)
            ),
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
