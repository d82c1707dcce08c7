"""Where frames come from: video files in clip time, cameras in real time.

`DemoLane` draws its frames and is imported from `edge.camera.demo_lane`, since that loads OpenCV.
"""

from edge.camera.backoff import OpenGate
from edge.camera.camera import Camera, CameraFigures
from edge.camera.clip import Clip, ClipDamaged, ClipError, ClipMissing, ClipUnreadable, open_clip
from edge.camera.credentials import Credentials, StreamAddress
from edge.camera.openers import opener_for
from edge.camera.paced import ReaderOpener
from edge.camera.slot import Slot
from edge.camera.status import CameraReason, CameraState, CameraStatus

__all__ = [
    "Camera",
    "CameraFigures",
    "CameraReason",
    "CameraState",
    "CameraStatus",
    "Clip",
    "ClipDamaged",
    "ClipError",
    "ClipMissing",
    "ClipUnreadable",
    "Credentials",
    "OpenGate",
    "ReaderOpener",
    "Slot",
    "StreamAddress",
    "open_clip",
    "opener_for",
]
