"""What is answered to a till, without any server."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from edge.till import Kept, NoRoom, Overloaded, TillHttp, TillReader, dead_letters, park
from edge.till.batch import Batch
from edge.till.http import Answer, RateLimit

TOKEN = "a-till-token-of-32-characters-ok"
EVENT = {"id": "e", "lane": "l", "at": "2026-01-05T10:00:03Z", "type": "receipt.opened", "receipt": "r"}


def a_door(*, per_s: float = 1e6) -> TillHttp:
    return TillHttp(token=TOKEN, reader=TillReader(), max_body_bytes=1000, max_events_per_s=per_s)


def test_a_short_token_is_no_token() -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        TillHttp(token="secret", reader=TillReader(), max_body_bytes=1, max_events_per_s=1)


@pytest.mark.parametrize(
    "shown", [None, "", TOKEN, f"Basic {TOKEN}", "Bearer ", f"Bearer {TOKEN}x", "Bearer ключ"]
)
def test_without_the_token_nothing_is_read(shown: str | None) -> None:
    refused = a_door().refusal(authorization=shown, declared_bytes=10)
    assert refused is not None
    assert (refused.status, refused.headers) == (401, {"WWW-Authenticate": "Bearer"})


def test_the_token_in_any_case_of_its_scheme_lets_in() -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert a_door().refusal(authorization=f"{scheme} {TOKEN}", declared_bytes=None) is None


def test_a_declared_length_beyond_the_bound_is_refused_unread() -> None:
    refused = a_door().refusal(authorization=f"Bearer {TOKEN}", declared_bytes=1001)
    assert refused is not None
    assert refused.status == 413


@pytest.mark.parametrize(
    ("error", "status"), [(NoRoom("full"), 507), (Overloaded("queue"), 429), (OSError("broken"), 503)]
)
def test_what_the_store_says_becomes_a_status_and_no_inner_detail(error: Exception, status: int) -> None:
    told = a_door().failed(error)
    assert told.status == status
    assert "broken" not in json.dumps(dict(told.body))


def test_the_answer_names_what_became_of_every_event() -> None:
    door = a_door()
    batch = door.batch(json.dumps([EVENT, {**EVENT, "type": "x", "id": "bad"}, EVENT]).encode())
    assert isinstance(batch, Batch)
    told = door.kept(batch, Kept(new=batch.events[:1], duplicates=1))
    assert (told.status, told.body["accepted"], told.body["duplicate"]) == (200, 1, 1)
    assert [(one["index"], one["id"]) for one in told.body["rejected"]] == [(1, "bad")]


def test_half_a_surrogate_pair_is_refused_and_does_not_keep_the_good_ones_back() -> None:
    """It is JSON and yet no text: neither dead letters nor the answer could hold it, and a 503 came for ever."""
    half = {**EVENT, "id": "\ud800", "name": "\udfff", "more\ud800": 1}
    batch = a_door().batch(json.dumps([half, EVENT]).encode())
    assert isinstance(batch, Batch)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE till_dead (position INTEGER PRIMARY KEY, recorded_ms, door, reason, detail, event_id, body)"
        )
        park(connection, batch.letters, recorded_ms=1)
        [letter] = dead_letters(connection)
    told = a_door().kept(batch, Kept(new=batch.events, duplicates=0))
    assert json.dumps(dict(told.body), ensure_ascii=False).encode()
    assert (told.body["accepted"], letter["event_id"], letter["reason"]) == (1, "\\ud800", "bad_text")


def test_only_what_cannot_be_parsed_at_all_is_a_400() -> None:
    for raw, status in ((b"", 400), (b"[{]", 400), (b'"x"', 400)):
        told = a_door().batch(raw)
        assert isinstance(told, Answer)
        assert told.status == status
    assert isinstance(a_door().batch(b"[1, 2]"), Batch)


def test_above_the_rate_tills_are_told_how_long_to_wait() -> None:
    now = [0.0]
    limit = RateLimit(10, clock_s=lambda: now[0])
    assert limit.wait_s() == 0
    limit.take(30)
    assert limit.wait_s() == pytest.approx(2.0, abs=0.01)
    now[0] = 1.5
    assert limit.wait_s() > 0
    now[0] = 2.2
    assert limit.wait_s() == 0
    door = a_door(per_s=1)
    door.batch(json.dumps([EVENT] * 9).encode())
    refused = door.refusal(authorization=f"Bearer {TOKEN}", declared_bytes=None)
    assert refused is not None
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
