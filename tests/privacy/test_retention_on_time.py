"""Retention runs by itself: a minute after the start, then every hour, on both purposes' stores."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edge.app import daemon as daemon_module
from edge.app.daemon import Daemon


def test_both_stores_are_purged_a_minute_after_the_start_and_every_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A box of which nobody ever asks anything: only the housekeeper's own clock moves."""
    now_s, purged = [0.0], []

    def part(name: str) -> Any:
        return SimpleNamespace(tick=lambda: None, purge=lambda: purged.append((name, now_s[0])))

    class Evening:
        """Steps of twenty seconds, for two hours."""

        def wait(self, _seconds: float) -> bool:
            now_s[0] += 20.0
            return now_s[0] > 2 * 3600

    box = Daemon.__new__(Daemon)
    box.cameras, box.notes = [], []
    monkeypatch.setattr(box, "_renew_certificate", lambda: None)
    box.outbox, box.desk, box.sales = part("events"), part("tills"), part("baskets")
    box.drift = SimpleNamespace(tick=lambda: None)  # type: ignore[assignment]
    box._stopping = Evening()  # type: ignore[assignment]
    monkeypatch.setattr(daemon_module, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    box._keep_house()
    assert purged == [(name, at_s) for at_s in (60.0, 3660.0) for name in ("events", "tills", "baskets")]
