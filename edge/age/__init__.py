"""From aligned crops to an age with its uncertainty: the bundle, the model's reader, the estimate of a track."""

from edge.age.bundle import BUNDLE_FORMAT, GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, AgeBundle, Golden
from edge.age.comparison import MinorsComparison, compare_minors
from edge.age.derive import FloatKind, derive_float, halved
from edge.age.distribution import AGES, log_softmax, mass_under, mean_years, quantile_years, tempered
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
from edge.age.manifest import FACES_MIN, Intervals, Margin, Threshold
from edge.age.reader import BUCKETS, AgeReader, Provider, Variant

__all__ = [
    "AGES",
    "BUCKETS",
    "BUNDLE_FORMAT",
    "FACES_MIN",
    "GOLDEN_FILE",
    "MANIFEST_FILE",
    "MODEL_FILE",
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
    "MinorsComparison",
    "ModelFileError",
    "Provider",
    "ProviderError",
    "Threshold",
    "ThresholdError",
    "Variant",
    "compare_minors",
    "derive_float",
    "estimate_track",
    "golden_check",
    "halved",
    "interval_years",
    "log_softmax",
    "mass_under",
    "mean_years",
    "quantile_years",
    "tempered",
]
