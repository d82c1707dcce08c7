"""From a picture to faces: detectors over ONNX Runtime, the crop contract, the quality gate."""

from edge.face.crop import CONTRACT, CROP_SIZE_PX, TEMPLATE_PX, CropContract, crop_face
from edge.face.detector import Detector, DetectorError, DetectorFileAlteredError, DetectorFileMissingError
from edge.face.yunet import YunetDetector

__all__ = [
    "CONTRACT",
    "CROP_SIZE_PX",
    "TEMPLATE_PX",
    "CropContract",
    "Detector",
    "DetectorError",
    "DetectorFileAlteredError",
    "DetectorFileMissingError",
    "YunetDetector",
    "crop_face",
]
