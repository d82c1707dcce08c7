"""Builds `edge/models/face/mtcnn/` from the weights of the MIT-licensed package `mtcnn`."""

from export.detector.build import BuildError, build

__all__ = ["BuildError", "build"]
