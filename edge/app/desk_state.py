"""What a run of the desk leaves behind for the next one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from edge.events.book import alert_rows, ended_since, open_gaps, prompted
from edge.flow import TillEvent
from edge.till import waiting

__all__ = ["DeskState", "read_state"]

_DECIDED_NS = 26 * 3600 * 10**9
"""As long as the rules remember that a receipt has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskState:
    """Till events of receipts that are open, in the order in which they came; by lane the receipts that ended lately
    and those that were prompted; lanes without sight as `(lane, since_ns, unseen sales counted)`; by lane since when
    its till is silent."""

    waiting: tuple[TillEvent, ...]
    decided: Mapping[str, Mapping[str, int]]
    prompted: Mapping[str, frozenset[str]]
    blind: tuple[tuple[str, int, int], ...]
    silent: Mapping[str, int]


def read_state(connection: sqlite3.Connection, *, now_ns: int) -> DeskState:
    """Read it in one look."""
    decided: dict[str, dict[str, int]] = {}
    for lane, receipt, ended_ns in ended_since(connection, now_ns - _DECIDED_NS):
        decided.setdefault(lane, {})[receipt] = ended_ns
    asked: dict[str, set[str]] = {}
    for lane, receipt, _ in prompted(connection):
        asked.setdefault(lane, set()).add(receipt)
    counted = {
        row.lane: row.count for row in alert_rows(connection, open_only=True) if row.kind == "camera_blind"
    }
    gaps = list(open_gaps(connection))
    return DeskState(
        waiting=tuple(waiting(connection)),
        decided=decided,
        prompted={lane: frozenset(receipts) for lane, receipts in asked.items()},
        blind=tuple(
            (lane, from_ns, counted.get(lane, 0)) for lane, kind, from_ns in gaps if kind == "camera"
        ),
        silent={lane: from_ns for lane, kind, from_ns in gaps if kind == "till"},
    )
