"""What a capture thread needs of a stream, whatever it is: open, grab, retrieve, close."""

from __future__ import annotations

import threading
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.camera.status import CameraReason
from edge.flow import Frame

__all__ = ["FrameReader", "Opener", "Source", "SourceLost"]


class SourceLost(Exception):  # noqa: N818 - it is news, not always an error
    """A stream could not be opened, or gives no more pictures. `str` is for people and has no secret in it."""

    def __init__(self, reason: CameraReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Source(Protocol):
    """One opened stream, used by one thread."""

    @property
    def decode_errors(self) -> int:
        """Pictures that came and could not be decoded, so far."""
        ...

    def grab(self) -> float | None:
        """Take the next picture off the wire; its stamp in milliseconds, None where the stream has none.

        Blocks, but not for ever: raises SourceLost when nothing comes within the source's own time-out,
        and at the end.
        """
        ...

    def retrieve(self) -> NDArray[np.uint8] | None:
        """The picture grabbed last, BGR uint8 `(h, w, 3)`, owned by the caller; None where it is broken."""
        ...

    def close(self) -> None:
        """Let go of the stream."""
        ...


class Opener(Protocol):
    """Knows how to open one stream, again and again. `str` says where it is, without any secret."""

    def open(self, stop: threading.Event) -> Source:
        """Open the stream; raises SourceLost. A source that waits (a paced file) gives up when `stop` is set."""
        ...


class FrameReader(Protocol):
    """Anything that makes frames itself, such as a drawn lane; the frames' own times say how fast."""

    def read(self) -> Frame | None:
        """The next frame at once, or None at the end."""
        ...
