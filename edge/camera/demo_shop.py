"""The drawn shop behind the demo lane: aisle, shelves, counter and till, the same pixels on every run."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["COUNTER_Y", "GONDOLA", "Picture", "draw_shop"]

Picture = NDArray[np.uint8]

SHOP_SIZE = (1280, 720)
"""Width and height in which the shop is drawn; other sizes are scaled from it."""
GONDOLA = (36, 96, 330, 600)
"""The near shelf that hides who comes out of the aisle: x from, y from, x to, y to in the drawn shop."""
COUNTER_Y = 590
"""Everything below this line of the drawn shop is the counter, in front of every customer."""

_GOODS = np.array(
    [
        [60, 70, 170],
        [150, 110, 50],
        [70, 150, 190],
        [90, 140, 80],
        [190, 190, 200],
        [110, 80, 140],
        [60, 120, 200],
    ],
    np.uint8,
)


def draw_shop(*, seed: int = 7) -> Picture:
    """The empty shop, BGR uint8 `(720, 1280, 3)`."""
    rng = np.random.default_rng(seed)
    width, height = SHOP_SIZE
    shop = np.empty((height, width, 3), np.uint8)
    _shade(shop, (0, 0, width, 120), (196, 204, 206), (214, 220, 222))
    _shade(shop, (0, 120, width, 380), (176, 184, 188), (160, 168, 172))
    _shade(shop, (0, 380, width, height), (128, 138, 146), (172, 180, 186))
    for x in range(120, width, 260):
        points = np.array([[x, 0], [x + 110, 0], [x + 80, 46], [x + 30, 46]], np.int32)
        cv2.fillPoly(shop, [points], (240, 246, 248), cv2.LINE_AA)
    for offset in range(-8, 9):
        foot = (width // 2 + offset * 210, height)
        cv2.line(shop, (width // 2 + offset * 60, 380), foot, (146, 154, 160), 1, cv2.LINE_AA)
    for y in (396, 424, 470, 540):
        cv2.line(shop, (0, y), (width, y), (146, 154, 160), 1, cv2.LINE_AA)
    _shelf(shop, rng, (330, 128, 960, 372), rows=4, goods=34)
    _shop_soft(shop)
    _shelf(shop, rng, GONDOLA, rows=5, goods=9)
    _counter(shop, rng)
    return shop


def _shop_soft(shop: Picture) -> None:
    """What is far away is a little out of focus, so that faces stand out of it as they do for a real lens."""
    shop[:] = cv2.GaussianBlur(shop, (0, 0), 1.6)


def _shade(
    shop: Picture, area: tuple[int, int, int, int], top: tuple[int, ...], bottom: tuple[int, ...]
) -> None:
    x0, y0, x1, y1 = area
    share = np.linspace(0.0, 1.0, y1 - y0)[:, None, None]
    shop[y0:y1, x0:x1] = (np.array(top) * (1 - share) + np.array(bottom) * share).astype(np.uint8)


def _shelf(
    shop: Picture, rng: np.random.Generator, area: tuple[int, int, int, int], *, rows: int, goods: int
) -> None:
    x0, y0, x1, y1 = area
    cv2.rectangle(shop, (x0, y0), (x1, y1), (96, 104, 110), -1)
    cv2.rectangle(shop, (x0, y0), (x1, y1), (70, 78, 84), 3)
    step = (y1 - y0 - 8) // rows
    wide = (x1 - x0 - 16) // goods
    for row in range(rows):
        floor = y0 + (row + 1) * step
        for place in range(goods):
            if rng.random() < 0.06:
                continue
            colour = _GOODS[rng.integers(len(_GOODS))].astype(int) + rng.integers(-18, 18, 3)
            tall = int(step * rng.uniform(0.5, 0.82))
            left = x0 + 9 + place * wide
            _pack(shop, (left, floor - tall, left + wide - 3, floor - 4), np.clip(colour, 0, 255))
        cv2.rectangle(shop, (x0 + 4, floor - 3), (x1 - 4, floor + 3), (206, 210, 212), -1)


def _pack(shop: Picture, area: tuple[int, int, int, int], colour: NDArray[np.int64]) -> None:
    x0, y0, x1, y1 = area
    cv2.rectangle(shop, (x0, y0), (x1, y1), [int(value) for value in colour], -1)
    label = y0 + (y1 - y0) // 3
    cv2.rectangle(
        shop, (x0, label), (x1, label + (y1 - y0) // 4), [int(value * 0.55 + 110) for value in colour], -1
    )
    cv2.line(shop, (x1, y0), (x1, y1), [int(value * 0.6) for value in colour], 1)


def _counter(shop: Picture, rng: np.random.Generator) -> None:
    width, height = SHOP_SIZE
    _shade(shop, (0, COUNTER_Y, width, COUNTER_Y + 16), (120, 134, 142), (92, 104, 112))
    _shade(shop, (0, COUNTER_Y + 16, width, height), (52, 54, 56), (38, 40, 42))
    for x in range(20, width, 64):
        cv2.line(shop, (x, COUNTER_Y + 18), (x - 30, height), (58, 60, 62), 1, cv2.LINE_AA)
    for place in range(5):
        left = 300 + place * 92
        colour = _GOODS[rng.integers(len(_GOODS))].astype(np.int64)
        _pack(shop, (left, COUNTER_Y + 34 - 8 * (place % 3), left + 54, COUNTER_Y + 106), colour)
    cv2.rectangle(shop, (1040, 470), (1226, 580), (44, 46, 48), -1)
    cv2.rectangle(shop, (1050, 480), (1216, 570), (150, 118, 70), -1)
    for line in range(4):
        cv2.line(shop, (1062, 498 + 18 * line), (1150 + 14 * (line % 2), 498 + 18 * line), (226, 220, 210), 3)
    cv2.rectangle(shop, (1110, 580), (1156, COUNTER_Y + 6), (60, 62, 64), -1)
