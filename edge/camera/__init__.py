"""Where frames come from: video files in clip time, cameras in real time."""

from edge.camera.clip import Clip, ClipDamaged, ClipError, ClipMissing, ClipUnreadable, open_clip

__all__ = ["Clip", "ClipDamaged", "ClipError", "ClipMissing", "ClipUnreadable", "open_clip"]
