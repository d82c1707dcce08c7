"""A lane's scene, put together person by person, as `make_lane.py` takes it.

Times are seconds from the start of the clip; face widths are given for a picture 1280 wide and scaled.
"""

from __future__ import annotations

from typing import Any

from tests.scenes.cast import Look

__all__ = ["Lane"]

_CUSTOMER_ZONE = [[0.06, 0.06], [0.52, 0.06], [0.52, 0.86], [0.06, 0.86]]
_CASHIER_ZONE = [[0.76, 0.1], [1, 0.1], [1, 0.86], [0.76, 0.86]]
_ALWAYS_S = 3600.0


class Lane:
    """A scene that grows: `customer`, `companion`, `passer_by`, `cashier`, `poster` add somebody and say their name."""

    def __init__(
        self,
        *,
        seed: int,
        duration_s: float,
        size: tuple[int, int] = (640, 360),
        fps: int = 15,
        background: dict[str, Any] | None = None,
    ) -> None:
        self._px = size[0] / 1280
        self.size = size
        self.seed = seed
        self.fps = fps
        self.duration_s = duration_s
        self._background = background or {"style": "shelves", "light": "warm"}
        self._actors: list[dict[str, Any]] = []
        self._counts: dict[str, int] = {}

    def customer(
        self,
        who: Look,
        *,
        till_s: float,
        pause_s: float = 3.5,
        approach_s: float = 2.0,
        queue_s: float = 0.0,
        leave_s: float = 1.4,
        width_px: float = 115,
        name: str | None = None,
        **more: Any,
    ) -> str:
        """Somebody who stands at the till from `till_s` for `pause_s`, after `queue_s` of waiting behind."""
        on_the_way_s = approach_s + (queue_s + 0.3 * approach_s if queue_s else 0.0)
        times = {"enter_s": round(till_s - on_the_way_s, 3), "approach_s": approach_s, "queue_s": queue_s}
        times |= {"pause_s": pause_s, "leave_s": leave_s}
        role = "companion" if "companion_of" in more else "customer"
        return self._add(who, name or self._name("c"), role=role, width_px=width_px, **times, **more)

    def companion(self, who: Look, *, of: str, side: float = -0.185, **more: Any) -> str:
        """Somebody who stands beside the customer `of`, `side` picture widths to the right."""
        return self.customer(who, companion_of=of, offset=[side, 0.01], name=self._name("p"), **more)

    def passer_by(
        self, who: Look, *, enter_s: float, to: str = "right", cross_s: float = 3.4, **more: Any
    ) -> str:
        """Somebody who crosses the picture between camera and customer."""
        yaw = more.pop("yaw_deg", 48 if to == "right" else -48)
        more = {"path": "cross", "direction": to, "pause_s": cross_s, "yaw_deg": yaw, **more}
        return self._add(
            who,
            self._name("x"),
            role="passer-by",
            enter_s=enter_s,
            width_px=more.pop("width_px", 170),
            **more,
        )

    def cashier(self, who: Look, *, from_s: float, to_s: float, **more: Any) -> str:
        """Somebody who works on the other side from `from_s` to `to_s`."""
        times = {"enter_s": from_s - 1.2, "approach_s": 1.2, "pause_s": to_s - from_s, "leave_s": 1.2}
        return self._add(
            who, self._name("k"), role="cashier", width_px=104, path="cashier", yaw_deg=-14, **times, **more
        )

    def poster(self, who: Look, *, right: float, down: float, width_px: float = 70) -> str:
        """A face that never moves, `right` and `down` of the till spot in shares of the picture."""
        times = {"enter_s": -60.0, "approach_s": 1.0, "pause_s": _ALWAYS_S}
        return self._add(
            who, self._name("w"), role="poster", width_px=width_px, sway=0.0, offset=[right, down], **times
        )

    def scene(self) -> dict[str, Any]:
        """The scene as `make_lane.py` reads it from JSON."""
        px = self._px
        return {
            "size": list(self.size),
            "fps": self.fps,
            "duration_s": self.duration_s,
            "seed": self.seed,
            "lane": "lane-1",
            "background": self._background,
            "geometry": {"far_px": 45 * px, "queue_px": 72 * px},
            "zones": {"customer": _CUSTOMER_ZONE, "cashier": _CASHIER_ZONE},
            "actors": [{**a, "face_width_px": a["face_width_px"] * px} for a in self._actors],
            "receipts": [],
        }

    @property
    def zones_px(self) -> dict[str, list[tuple[float, float]]]:
        """The polygons of the scene in pixels, by name."""
        width, height = self.size
        named = {"customer": _CUSTOMER_ZONE, "cashier": _CASHIER_ZONE}
        return {zone: [(x * width, y * height) for x, y in polygon] for zone, polygon in named.items()}

    def _name(self, letter: str) -> str:
        self._counts[letter] = self._counts.get(letter, 0) + 1
        return f"{letter}{self._counts[letter]:02d}"

    def _add(self, who: Look, name: str, *, role: str, width_px: float, **more: Any) -> str:
        known = {"age": who.age, "gender": who.gender, "set": who.data_set, "receipt": None}
        face = {"picture": who.picture, "face": list(who.face), "face_width_px": width_px}
        self._actors.append({"id": name, "role": role, **known, **face, **more})
        return name
