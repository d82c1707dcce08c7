"""From aligned crops to an age with its uncertainty: the bundle, the model's reader, the estimate of a track."""

from edge.age.bundle import AgeBundle, Golden
from edge.age.derive import FloatKind, derive_float
from edge.age.errors import (
    AgeModelError,
    BundleAlteredError,
    BundleContractError,
    BundleError,
    BundleFormatError,
    BundleMissingError,
    ModelFileError,
    ProviderError,
    ThresholdError,
)
from edge.age.estimate import POLICY_AGES, estimate_track, interval_years
from edge.age.golden import GoldenResult, golden_check
from edge.age.manifest import Intervals, Margin, Threshold
from edge.age.reader import BUCKETS, AgeReader, Provider, Variant

__all__ = [
    "BUCKETS",
    "POLICY_AGES",
    "AgeBundle",
    "AgeModelError",
    "AgeReader",
    "BundleAlteredError",
    "BundleContractError",
    "BundleError",
    "BundleFormatError",
    "BundleMissingError",
    "FloatKind",
    "Golden",
    "GoldenResult",
    "Intervals",
    "Margin",
    "ModelFileError",
    "Provider",
    "ProviderError",
    "Threshold",
    "ThresholdError",
    "Variant",
    "derive_float",
    "estimate_track",
    "golden_check",
    "interval_years",
]
