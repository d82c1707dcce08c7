"""What can be wrong with an age model.

AgeModelError
├── BundleError
│   ├── BundleMissingError    folder or file not there
│   ├── BundleFormatError     not a bundle of the format this program reads
│   ├── BundleContractError   made for faces cut in another way
│   └── BundleAlteredError    a file is not the one that was described
├── ThresholdError            asked for a threshold that was not calibrated
├── ProviderError             the accelerator asked for is not there
└── ModelFileError            ONNX Runtime cannot run the file, or it is another kind of model
"""

from __future__ import annotations

__all__ = [
    "AgeModelError",
    "BundleAlteredError",
    "BundleContractError",
    "BundleError",
    "BundleFormatError",
    "BundleMissingError",
    "ModelFileError",
    "ProviderError",
    "ThresholdError",
]


class AgeModelError(Exception):
    """Any of the below; the message names the file and the way out."""


class BundleError(AgeModelError):
    """A bundle cannot be used."""


class BundleMissingError(BundleError):
    """The folder or one of its files is not there."""


class BundleFormatError(BundleError):
    """The folder holds no bundle of the format that this program reads."""


class BundleContractError(BundleError):
    """The bundle was made for faces that are cut in another way."""


class BundleAlteredError(BundleError):
    """A file of the bundle is not the one that its manifest describes."""


class ThresholdError(AgeModelError):
    """No threshold was calibrated for what was asked."""


class ProviderError(AgeModelError):
    """The execution provider that was asked for is not there or does not start."""


class ModelFileError(AgeModelError):
    """ONNX Runtime cannot run the file, or its inputs and outputs are not those of an age model."""
