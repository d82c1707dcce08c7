"""The live feed: reads the store once for all browsers, and goes on where each of them stopped."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool

from edge.page.box import Box
from edge.page.prompts import LaneScreen, PromptBoard

__all__ = ["Entry", "LiveFeed"]

_log = logging.getLogger(__name__)
_KEPT = 1000
_READ = 500
_STATE_S = 2.0
_CHECK, _OUTCOME = "checkout.check.requested.v1", "checkout.sale.outcome.v1"


@dataclass(slots=True)
class Entry:
    """One event of the feed as text, a fifth of what it takes as a dict; `shown` keeps what each role sees of it, made
    once for all browsers of that role.
    """

    position: int
    body: str
    shown: dict[str, str | None] = field(default_factory=dict)


class LiveFeed:
    """Committed events and the lanes' state for any number of browsers.

    `run` is one task of the web server's loop. `wake` and `close` may be called from any thread. A browser that is
    slow only lags behind: nothing is queued for it, it reads on from its own place, from the store if need be.
    """

    def __init__(self, box: Box, board: PromptBoard) -> None:
        self._box = box
        self._board = board
        self._recent: deque[Entry] = deque(maxlen=_KEPT)
        self._position = 0
        self._floor = 0
        self._state = '{"lanes":[],"notices":[]}'
        self._epoch = 0
        self._beat = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._news = asyncio.Event()
        self._closed = False
        self.clients = 0

    def wake(self) -> None:
        """Something was committed, or a screen changed."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(self._woken.set)

    def close(self) -> None:
        """End every stream, so that the server can stop at once; browsers come back by themselves."""
        self._closed = True
        self.wake()

    async def run(self) -> None:
        """Read on until `close`."""
        self._loop = asyncio.get_running_loop()
        restored = False
        due_s = 0.0
        while not self._closed:
            self._woken.clear()
            try:
                if not restored:
                    self._position = self._floor = await run_in_threadpool(self._box.newest)
                    for lane, receipt in await run_in_threadpool(lambda: list(self._box.open_prompts())):
                        self._board.requested(lane, receipt)
                    restored = True
                await self._read_on()
                if self._loop.time() >= due_s:
                    due_s = self._loop.time() + _STATE_S
                    await self._look_around()
            except Exception as error:  # noqa: BLE001 - a store that is away comes back; browsers see old state meanwhile
                _log.warning("the pages cannot read the store now: %s", error)
                await asyncio.sleep(0.5)
            self._tell()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), timeout=max(0.0, due_s - self._loop.time()))
        self._tell()

    async def stream(
        self, *, after: int | None, role: str, show: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
    ) -> AsyncIterator[str]:
        """Server-sent events behind `after` (None: from now on) as `show` lets this role see them."""
        position = self._position if after is None else after
        epoch, beat, state = self._epoch, -1, ""
        known = False
        self.clients += 1
        try:
            yield "retry: 1500\n\n"
            while not self._closed:
                news = self._news
                if position > self._position and epoch == self._epoch and not known:
                    # Ahead of this feed for a moment, or from another store, where what was shown is void.
                    known = position <= await run_in_threadpool(self._box.newest)
                    epoch = epoch if known else -1
                if epoch != self._epoch:
                    epoch, position = self._epoch, self._position
                    yield f"event: reset\nid: {position}\ndata: {{}}\n\n"
                newest, entries = self._position, await self._since(position)
                for entry in entries:
                    position = entry.position
                    if role not in entry.shown:
                        seen = show(json.loads(entry.body))
                        entry.shown[role] = None if seen is None else _json(seen)
                    text = entry.shown[role]
                    if text is not None:
                        yield f"id: {position}\ndata: {text}\n\n"
                if len(entries) < _READ:
                    position = max(
                        position, newest
                    )  # the newest event of the store may be none of the feed's
                if position < self._position:
                    continue
                if self._state != state:
                    state, beat = self._state, self._beat
                    yield f"event: state\ndata: {state}\n\n"
                elif beat != self._beat:
                    beat = self._beat
                    yield "event: tick\ndata: {}\n\n"
                await news.wait()
        finally:
            self.clients -= 1

    async def lane_stream(
        self, lane: str, show: Callable[[LaneScreen], Mapping[str, Any]]
    ) -> AsyncIterator[str]:
        """Server-sent events of one cashier's screen: what stands there now, then each change."""
        last, beat = None, -1
        yield "retry: 1000\n\n"
        while not self._closed:
            news = self._news
            screen = self._board.screen(lane)
            if screen != last:
                last = screen
                yield f"event: screen\ndata: {_json(show(screen))}\n\n"
            elif beat != self._beat:
                beat = self._beat
                yield "event: tick\ndata: {}\n\n"
            await news.wait()

    async def _read_on(self) -> None:
        while True:
            found = await run_in_threadpool(self._box.after, self._position, _READ)
            for one in found:
                event = json.loads(one.body)
                self._position = one.position
                if len(self._recent) == _KEPT:
                    self._floor = self._recent[0].position
                self._recent.append(Entry(one.position, one.body))
                if event["type"] == _CHECK:
                    self._board.requested(event["data"]["lane"], event["data"]["receipt"])
                elif event["type"] == _OUTCOME:
                    self._board.ended(event["data"]["lane"], event["data"]["receipt"])
            if len(found) < _READ:
                return

    async def _look_around(self) -> None:
        newest = await run_in_threadpool(self._box.newest)
        if newest < self._position:
            self._recent.clear()
            self._position = self._floor = newest
            self._epoch += 1
        state = dict(await run_in_threadpool(self._box.state))
        for lane in state.get("lanes", ()):
            # Another box's lane may have the same name; that box tells itself what stands on its screen.
            if not lane.get("elsewhere"):
                lane["asks"] = self._board.screen(lane["lane"]).asks
        self._state = _json(state)
        self._beat += 1

    async def _since(self, position: int) -> list[Entry]:
        if position >= self._position:
            return []
        if position >= self._floor:
            return [entry for entry in self._recent if entry.position > position]
        found = await run_in_threadpool(self._box.after, position, _READ)
        return [Entry(one.position, one.body) for one in found] or list(self._recent)

    def _tell(self) -> None:
        told, self._news = self._news, asyncio.Event()
        told.set()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
