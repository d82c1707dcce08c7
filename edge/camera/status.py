"""Is a camera of use? What was observed becomes a state, and only a change that lasts is told."""

from __future__ import annotations

from dataclasses import dataclass

from edge.flow import CameraReason, CameraState

__all__ = ["CameraReason", "CameraState", "CameraStatus", "StatusKeeper"]

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """A camera's state since `since_ns`; `detail` says in words what was seen, without any secret."""

    camera: str
    state: CameraState
    reason: CameraReason
    since_ns: int
    detail: str = ""


_Condition = tuple[CameraState, CameraReason]
_UP: _Condition = (CameraState.UP, CameraReason.OK)
_FINAL = (CameraReason.AUTH_FAILED, CameraReason.ENDED)
"""Failures that do not pass by themselves within seconds: told at once."""


class StatusKeeper:
    """Decides when to tell that a camera went down or came back. Pure: times come in, in nanoseconds.

    Down is told after `no_frames_s` without a picture; at once where a password is refused, the file has ended,
    the very first attempt fails, or the picture itself is bad (who says so has waited already). Coming back, and
    any other change, is told after it has lasted `settle_s`. Times must not fall.
    """

    def __init__(self, *, no_frames_s: float, settle_s: float, start_ns: int) -> None:
        self._no_frames_ns = round(no_frames_s * _NS_PER_S)
        self._settle_ns = round(settle_s * _NS_PER_S)
        self._last_picture_ns: int | None = None
        self._quiet_since_ns = start_ns
        self._failure: tuple[CameraReason, str] | None = None
        self._picture: tuple[_Condition, int] = (_UP, start_ns)
        self._told: _Condition | None = None
        self._told_since_ns = start_ns
        self._pending: tuple[_Condition, int] | None = None

    def picture(self, now_ns: int, *, bad: CameraReason | None = None, since_ns: int | None = None) -> None:
        """A picture came; `bad` is what is wrong with it (frozen, black) or with the stream (decode errors)."""
        if bad is None:
            condition = _UP
        elif bad is CameraReason.DECODE_ERRORS:
            condition = (CameraState.DEGRADED, bad)
        else:
            condition = (CameraState.DOWN, bad)
        gap = self._last_picture_ns is None or now_ns - self._last_picture_ns >= self._no_frames_ns
        if condition != self._picture[0] or gap:
            self._picture = (condition, now_ns if since_ns is None else since_ns)
        self._last_picture_ns = self._quiet_since_ns = now_ns
        self._failure = None

    def failed(self, reason: CameraReason, detail: str) -> None:
        """The stream could not be opened, or was lost."""
        self._failure = (reason, detail)

    def change(self, now_ns: int) -> tuple[CameraState, CameraReason, int, str] | None:
        """State, reason, since when and detail of a change that must be told now; None while there is none."""
        seen = self._condition(now_ns)
        if seen is None:
            return None
        condition, since_ns = seen
        if condition == self._told:
            self._pending = None
            return None
        if self._pending is None or self._pending[0] != condition:
            self._pending = (condition, now_ns)
        if not self._at_once(condition) and now_ns - self._pending[1] < self._settle_ns:
            return None
        self._pending = None
        self._told, self._told_since_ns = condition, since_ns
        silent_s = (now_ns - since_ns) / _NS_PER_S
        spoken = condition[1] is CameraReason.NO_FRAMES and not self.detail
        return (*condition, since_ns, f"no picture for {silent_s:.0f} s" if spoken else self.detail)

    @property
    def told(self) -> tuple[CameraState, CameraReason, int]:
        """What was told last; before anything was, a camera without pictures since its start."""
        return (*(self._told or (CameraState.DOWN, CameraReason.NO_FRAMES)), self._told_since_ns)

    @property
    def detail(self) -> str:
        """What is known in words of the failure that lasts."""
        return "" if self._failure is None else self._failure[1]

    def _at_once(self, condition: _Condition) -> bool:
        if self._told is None or condition[1] in _FINAL:
            return True
        return condition[0] is CameraState.DOWN and self._told[0] is not CameraState.DOWN

    def _condition(self, now_ns: int) -> tuple[_Condition, int] | None:
        failure = None if self._failure is None else self._failure[0]
        if failure in _FINAL:
            return (CameraState.DOWN, failure), self._quiet_since_ns
        never = failure is not None and self._last_picture_ns is None
        if never or now_ns - self._quiet_since_ns >= self._no_frames_ns:
            return (CameraState.DOWN, failure or CameraReason.NO_FRAMES), self._quiet_since_ns
        return None if self._last_picture_ns is None else self._picture
