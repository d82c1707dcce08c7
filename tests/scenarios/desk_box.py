"""A box without cameras: the real desk, doors, store and web server; who is seen is told by hand."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.age import AgeBundle
from edge.app import SHIPPED_BUNDLE
from edge.app.desk import Desk
from edge.app.doors import Doors
from edge.app.outbox import Outbox
from edge.camera import CameraReason, CameraState, CameraStatus
from edge.config import Config, parse_config
from edge.face import CONTRACT
from edge.flow import AgeEstimate, Role, Sighting, TrackReport, Zone
from edge.page import WebServer, listen

TOKEN = "a-till-token-of-32-characters-ok"
LEAST = """
cameras: [{name: cam-1, source: demo}]
lanes: [{name: lane-1, camera: cam-1, reports_id_checks: till}]
state: {dir: state, min_free_mb: 1}
"""


def a_config(folder: Path, more: str = "") -> Config:
    """A box with an HTTP door; `more` is YAML to add."""
    (folder / "token").write_text(TOKEN + "\n")
    door = "" if "till:" in more else "till: {http: {token_file: token}}\n"
    return parse_config((LEAST + door + more).encode(), file="box.yaml", folder=folder)


@dataclass
class Box:
    """What a test speaks to."""

    config: Config
    outbox: Outbox
    desk: Desk
    url: str
    doors: Doors | None = None

    def post(self, events: Any, *, token: str = TOKEN) -> tuple[int, dict[str, Any]]:
        """Status and body of `POST /api/till`."""
        raw = events if isinstance(events, bytes) else json.dumps(events).encode()
        request = urllib.request.Request(  # noqa: S310 - our own http address
            f"{self.url}/api/till", raw, {"Authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def young_customer(self, *, seconds: float = 3.0, track: str = "t-1", p_under_25: float = 0.9) -> None:
        """Somebody has stood at the till for the last seconds."""
        now_ns = time.time_ns()
        from_ns = now_ns - round(seconds * 1e9)
        sightings = [
            Sighting(lane="lane-1", camera="cam-1", track=track, at_ns=at_ns, zone=Zone.CUSTOMER, face_px=120)
            for at_ns in range(from_ns, now_ns, 200_000_000)
        ]
        self.desk.judged([_report(track, from_ns, from_ns + 10**8, p_under_25, ended=False)], sightings)

    def camera(self, state: CameraState, reason: CameraReason = CameraReason.BLACK) -> None:
        """The camera is up or down since now."""
        reason = CameraReason.OK if state is CameraState.UP else reason
        self.desk.camera(CameraStatus(camera="cam-1", state=state, reason=reason, since_ns=time.time_ns()))

    def events(self) -> list[dict[str, Any]]:
        """Everything in the store."""
        assert self.outbox.store is not None
        rows = self.outbox.store.read(
            lambda connection: connection.execute("SELECT body FROM events ORDER BY position").fetchall()
        )
        return [json.loads(body) for (body,) in rows]

    def told(self) -> list[tuple[str, ...]]:
        """The same in short."""
        return [_short(event) for event in self.events()]

    def until(self, wanted: Any, *, seconds: float = 20.0) -> None:
        """Wait for a condition; fails with what was told where it never holds."""
        end_s = time.monotonic() + seconds
        while not wanted():
            assert time.monotonic() < end_s, self.told()
            time.sleep(0.02)


@contextmanager
def a_box(
    config: Config,
    *,
    moved: Callable[[], Mapping[str, int]] = dict,
    covered: Callable[[], Mapping[str, int]] = dict,
) -> Iterator[Box]:
    """A box that runs; leaving it is a clean stop. `moved`, `covered`: cameras that were."""
    outbox = Outbox(config)
    bundle = AgeBundle.load(SHIPPED_BUNDLE, contract_digest=CONTRACT.digest)
    desk = Desk(config, bundle, outbox, moved=moved, covered=covered)
    doors = Doors(config, desk, lambda: outbox.store)
    web = WebServer(sock=listen("127.0.0.1", 0), routes=doors.routes)
    desk.start()
    outbox.start()
    web.start()
    doors.start()
    try:
        yield Box(config=config, outbox=outbox, desk=desk, url=web.url, doors=doors)
    finally:
        doors.stop()
        web.stop()
        desk.stop()
        outbox.close()


def a_till(kind: str, *, receipt: str, ago_s: float = 0.0, **more: Any) -> dict[str, Any]:
    """A till event of now; its id follows from what it says."""
    at = datetime.fromtimestamp(time.time() - ago_s, UTC).isoformat(timespec="milliseconds")
    told = {"lane": "lane-1", "at": at, "type": kind, "receipt": receipt, **more}
    return {"id": f"{receipt}-{kind}-{more.get('sku', '')}", **told}


def a_beer(*, receipt: str, ago_s: float = 0.0) -> dict[str, Any]:
    return a_till("item.added", receipt=receipt, ago_s=ago_s, sku="lager", restricted=True, min_age=18)


def _short(event: dict[str, Any]) -> tuple[str, ...]:
    data = event["data"]
    word = event["type"].split(".")[1]
    shown = {
        "check": ("receipt",),
        "sale": ("receipt", "outcome", "reason"),
        "alert": ("receipt", "kind", "count"),
        "age": ("track", "role"),
    }
    return (word, *(str(data.get(name)) for name in shown.get(word, ())))


def _report(track: str, from_ns: int, to_ns: int, p_under_25: float, *, ended: bool) -> TrackReport:
    years = 40 - 25 * p_under_25
    return TrackReport(
        lane="lane-1",
        camera="cam-1",
        track=track,
        from_ns=from_ns,
        to_ns=to_ns,
        zone=Zone.CUSTOMER,
        role=Role.CUSTOMER,
        estimate=AgeEstimate(
            mean_years=years,
            median_years=years,
            low_years=years - 5,
            high_years=years + 5,
            p_under={18: p_under_25 / 2, 21: p_under_25 / 2, 25: p_under_25, 30: p_under_25},
            crops=2,
            quality=0.8,
        ),
        seen_ns=from_ns,
        seen_box_px=(0, 0, 100, 120),
        face_px=100,
        customer_zone_s=(to_ns - from_ns) / 1e9,
        box_px=(0, 0, 100, 120),
        model="m/1",
        ended=ended,
    )
