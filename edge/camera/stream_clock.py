"""When was a picture taken? Its stream's own time, laid against our clock."""

from __future__ import annotations

__all__ = ["StreamClock"]

_NS_PER_S = 1_000_000_000


class StreamClock:
    """Tells the capture time of each picture of one stream, so that a picture that came late is known to be old.

    A stream's stamps run evenly while arrivals do not. The least delay ever seen between the two counts as no
    delay; what a later picture takes more is its age. The constant part of the way (exposure, encoder, wire) cannot
    be seen from here. Clocks drift: the least delay is forgotten at 1 ms a second, which follows a camera's
    clock that is wrong by 0.1 %. Stamps that stand still or fall make a fresh start.
    """

    _FORGET_SHARE = 0.001
    _AGE_MAX_NS = 120 * _NS_PER_S  # older than this, the camera's clock was set and not the picture late

    def __init__(self) -> None:
        self._delay_ns: int | None = None
        self._stamp_ns = 0
        self._arrived_ns = 0

    def captured_ns(self, *, stamp_ms: float | None, arrived_ns: int) -> int:
        """The capture time on the clock of `arrived_ns`, never after it; the arrival where there is no stamp."""
        if stamp_ms is None:
            return arrived_ns
        stamp_ns = round(stamp_ms * 1e6)
        delay_ns = arrived_ns - stamp_ns
        fresh = self._delay_ns is None or stamp_ns <= self._stamp_ns
        least_ns = delay_ns
        if not fresh and self._delay_ns is not None:
            forgotten_ns = round((arrived_ns - self._arrived_ns) * self._FORGET_SHARE)
            least_ns = min(delay_ns, self._delay_ns + forgotten_ns)
            if delay_ns - least_ns > self._AGE_MAX_NS:
                least_ns = delay_ns
        self._delay_ns, self._stamp_ns, self._arrived_ns = least_ns, stamp_ns, arrived_ns
        return stamp_ns + least_ns
