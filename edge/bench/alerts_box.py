"""The box of `bench alerts`: the real daemon in a process of its own, its lane at full rate, asked by a pipe."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from edge.age import AgeBundle
from edge.app import Daemon, age_bundle_folder
from edge.app.pages import users_file
from edge.app.vision_loop import Judged
from edge.config import Inference, parse_config
from edge.events.types import ALERT_RAISED, CHECK_REQUESTED
from edge.face import CONTRACT
from edge.flow import Role
from edge.page import PeopleFile
from edge.page import Role as PageRole

__all__ = ["LANES", "BoxPlan", "serve"]

LANES = 4
"""Customers stand at the first; the others see the same pictures, and their tills send the flood."""
_TAU = 0.0001
_FRESH_NS = 400_000_000
_PROMPT_S = 5.0
_DEMO_ZONE = [[250, 60], [900, 60], [900, 700], [250, 700]]
_NOWHERE = [[0, 0], [8, 0], [8, 8]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxPlan:
    """What the box runs on; `clip` None: the drawn demo lane."""

    folder: Path
    till_token: str
    clip: Path | None
    zones: Path | None
    detector: str


class _Box(Daemon):
    """A daemon that remembers when it saw whom last."""

    seen_ns: dict[str, int]

    def _judged(self, judged: Judged) -> None:
        super()._judged(judged)
        for sighting in judged.sightings:
            self.seen_ns[sighting.track] = sighting.at_ns

    def customer(self) -> str | None:
        """Somebody who stands at the first lane at this moment and whose age is known."""
        now_ns = time.time_ns()
        for report in tuple(self.lanes_now["lane-1"].copy().values()):
            fresh = now_ns - self.seen_ns.get(report.track, 0) < _FRESH_NS
            if fresh and report.role is Role.CUSTOMER and report.estimate.p_under.get(25, 0.0) > _TAU:
                return report.track
        return None


def serve(plan: BoxPlan, pipe: Connection) -> None:
    """Run until told to stop. First it sends port, one-time link and tokens; then it answers what it is asked."""
    os.environ["CHECKOUT_AGE_BENCH_TOKEN"] = plan.till_token
    config = parse_config(json.dumps(_config(plan)).encode(), file="bench", folder=plan.folder)
    keys: dict[str, str] = {}

    def with_tokens(people: Any) -> Any:
        for role in (PageRole.VIEWER, PageRole.MANAGER):
            people, keys[role.value] = people.with_token(f"bench-{role.value}", role)
        return people

    PeopleFile(users_file(config)).change(with_tokens)
    box = _Box(config)
    box.seen_ns = {}
    prompts = _Prompts(box)
    box.start()
    url = box.web.url if box.web else ""
    pipe.send({"url": url, "link": box.sign_in_url(), "keys": keys})
    try:
        _answer(box, prompts, pipe)
    finally:
        box.stop()
        pipe.send("stopped")


def _answer(box: _Box, prompts: _Prompts, pipe: Connection) -> None:
    while True:
        asked, *about = pipe.recv()
        if asked == "customer":
            pipe.send(box.customer())
        elif asked == "prompted":
            pipe.send(prompts.wait(about[0]))
        elif asked == "alerts":
            pipe.send(_alerts(box))
        elif asked == "kept":
            pipe.send(_read(box, "SELECT count(*) FROM till_inbox")[0][0])
        elif asked == "rate":
            camera = box.cameras[0]
            pipe.send((camera.figures().frames, box.vision.judged[camera.name], time.monotonic()))
        else:
            return


class _Prompts:
    """Which receipts were prompted: known as soon as the event is committed."""

    def __init__(self, box: Daemon) -> None:
        store = box.outbox.store
        if store is None:
            raise OSError("the store could not be opened")
        self._store = store
        self._news = threading.Condition()
        self._seen: set[str] = set()
        self._position = 0
        store.on_commit(self._committed)

    def _committed(self) -> None:
        with self._news:
            self._news.notify_all()

    def wait(self, receipt: str) -> bool:
        """True as soon as a prompt for the receipt is there, False after five seconds without."""
        end_s = time.monotonic() + _PROMPT_S
        while time.monotonic() < end_s:
            for event in self._store.read_after(self._position, [CHECK_REQUESTED.name], limit=1000):
                self._position = event.position
                self._seen.add(json.loads(event.body)["subject"])
            if receipt in self._seen:
                return True
            with self._news:
                self._news.wait(0.005)
        return False


def _alerts(box: Daemon) -> dict[str, int]:
    """Every alert with the moment, ms since 1970, at which its commit began.

    Isolated unseen sales are left out: the page gathers them on one card and shows them when asked.
    """
    rows = _read(box, f"SELECT body, recorded_ms FROM events WHERE type = '{ALERT_RAISED.name}'")  # noqa: S608
    told = [(json.loads(body)["data"], recorded_ms) for body, recorded_ms in rows]
    return {
        data["alert"]: int(recorded_ms)
        for data, recorded_ms in told
        if data["kind"] != "unseen_customer" or data["severity"] != "low"
    }


def _read(box: Daemon, query: str) -> list[Any]:
    store = box.outbox.store
    if store is None:
        raise OSError("the store is away")
    return store.read(lambda connection: connection.execute(query).fetchall())


def _config(plan: BoxPlan) -> dict[str, Any]:
    """Everybody is asked for an ID: a threshold near zero, so that each customer who is seen gives prompts."""
    bundle = AgeBundle.load(age_bundle_folder(Inference()), contract_digest=CONTRACT.digest)
    own = {"bundle": bundle.digest, "thresholds": [{"under_age": 25, "miss_rate": 0.05, "tau": _TAU}]}
    (plan.folder / "tau.json").write_text(json.dumps(own))
    zone = _DEMO_ZONE if plan.clip is None else None
    if plan.zones is not None:
        zone = json.loads(plan.zones.read_bytes())["zones_px"]["customer"]
    source = "demo" if plan.clip is None else str(plan.clip.absolute())
    first = {} if zone is None else {"zones_px": {"customer": zone}}
    others = [{"zones_px": {"customer": _NOWHERE}}] * (LANES - 1)
    return {
        "cameras": [{"name": "cam-1", "source": source, **({} if plan.clip is None else {"loop": True})}],
        "lanes": [
            {"name": f"lane-{number}", "camera": "cam-1", "reports_id_checks": "till", **zones}
            for number, zones in enumerate([first, *others], 1)
        ],
        "inference": {"detector": plan.detector},
        "policy": {"name": "bench", "tau_file": "tau.json"},
        "state": {"dir": str(plan.folder / "state"), "min_free_mb": 1},
        "till": {
            "http": {"token_env": "CHECKOUT_AGE_BENCH_TOKEN", "max_events_per_s": 100000},
            "silent_minutes": 0,
        },
        "http": {"port": 0},
    }
