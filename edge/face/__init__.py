"""From a picture to faces: detectors over ONNX Runtime, the crop contract, the quality gate."""

from edge.face.crop import CONTRACT, CROP_SIZE_PX, TEMPLATE_PX, CropContract, crop_face

__all__ = ["CONTRACT", "CROP_SIZE_PX", "TEMPLATE_PX", "CropContract", "crop_face"]
