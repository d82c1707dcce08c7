"""A USB camera over Video4Linux: by number, or by its name under /dev/v4l/by-id, which outlives replugging."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.camera.ffmpeg import prepared_cv2
from edge.camera.source import SourceLost
from edge.camera.status import CameraReason

if TYPE_CHECKING:
    import cv2

__all__ = ["DeviceOpener"]


class DeviceOpener:
    """`device` is a number or a path such as `/dev/v4l/by-id/usb-…-video-index0`."""

    def __init__(self, device: int | str) -> None:
        self._device = device

    def __str__(self) -> str:
        return self._node()

    def open(self, stop: threading.Event) -> _DeviceSource:  # noqa: ARG002 - a device waits by itself, briefly
        """Open the device; raises SourceLost with what is wrong with it."""
        cv2 = prepared_cv2()
        node = self._node()
        if not os.path.exists(node):
            raise SourceLost(
                CameraReason.CONNECT_FAILED, f"{node} is not there: unplugged, or another number"
            )
        if not os.access(node, os.R_OK | os.W_OK):
            raise SourceLost(
                CameraReason.CONNECT_FAILED, f"{node} may not be opened: put this user into the group 'video'"
            )
        capture = cv2.VideoCapture(node, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            raise SourceLost(CameraReason.CONNECT_FAILED, f"{node} gives no video: in use, or no camera")
        return _DeviceSource(capture, node)

    def _node(self) -> str:
        return f"/dev/video{self._device}" if isinstance(self._device, int) else self._device


class _DeviceSource:
    def __init__(self, capture: cv2.VideoCapture, node: str) -> None:
        self.decode_errors = 0
        self._capture = capture
        self._node = node

    def grab(self) -> float | None:
        if not self._capture.grab():
            raise SourceLost(CameraReason.NO_FRAMES, f"{self._node} gives no more pictures")
        return None  # the driver's stamps are arrivals too

    def retrieve(self) -> NDArray[np.uint8] | None:
        converted, image = self._capture.retrieve()
        if not converted or image is None:
            self.decode_errors += 1
            return None
        return image.astype(np.uint8, copy=False)

    def close(self) -> None:
        self._capture.release()
