"""The lane that needs no camera: two public-domain portraits walk up to a drawn till, pause and leave, for ever.

The picture depends on the frame's index alone, so every run shows the same lane. Nothing is paced here: who reads
decides how fast time goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.demo_shop import COUNTER_Y, GONDOLA, SHOP_SIZE, Picture, draw_shop
from edge.flow import Frame

__all__ = ["CASHIER_ZONE_PX", "CUSTOMER_ZONE_PX", "DemoLane"]

CUSTOMER_ZONE_PX = ((250.0, 60.0), (900.0, 60.0), (900.0, 700.0), (250.0, 700.0))
"""Where customers of the demo lane pay, in its picture of 1280 x 720."""
CASHIER_ZONE_PX = ((980.0, 60.0), (1280.0, 60.0), (1280.0, 720.0), (980.0, 720.0))
"""Where its cashier would stand."""

_EMPTY_S, _IN_S, _PAUSE_S, _OUT_S = 1.5, 3.0, 4.5, 2.0
_VISIT_S = _EMPTY_S + _IN_S + _PAUSE_S + _OUT_S
_GRAINS = (
    4  # pictures of the shop with different camera noise, shown in turn: a real sensor never repeats itself
)


@dataclass(frozen=True, slots=True)
class _Pose:
    """Where a face is: its centre and width in pixels of the drawn shop, its tilt, and what hides the body."""

    x: float
    y: float
    face_px: float
    tilt_deg: float
    behind_gondola: bool


@dataclass(frozen=True, slots=True)
class _Person:
    """A cut-out with a drawn body, BGR multiplied by opacity and opacity, and the face within.

    Four channels are warped in one go: OpenCV 5 does that three times faster than three channels.
    """

    pixels: Picture
    centre: tuple[float, float]
    face_px: float


class DemoLane:
    """An endless source of frames, `fps` a second from `start_ns` on.

    `size` is width and height of the pictures; the zones of this module are for 1280 x 720.
    """

    def __init__(
        self, *, camera: str, size: tuple[int, int] = SHOP_SIZE, fps: float = 15.0, start_ns: int = 0
    ) -> None:
        if fps <= 0 or min(size) < 64:
            raise ValueError(
                f"a demo lane needs fps above 0 and sides of 64 pixels or more; got {fps} and {size}"
            )
        self.fps = fps
        self.size = size
        self._camera = camera
        self._start_ns = start_ns
        self._next = 0
        shop = cv2.resize(draw_shop(), size, interpolation=cv2.INTER_AREA).astype(np.float32)
        rng = np.random.default_rng(11)
        grains = (shop + rng.normal(0, 1.5, shop.shape) for _ in range(_GRAINS))
        self._shops = [np.clip(grain, 0, 255).astype(np.uint8) for grain in grains]
        self._scale = (size[0] / SHOP_SIZE[0], size[1] / SHOP_SIZE[1])
        self._people = (
            _cut_out("collins", face_box_px=(168, 65, 91, 111)),
            _cut_out("hopper", face_box_px=(113, 78, 128, 153)),
        )

    def read(self) -> Frame:
        """The next frame; there is always one."""
        frame = self.frame(self._next)
        self._next += 1
        return frame

    def __iter__(self) -> Iterator[Frame]:
        while True:
            yield self.read()

    def frame(self, index: int) -> Frame:
        """The frame of that index, whatever was read before."""
        image = self._shops[index % _GRAINS].copy()
        visit, since_s = divmod(index / self.fps, _VISIT_S)
        pose = _pose(since_s)
        if pose is not None:
            self._show(
                image, self._shops[index % _GRAINS], self._people[int(visit) % len(self._people)], pose
            )
        at_ns = self._start_ns + round(index * 1_000_000_000 / self.fps)
        return Frame(camera=self._camera, at_ns=at_ns, image=image, index=index)

    def _show(self, image: Picture, shop: Picture, person: _Person, pose: _Pose) -> None:
        scale_x, scale_y = self._scale
        zoom = pose.face_px / person.face_px
        turn = cv2.getRotationMatrix2D(person.centre, pose.tilt_deg, zoom)
        turn[:, 2] += np.array([pose.x - person.centre[0], pose.y - person.centre[1]])
        turn[0] *= scale_x
        turn[1] *= scale_y
        high, wide = person.pixels.shape[:2]
        corners = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]]) @ turn.T
        x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(
            np.ceil(corners.max(axis=0)).astype(int), (self.size[0], round(COUNTER_Y * scale_y))
        )
        if x1 <= x0 or y1 <= y0:
            return
        turn[:, 2] -= (x0, y0)
        area = (int(x1 - x0), int(y1 - y0))
        way = cv2.INTER_AREA if zoom * max(self._scale) < 1 else cv2.INTER_LINEAR
        warped = cv2.warpAffine(person.pixels, turn, area, flags=way)
        part = image[y0:y1, x0:x1]
        seen_through = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(warped, 3)), cv2.COLOR_GRAY2BGR)
        behind = cv2.multiply(part, seen_through, scale=1 / 255)
        cv2.add(behind, cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), dst=part)
        if pose.behind_gondola:
            left, top, right, bottom = (
                round(edge * scale)
                for edge, scale in zip(GONDOLA, (scale_x, scale_y, scale_x, scale_y), strict=True)
            )
            image[top:bottom, left:right] = shop[top:bottom, left:right]


def _pose(since_s: float) -> _Pose | None:
    """The pose at that time of a visit; None while the lane is empty."""
    since_s -= _EMPTY_S
    if since_s < 0:
        return None
    if since_s < _IN_S:
        way = _eased(since_s / _IN_S)
        bob = 4.0 * math.sin(since_s * 9.0) * (1 - way)
        near = way**1.6
        return _Pose(
            x=210 + 400 * way,
            y=205 + 55 * near + bob,
            face_px=45 + 83 * near,
            tilt_deg=1.5 * math.sin(since_s * 4.5),
            behind_gondola=way < 0.6,
        )
    since_s -= _IN_S
    if since_s < _PAUSE_S:
        settle = min(1.0, since_s) * min(1.0, _PAUSE_S - since_s)
        return _Pose(
            x=610 + settle * 9 * math.sin(since_s * 1.7),
            y=260 + settle * 4 * math.sin(since_s * 2.3),
            face_px=128 + settle * 4 * math.sin(since_s * 1.1),
            tilt_deg=settle * 3.5 * math.sin(since_s * 1.3),
            behind_gondola=False,
        )
    way = _eased((since_s - _PAUSE_S) / _OUT_S, start_only=True)
    return _Pose(
        x=610 - 950 * way, y=260 + 20 * way, face_px=128 + 30 * way, tilt_deg=-3 * way, behind_gondola=False
    )


def _eased(share: float, *, start_only: bool = False) -> float:
    """0..1 without a jerk at the start, and at the end too unless the movement goes on out of the picture."""
    return share * share * (1.5 - 0.5 * share) if start_only else share * share * (3 - 2 * share)


def _cut_out(name: str, *, face_box_px: tuple[int, int, int, int]) -> _Person:
    folder = Path(__file__).parent / "portraits"
    head = cv2.imread(str(folder / f"{name}.jpg"), cv2.IMREAD_COLOR)
    matte = cv2.imread(str(folder / f"{name}.matte"), cv2.IMREAD_GRAYSCALE)
    if head is None or matte is None:
        raise FileNotFoundError(f"{folder} lacks {name}.jpg or {name}.matte: install the package again")
    high = matte.shape[0]
    cloth_bgr = np.median(head[-24:][matte[-24:] > 250], axis=0)
    body, body_matte = _drawn_body(matte[-1], round(face_box_px[2] * 6.5), cloth_bgr)
    colour = np.vstack([head, body]).astype(np.float32)
    opacity = np.vstack([matte, body_matte])[..., None]
    seam = slice(high - 6, high + 6)
    colour[seam] = cv2.GaussianBlur(colour, (0, 0), 4.0)[seam]
    pixels = np.dstack([(colour * (opacity / 255.0)).astype(np.uint8), opacity])
    x, y, w, h = face_box_px
    return _Person(
        pixels=np.pad(pixels, ((8, 0), (8, 8), (0, 0))),
        centre=(8 + x + w / 2, 8 + y + h / 2),
        face_px=float(w),
    )


def _drawn_body(
    last_row: Picture, below: int, cloth_bgr: NDArray[np.float64]
) -> tuple[NDArray[np.float32], Picture]:
    """What the portrait does not show: a plain garment that falls from the row where the portrait ends."""
    wide = last_row.shape[0]
    inside = np.flatnonzero(last_row > 127)
    left, right = int(inside[0]), int(inside[-1])
    rows = np.linspace(0.0, 1.0, below)[:, None]
    columns = np.arange(wide)[None, :]
    taper = 0.10 * (right - left) * np.sqrt(rows)
    edge = np.minimum(columns - left - taper, right - taper - columns)
    matte = (np.clip(edge / 2.0 + 0.5, 0, 1) * 255).astype(np.uint8)
    round_side = np.clip(edge / (0.3 * (right - left)), 0, 1) ** 0.5
    folds = 1 + 0.05 * np.sin(columns / 17.0 + rows * 5) * round_side
    light = (0.55 + 0.45 * round_side) * folds * (1 - 0.25 * rows)
    body = np.clip(light[..., None] * cloth_bgr, 0, 255).astype(np.float32)
    return body, matte
