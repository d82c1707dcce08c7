"""Where a face stands: in the customer's place, in the cashier's, or in neither."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.flow import Box, Zone

__all__ = ["Zones"]

Point = Sequence[float]


class Zones:
    """The polygons of one lane in pixels of the full picture; a border belongs to its zone.

    Without a customer polygon the whole picture is the customer zone, less the cashier's polygon where there is
    one. Where the two overlap the face counts as a customer's, since a lost customer is the worse mistake.
    """

    def __init__(
        self, *, customer: Sequence[Point] | None = None, cashier: Sequence[Point] | None = None
    ) -> None:
        """Polygons as at least three `(x, y)` points in pixels; raises ValueError for fewer."""
        self._customer = _polygon("customer", customer)
        self._cashier = _polygon("cashier", cashier)

    def zone_of(self, box_px: Box) -> Zone:
        """The zone of the middle of a face's box."""
        middle = _middle(box_px)
        if self._customer is not None and _inside_px(self._customer, middle) >= 0:
            return Zone.CUSTOMER
        if self._cashier is not None and _inside_px(self._cashier, middle) >= 0:
            return Zone.CASHIER
        return Zone.CUSTOMER if self._customer is None else Zone.NONE

    def distance_px(self, box_px: Box) -> float:
        """From the middle of the box to the customer zone; 0 inside it and where the whole picture is."""
        if self._customer is None:
            return 0.0
        return max(0.0, -_inside_px(self._customer, _middle(box_px)))


def _polygon(name: str, points: Sequence[Point] | None) -> NDArray[np.float32] | None:
    if points is None:
        return None
    if len(points) < 3 or any(len(point) != 2 for point in points):
        raise ValueError(f"zone {name}: a polygon is a list of three or more [x, y] points; got {points}")
    return np.asarray(points, np.float32).reshape(-1, 1, 2)


def _middle(box_px: Box) -> tuple[float, float]:
    x, y, width, height = box_px
    return x + width / 2, y + height / 2


def _inside_px(polygon: NDArray[np.float32], point: tuple[float, float]) -> float:
    """Distance to the border in pixels: positive inside, negative outside."""
    return float(cv2.pointPolygonTest(polygon, point, True))
