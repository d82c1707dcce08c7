"""Builds `edge/models/face/mtcnn/` from the weights of the MIT-licensed package `mtcnn`."""

from export.detector.pack import BuildError, build

__all__ = ["BuildError", "build"]
