"""From a picture to faces: detectors over ONNX Runtime, the crop contract, the quality gate."""

from edge.face.choice import (
    MTCNN_FOLDER,
    YUNET,
    DetectorChoice,
    DetectorKind,
    UpstreamFile,
    choose_detector,
    find_yunet,
    open_detector,
    user_models_folder,
)
from edge.face.crop import CONTRACT, CROP_SIZE_PX, TEMPLATE_PX, CropContract, crop_face
from edge.face.detector import Detector, DetectorError, DetectorFileAlteredError, DetectorFileMissingError
from edge.face.fetch import fetch
from edge.face.gate import QualityGate
from edge.face.manifest import file_digest, verified_files
from edge.face.mtcnn import MtcnnDetector
from edge.face.yunet import YunetDetector

__all__ = [
    "CONTRACT",
    "CROP_SIZE_PX",
    "MTCNN_FOLDER",
    "TEMPLATE_PX",
    "YUNET",
    "CropContract",
    "Detector",
    "DetectorChoice",
    "DetectorError",
    "DetectorFileAlteredError",
    "DetectorFileMissingError",
    "DetectorKind",
    "MtcnnDetector",
    "QualityGate",
    "UpstreamFile",
    "YunetDetector",
    "choose_detector",
    "crop_face",
    "fetch",
    "file_digest",
    "find_yunet",
    "open_detector",
    "user_models_folder",
    "verified_files",
]
