"""What travels between the rooms of the edge: plain, frozen values and nothing that acts.

Arrays are never changed by who receives them. Times are integers in nanoseconds since
1970-01-01 UTC (`*_ns`), boxes are `(x, y, width, height)` in pixels of the full picture, ages are
years. A face's five landmarks stand in image order: eye left in the picture, eye right, nose tip,
mouth corner left, mouth corner right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AgeEstimate",
    "CameraReason",
    "CameraState",
    "Crop",
    "Face",
    "Frame",
    "GateVerdict",
    "Role",
    "Sighting",
    "TillEvent",
    "TillEventType",
    "TrackReport",
    "UnknownReason",
    "Zone",
]

Box = tuple[float, float, float, float]


class UnknownReason(StrEnum):
    """Why nothing can be said about an age (`schemas.md`: `reason`)."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TURNED_AWAY = "turned_away"
    TOO_DARK = "too_dark"
    OVEREXPOSED = "overexposed"
    TOO_SHORT = "too_short"


class Zone(StrEnum):
    """Where a face is: its box's centre lies in one polygon of the lane, or in none."""

    CUSTOMER = "customer"
    CASHIER = "cashier"
    NONE = "none"


class Role(StrEnum):
    """What a track is to the till. Companion is known only where till events are."""

    CUSTOMER = "customer"
    COMPANION = "companion"
    PASSER_BY = "passer_by"
    UNKNOWN = "unknown"


class CameraState(StrEnum):
    """`degraded`: pictures come and are used, but some are lost."""

    UP = "up"
    DOWN = "down"
    DEGRADED = "degraded"


class CameraReason(StrEnum):
    """Why a camera is in its state (`schemas.md`: `reason` of a camera's status)."""

    OK = "ok"
    CONNECT_FAILED = "connect_failed"
    AUTH_FAILED = "auth_failed"
    NO_FRAMES = "no_frames"
    FROZEN = "frozen"
    BLACK = "black"
    DECODE_ERRORS = "decode_errors"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture of one camera. `image` is BGR uint8 `(h, w, 3)`, owned by the frame."""

    camera: str
    at_ns: int
    image: NDArray[np.uint8]
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One detected face: box, float32 landmarks `(5, 2)` as x, y in pixels, score in 0..1."""

    box_px: Box
    landmarks_px: NDArray[np.float32]
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """What the quality gate says of one face: `reason` is None where an age may be read.

    `quality` lies in 0..1 and rises with size, sharpness, frontal pose and fair exposure; it
    orders crops of one track and weighs their distributions. `blur` is 0 for a sharp face and
    rises; `yaw` is -1..1 (0 looks into the camera); `brightness` is the mean grey of the crop, 0..255.
    """

    quality: float
    reason: UnknownReason | None
    eye_distance_px: float
    blur: float
    yaw: float
    brightness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """One aligned face, BGR uint8 `(112, 112, 3)` by the crop contract, with where it came from.

    It lives in memory until the age model has read it and is never written or sent.
    """

    pixels: NDArray[np.uint8]
    at_ns: int
    box_px: Box
    verdict: GateVerdict


_NO_P: Mapping[int, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeEstimate:
    """What the crops of one track say about an age: years, or the reason why nothing can be said.

    `low_years`..`high_years` is the calibrated interval of `coverage`. `p_under[a]` is the
    probability that the person is younger than `a`. `shares` are the probabilities of marketing's age bands, in
    their order, summing to 1; empty where nobody asked. They stay in memory: no event ever carries them.
    """

    mean_years: float | None = None
    median_years: float | None = None
    low_years: float | None = None
    high_years: float | None = None
    coverage: float = 0.9
    p_under: Mapping[int, float] = field(default_factory=lambda: _NO_P)
    quality: float = 0.0
    crops: int = 0
    reason: UnknownReason | None = None
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if (self.mean_years is None) == (self.reason is None):
            raise ValueError(
                "an estimate has either years or a reason why they are unknown; "
                f"got mean_years={self.mean_years} and reason={self.reason}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackReport:
    """What is known of one person at the till; `ended` once, other reports are updates.

    `from_ns`/`to_ns` are the first and last sight of the face, `seen_ns`/`seen_box_px` its best
    crop (the largest box where no crop passed), `face_px` the width of the largest box that was
    used, `customer_zone_s` the seconds spent in the customer zone so far. `blur` and `brightness` are the gate's, of
    the best crop (of the largest refused one where none passed); None where no crop was made.
    """

    lane: str
    camera: str
    track: str
    from_ns: int
    to_ns: int
    zone: Zone
    role: Role
    estimate: AgeEstimate
    seen_ns: int
    seen_box_px: Box
    face_px: int
    customer_zone_s: float
    box_px: Box
    model: str
    ended: bool
    blur: float | None = None
    brightness: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One face of one track in one searched frame: who stood where, and how near (`face_px`, box width)."""

    lane: str
    camera: str
    track: str
    at_ns: int
    zone: Zone
    face_px: float


class TillEventType(StrEnum):
    """What a till tells (`schemas.md`: "Till events in")."""

    RECEIPT_OPENED = "receipt.opened"
    ITEM_ADDED = "item.added"
    ITEM_VOIDED = "item.voided"
    ID_VERIFIED = "id.verified"
    ID_KNOWN = "id.known"
    SALE_REFUSED = "sale.refused"
    RECEIPT_CLOSED = "receipt.closed"
    RECEIPT_CANCELLED = "receipt.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TillEvent:
    """One validated fact of a till, whichever door it came in by. `at_ns` is the till's own time.

    `restricted` and `min_age` are what the till or the product list says of the item; a voided item is named by
    its `line` or, without one, by its `sku`. It never carries a birth date.
    """

    id: str
    lane: str
    at_ns: int
    type: TillEventType
    receipt: str
    cashier: str | None = None
    line: str | None = None
    sku: str | None = None
    name: str | None = None
    category: str | None = None
    quantity: Decimal = Decimal(1)
    unit_price: Decimal | None = None
    currency: str | None = None
    restricted: bool = False
    min_age: int | None = None
