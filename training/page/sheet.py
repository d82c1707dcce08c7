"""Many small pictures as one, with a line of text under each, as a data URI."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["contact_sheet"]

_TEXT_PX = 20
_GAP_PX = 6
_PAPER = 250


def contact_sheet(
    images: Sequence[NDArray[np.uint8]], captions: Sequence[str], *, columns: int = 10, cell_px: int = 96
) -> str:
    """A JPEG data URI of BGR pictures fitted into square cells, row by row; captions are short ASCII."""
    rows = -(-len(images) // columns)
    high, wide = cell_px + _TEXT_PX + _GAP_PX, cell_px + _GAP_PX
    sheet = np.full((max(1, rows) * high, columns * wide, 3), _PAPER, dtype=np.uint8)
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        y, x = index // columns * high, index % columns * wide
        fitted = _fitted(image, cell_px)
        top, left = y + (cell_px - fitted.shape[0]) // 2, x + (cell_px - fitted.shape[1]) // 2
        sheet[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
        scale = 0.36
        (width, _), _ = cv2.getTextSize(caption, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        place = (x + max(0, (cell_px - width) // 2), y + cell_px + 13)
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (60, 50, 40), 1, cv2.LINE_AA)
    _, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 86])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _fitted(image: NDArray[np.uint8], cell_px: int) -> NDArray[np.uint8]:
    scale = cell_px / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
