"""When is a picture due, and what time is it in a clip."""

from __future__ import annotations

__all__ = ["ClipClock", "Pace"]

_NS_PER_S = 1_000_000_000


class Pace:
    """Picks from a run of pictures those that a rate asks for: the first in each slot of `1 / rate_hz`.

    Slots are counted from time zero, so that the choice depends on a picture's own time alone and
    never on what was chosen before. Without a rate every picture is due.
    """

    # Containers round times to a millisecond: 0.199 s of a 15 fps clip is meant to be 0.2 s.
    _ROUNDING_NS = 1_500_000

    def __init__(self, rate_hz: float | None) -> None:
        if rate_hz is not None and not rate_hz > 0:
            raise ValueError(f"rate_hz must be above 0, or None for every picture; got {rate_hz}")
        self._rate_hz = rate_hz
        self._slot: int | None = None

    def due(self, time_ns: int) -> bool:
        """Is the picture of `time_ns` the first of its slot? Times must not fall."""
        if self._rate_hz is None:
            return True
        slot = int((time_ns + self._ROUNDING_NS) * self._rate_hz // _NS_PER_S)
        if slot == self._slot:
            return False
        self._slot = slot
        return True


class ClipClock:
    """Turns a container's time stamps into times that start at zero and always rise.

    A variable frame rate is kept as it is. A stamp a little behind (pictures out of order after damage)
    costs a millisecond. Where stamps stand still or start anew (raw streams, joined files, AVI), time goes
    on by the last interval and later stamps count from there.
    """

    _DISORDER_NS = _NS_PER_S

    def __init__(self, *, fps: float) -> None:
        self._interval_ns = round(_NS_PER_S / fps) if 0.01 < fps < 1000 else _NS_PER_S // 25
        self._offset_ns = 0
        self._last_ns: int | None = None

    @property
    def end_ns(self) -> int:
        """End of the last picture, from the start of the clip."""
        return 0 if self._last_ns is None else self._last_ns + self._interval_ns

    @property
    def interval_ns(self) -> int:
        """Time between the last two pictures, or what the container declares."""
        return self._interval_ns

    def time_ns(self, stamp_ms: float) -> int:
        """Time of the next picture from the start of the clip; `stamp_ms` as the container has it."""
        stamp_ns = round(stamp_ms * 1e6)
        if self._last_ns is None:
            self._offset_ns = -stamp_ns
            self._last_ns = 0
            return 0
        now_ns = stamp_ns + self._offset_ns
        if now_ns > self._last_ns:
            self._interval_ns = now_ns - self._last_ns
        elif 0 < self._last_ns - now_ns < self._DISORDER_NS:
            now_ns = self._last_ns + _NS_PER_S // 1000
        else:
            now_ns = self._last_ns + self._interval_ns
            self._offset_ns = now_ns - stamp_ns
        self._last_ns = now_ns
        return now_ns
