"""The way of a frame through face, track and age, for any number of cameras at once."""

from edge.vision.lane_watch import LaneWatch, Refine
from edge.vision.motion import MotionGate
from edge.vision.stages import STAGES, StageTimes
from edge.vision.vision import AgeModel, FaceDetector, Vision

__all__ = ["STAGES", "AgeModel", "FaceDetector", "LaneWatch", "MotionGate", "Refine", "StageTimes", "Vision"]
