"""A box with three lanes behind real pages on a real socket: what it has committed is a list."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.parse
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge.flow import TillEvent, TillEventType
from edge.page import Access, Box, CashierAct, FeedEvent, Pages, PeopleFile, Role, Sessions, WebServer, listen

__all__ = ["PASSWORD", "Browser", "Shop"]

PASSWORD = "a long pass-phrase"
_ACTS = {
    "verified": TillEventType.ID_VERIFIED,
    "known": TillEventType.ID_KNOWN,
    "refused": TillEventType.SALE_REFUSED,
}


class Shop:
    """Commits events, serves pages, can be restarted; the port stays."""

    def __init__(self, folder: Path, *, escalate_minutes: float = 5.0) -> None:
        self.folder = folder
        self.people = PeopleFile(folder / "users.json")
        self.events: list[FeedEvent] = []
        self.acted: list[CashierAct] = []
        self.assisted: list[tuple[str, str]] = []
        self.acknowledged: dict[str, dict[str, Any]] = {}
        a_minute_ago = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
        self.lanes: dict[str, dict[str, Any]] = {
            name: {
                "lane": name,
                "camera": {
                    "name": f"cam-{name[-1]}",
                    "state": "up",
                    "reason": "ok",
                    "fps": 15.0,
                    "warnings": [],
                },
                "till": {"state": "up", "last": a_minute_ago},
                "last_customer": a_minute_ago,
                "checks": "page" if name == "lane-1" else "till",
            }
            for name in ("lane-1", "lane-2", "lane-3")
        }
        self.prompts: dict[str, str] = {}
        self.boxes: list[dict[str, Any]] = []
        self.parked: list[dict[str, Any]] = []
        self.retried: list[str] = []
        self.labels: list[dict[str, Any]] = []
        self.digests: list[dict[str, Any]] = []
        self.weeks: dict[str, dict[str, Any]] = {}
        self.facts: list[dict[str, Any]] = [{"receipt": "r-1", "outcome": "unchecked", "cashier": "c-7"}]
        since = datetime.now(UTC) - timedelta(hours=3)
        self.shift = {"from": since.isoformat(), "to": (since + timedelta(hours=8)).isoformat()}
        self._escalate_minutes = escalate_minutes
        self._lock = threading.Lock()
        self.port = 0
        self._web: WebServer | None = None

    def start(self) -> Shop:
        """Serve, on the port of before where there was one."""
        sock = listen("127.0.0.1", self.port)
        self.port = sock.getsockname()[1]
        self.sessions = Sessions(self.people, self.folder / "sessions.json")
        access = Access(self.people, self.sessions, secure=False, port=self.port)
        self.pages = Pages(self._box(), access, language="en", escalate_minutes=self._escalate_minutes)
        self._web = WebServer(
            sock=sock,
            routes=self.pages.routes,
            lifespan=self.pages.lifespan,
            before_stop=self.pages.feed.close,
        )
        self._web.start()
        return self

    def stop(self) -> None:
        """Stop serving; what was committed stays."""
        assert self._web is not None
        self._web.stop()
        assert not self._web.alive

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def user(self, name: str, role: str, *lanes: str) -> None:
        self.people.change(lambda known: known.with_user(name, Role(role), PASSWORD, lanes))

    def commit(self, type_: str, data: Mapping[str, Any], time: str = "2026-01-05T10:00:05.000Z") -> int:
        """Add an event of the feed and wake the pages; its position."""
        with self._lock:
            position = len(self.events) + 1
            body = json.dumps({"type": type_, "time": time, "data": data})
            self.events.append(FeedEvent(position=position, body=body))
        self.pages.feed.wake()
        return position

    def alert(self, alert: str, *, lane: str = "lane-1", kind: str = "unchecked_sale", **more: Any) -> int:
        """Commit an alert as the box would."""
        data: dict[str, Any] = {
            "lane": lane, "alert": alert, "kind": kind, "severity": "high", "receipt": f"r-{alert}",
            "items": ["4600000000017"], "camera": "cam-1", "from": "2026-01-05T09:59:40.000Z",
            "to": "2026-01-05T10:00:05.000Z", "age": {"mean": 17.0}, "p_under": {"18": 0.7, "25": 0.97}, "count": 1,
            "vms_url": None, "cashier": "c-7", **more,
        }  # fmt: skip
        return self.commit("checkout.alert.raised.v1", data, data["to"])

    def ask_for_id(self, lane: str, receipt: str) -> None:
        """The rules want an ID to be seen."""
        self.prompts[lane] = receipt
        data = {"lane": lane, "receipt": receipt, "p_under": {"25": 0.9}, "challenge_age": 25}
        self.commit("checkout.check.requested.v1", data)

    def till(self, lane: str, receipt: str, type_: TillEventType) -> None:
        """The till tells something."""
        self.pages.board.till(
            TillEvent(id=f"{receipt}-{type_}", lane=lane, at_ns=1, type=type_, receipt=receipt)
        )

    def _box(self) -> Box:
        return Box(
            lanes=tuple(self.lanes),
            newest=lambda: len(self.events),
            after=lambda position, limit: self.events[position : position + limit],
            alerts=self._alerts,
            state=lambda: {
                "lanes": [dict(lane) for lane in self.lanes.values()],
                "boxes": [dict(box) for box in self.boxes],
                "parked": [dict(one) for one in self.parked],
                "shift": dict(self.shift),
                "labels": [dict(one) for one in self.labels],
                "notices": [],
            },
            acknowledge=self._acknowledge,
            act=self._act,
            assist=self._assist,
            open_prompts=lambda: tuple(self.prompts.items()),
            explain=lambda receipt, _lane: [{**fact, "receipt": receipt} for fact in self.facts],
            gaps=list,
            digests=lambda: self.digests,
            test_alert=self._test,
            retry_parked=self._retry,
            weeks=lambda: list(self.weeks),
            week=self._week,
            sign_week=self._sign,
            buttons=frozenset({"lane-1"}),
        )

    def _alerts(self, limit: int) -> Sequence[Mapping[str, Any]]:
        rows: dict[str, dict[str, Any]] = {}
        for event in self.events:
            told = json.loads(event.body)
            if told["type"] == "checkout.alert.raised.v1":
                name = told["data"]["alert"]
                rows[name] = {**told["data"], "open": False, "acknowledged": self.acknowledged.get(name)}
        return list(reversed(rows.values()))[:limit]

    def _acknowledge(self, alert: str, by: str, outcome: str, note: str) -> Future[bool]:
        done: Future[bool] = Future()
        known = any(row["alert"] == alert for row in self._alerts(1000))
        if known:
            told = {"by": by, "outcome": outcome, "note": note, "at": "2026-01-05T10:01:00.000Z"}
            self.acknowledged[alert] = told
            self.commit("checkout.alert.acknowledged.v1", {"lane": "lane-1", "alert": alert, **told})
        done.set_result(known)
        return done

    def _test(self, by: str) -> Sequence[Mapping[str, Any]]:
        self.alert("a-test-1", severity="low", receipt=None, items=[], count=0, test=True, to=_now())
        return [{"sink": "page", "ok": True}, {"sink": "broker", "ok": True, "detail": by}]

    def _retry(self, sink: str) -> Mapping[str, Any]:
        [found] = [one for one in self.parked if one["sink"] == sink] or [None]
        if found is None:
            raise KeyError(sink)
        self.retried.append(sink)
        self.parked.remove(found)
        return {"sent": found["count"], "left": 0, "reason": None}

    def _week(self, week: str) -> Mapping[str, Any]:
        if week not in self.weeks:
            raise ValueError("no such week")
        return self.weeks[week]

    def _sign(self, week: str, by: str) -> Future[Any]:
        done: Future[Any] = Future()
        report = self.weeks[week]
        if not report["over"]:
            done.set_exception(ValueError("not_over"))
            return done
        signed = {"week": week, "by": by, "at": _now(), "number": 41 + len(report["signed"])}
        report["signed"].insert(0, signed)
        done.set_result(signed)
        return done

    def _act(self, act: CashierAct) -> Future[Any]:
        self.acted.append(act)
        self.till(act.lane, act.receipt, _ACTS[act.action])
        done: Future[Any] = Future()
        done.set_result(None)
        return done

    def _assist(self, lane: str, by: str) -> Future[Any]:
        self.assisted.append((lane, by))
        self.alert(f"assist-{len(self.assisted)}", lane=lane, kind="assistance", receipt=None, items=[])
        done: Future[Any] = Future()
        done.set_result(None)
        return done


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Browser:
    """What a browser does without a screen: keeps its cookie, shows the page's own header."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.cookie = ""
        self.csrf = ""

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self._shop.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent["Cookie"] = self.cookie
        line.request(method, path, body, sent)
        answer = line.getresponse()
        told = (answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        line.close()
        if "set-cookie" in told[1]:
            self.cookie = told[1]["set-cookie"].split(";")[0]
        return told

    def sign_in(self, name: str, password: str = PASSWORD, **headers: str) -> str:
        """Where the box sends the browser on to."""
        form = urllib.parse.urlencode({"name": name, "password": password}).encode()
        status, told, _ = self.ask("POST", "/signin", form, **headers)
        assert status in (303, 403, 429)
        if told.get("location") == "/":
            self.csrf = self.get("/api/me")[1]["csrf"]
        return told.get("location", str(status))

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        status, _, body = self.ask("GET", path, **headers)
        return status, json.loads(body)

    def post(self, path: str, told: Mapping[str, Any] | None = None, **headers: str) -> tuple[int, Any]:
        body = json.dumps(told or {}).encode()
        status, _, answer = self.ask("POST", path, body, **{"X_CSRF_Token": self.csrf, **headers})
        return status, json.loads(answer)

    def stream(self, path: str, *, last: int | None = None) -> http.client.HTTPResponse:
        """An open stream; read lines from it, close it."""
        line = http.client.HTTPConnection("127.0.0.1", self._shop.port, timeout=60)
        headers = {"Cookie": self.cookie} | ({} if last is None else {"Last-Event-ID": str(last)})
        line.request("GET", path, headers=headers)
        return line.getresponse()
