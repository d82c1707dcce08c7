"""From a till's day to marketing's baskets: what is kept, what is not, and what happens when the store is away."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from edge.age import AgeBundle
from edge.app import SHIPPED_BUNDLE
from edge.app.desk import Desk
from edge.app.offers import Offers
from edge.app.outbox import Outbox
from edge.app.retention import months_before
from edge.app.sales import Sales, basket_of
from edge.camera import CameraReason, CameraState, CameraStatus
from edge.config import Config
from edge.events.sales_key import SalesKey
from edge.face import CONTRACT
from edge.flow import Sighting, TillEvent, TillEventType, Zone
from edge.rules import AgeRule, Line, Outcome, SaleEnded
from edge.till import Batch
from tests.conftest import Measured
from tests.events.sales_facts import a_basket
from tests.scenarios.desk_box import _report, a_config

SHARES = (0.0, 0.7, 0.3, 0.0, 0.0, 0.0, 0.0)
KEY = SalesKey(bytes(32))


class Shop:
    """The desk with marketing beside it; customers and tills are told by hand."""

    def __init__(self, config: Config, *, group_s: float = 0.0) -> None:
        self.config = config
        self.outbox = Outbox(config)
        self.sales = Sales(config, model="m/1", group_s=group_s)
        self.offers = Offers(config, self.outbox.append)
        bundle = AgeBundle.load(SHIPPED_BUNDLE, contract_digest=CONTRACT.digest)
        self.desk = Desk(config, bundle, self.outbox, sold=self.sales.sold, looked=self.offers.looked)
        self.desk.heard.append(self.offers.heard)

    def till(self, kind: TillEventType, receipt: str, *, ago_s: float = 0.0, **told: object) -> None:
        event = TillEvent(
            id=f"{receipt}-{kind}-{told.get('sku', '')}",
            lane="lane-1",
            at_ns=time.time_ns() - round(ago_s * 1e9),
            type=kind,
            receipt=receipt,
            cashier="cashier-7",
            **told,  # type: ignore[arg-type]
        )
        self.desk.take(Batch(events=(event,), rejected=(), letters=()), door="test").result(30)

    def sale(self, receipt: str, *items: dict[str, object], end: TillEventType | None = None) -> None:
        self.till(TillEventType.RECEIPT_OPENED, receipt, ago_s=4)
        for place, item in enumerate(items):
            self.till(TillEventType.ITEM_ADDED, receipt, ago_s=3.5 - place / 10, **item)
        self.till(end or TillEventType.RECEIPT_CLOSED, receipt, ago_s=0.0)

    def customer(self, *, shares: tuple[float, ...] = SHARES, p_under_25: float = 0.7) -> None:
        now_ns = time.time_ns()
        from_ns = now_ns - 5 * 10**9
        sightings = [
            Sighting(lane="lane-1", camera="cam-1", track="t-1", at_ns=at_ns, zone=Zone.CUSTOMER, face_px=120)
            for at_ns in range(from_ns, now_ns, 200_000_000)
        ]
        report = _report("t-1", from_ns, from_ns + 10**8, p_under_25, ended=False)
        estimate = replace(report.estimate, shares=shares, crops=5)
        self.desk.judged([replace(report, estimate=estimate)], sightings)

    def until(self, wanted: object, *, seconds: float = 60.0) -> None:
        end_s = time.monotonic() + seconds
        while not wanted():  # type: ignore[operator]
            assert time.monotonic() < end_s, (self.sales.counts, self.sales.dropped, self.desk.counts)
            time.sleep(0.02)

    def events(self) -> list[dict]:
        assert self.outbox.store is not None
        rows = self.outbox.store.read(lambda c: c.execute("SELECT body FROM events").fetchall())
        return [json.loads(body) for (body,) in rows]


@contextmanager
def a_shop(folder: Path, more: str = "", **told: float) -> Iterator[Shop]:
    shop = Shop(a_config(folder, "site: {store: shop-1, time_zone: Europe/Berlin}\n" + more), **told)
    shop.desk.start()
    try:
        yield shop
    finally:
        shop.desk.stop()
        shop.sales.close()
        shop.outbox.close()


def sales_rows(folder: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(folder / "state" / "sales.db")) as connection:
        return connection.execute(query).fetchall()


def an_end(*, shares: tuple[float, ...], outcome: Outcome) -> SaleEnded:
    """A receipt of one litre of milk that a known customer paid."""
    return SaleEnded(
        lane="lane-1",
        receipt="r-1",
        receipt_ns=0,
        opened_ns=0,
        at_ns=1_767_600_000 * 10**9,
        outcome=outcome,
        reason=None,
        track="t-1",
        estimate=replace(_report("t-1", 0, 1, 0.7, ended=True).estimate, shares=shares),
        due_ns=None,
        check_delay_s=None,
        restricted=False,
        rule=AgeRule(legal_age=18, challenge_age=25, miss_rate=0.01, tau=0.5),
        model="m/1",
        candidates=(),
        cashier=None,
        lines=(Line(sku="milk", name=None, quantity=Decimal(1), added_ns=0, restricted=False, min_age=None),),
    )


MILK = {"sku": "milk", "name": "Milk", "category": "dairy", "unit_price": Decimal("1.29"), "currency": "EUR"}
BEER = {"sku": "lager", "name": "Lager", "restricted": True, "min_age": 18, "unit_price": Decimal("0.99")}
CHEESE = {"sku": "cheese", "quantity": Decimal("0.345"), "unit_price": Decimal("14.90"), "currency": "EUR"}


def test_a_sale_leaves_a_basket_with_the_customers_bands_and_without_what_was_voided(tmp_path):
    with a_shop(tmp_path) as shop:
        shop.customer()
        shop.till(TillEventType.RECEIPT_OPENED, "r-1", ago_s=4)
        for item in (MILK, CHEESE, BEER):
            shop.till(TillEventType.ITEM_ADDED, "r-1", ago_s=3, **item)
        shop.till(TillEventType.ITEM_VOIDED, "r-1", ago_s=2, sku="lager")
        shop.till(TillEventType.RECEIPT_CLOSED, "r-1")
        shop.until(lambda: shop.sales.counts["baskets"] == 1)
        now = datetime.now(ZoneInfo("Europe/Berlin"))
        told = shop.events()
    [row] = sales_rows(
        tmp_path,
        "SELECT day, hour, weekday, p1 + p2, p_unknown, p7, party_size, quality, model, lane_group FROM basket",
    )
    assert row == (now.date().isoformat(), now.hour, now.weekday(), 20, 0, None, 1, "good", "m/1", "lanes")
    lines = sales_rows(
        tmp_path, "SELECT sku, name, category, quantity_milli, price_cents, currency FROM basket_line"
    )
    assert sorted(lines) == [("cheese", "", "", 345, 514, "EUR"), ("milk", "Milk", "dairy", 1000, 129, "EUR")]
    assert told
    assert all("shares" not in json.dumps(event) for event in told)


def test_what_was_cancelled_is_no_basket_and_of_what_was_refused_the_rest_was_sold(tmp_path):
    with a_shop(tmp_path) as shop:
        shop.sale("r-1", MILK, end=TillEventType.RECEIPT_CANCELLED)
        for receipt, items in (("r-2", (MILK, BEER)), ("r-3", (BEER,))):
            shop.till(TillEventType.RECEIPT_OPENED, receipt, ago_s=4)
            for item in items:
                shop.till(TillEventType.ITEM_ADDED, receipt, ago_s=3, **item)
            shop.till(TillEventType.SALE_REFUSED, receipt, ago_s=2)
            shop.till(TillEventType.RECEIPT_CLOSED, receipt)
        shop.until(lambda: shop.desk.counts["SaleEnded"] == 3)
    assert sales_rows(tmp_path, "SELECT sku FROM basket_line") == [("milk",)]
    assert sales_rows(tmp_path, "SELECT p_unknown, quality, party_size FROM basket") == [(20, "none", 0)]


def test_nothing_but_goods_stands_in_both_files(tmp_path):
    """Who has both and no key finds no id, number, moment or name by which a basket could be laid beside a receipt."""
    with a_shop(tmp_path) as shop:
        for number in range(12):
            shop.customer()
            shop.sale(f"receipt-{number}", MILK, CHEESE)
        shop.until(lambda: shop.sales.counts["baskets"] == 12)
    goods = {"milk", "Milk", "dairy", "cheese", "EUR", ""}
    ours = {
        value
        for table in ("basket", "basket_line", "coverage", "meta")
        for row in sales_rows(tmp_path, f"SELECT * FROM {table}")  # noqa: S608
        for value in row
        if isinstance(value, str) or (isinstance(value, int) and value > 2000)
    }
    with closing(sqlite3.connect(tmp_path / "state" / "security.db")) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        theirs = "\n".join(
            repr(row)
            for table in tables
            for row in connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
        )
    assert "receipt-7" in theirs
    shared = {str(value) for value in ours - goods if len(str(value)) > 2 and str(value) in theirs}
    # The shop and the model, which all sales have, and the day, which stands in every moment.
    assert shared <= {"shop-1", "m/1", datetime.now(UTC).date().isoformat()}
    raw = b"".join(path.read_bytes() for path in (tmp_path / "state").glob("sales.db*")).decode("latin-1")
    for secret in ("receipt-", "cashier-7", "t-1", "lane-1"):
        assert secret not in raw


def test_a_receipt_that_a_restart_decides_again_is_kept_once(tmp_path):
    """Killed between marketing's commit and security's: the receipt is open still, and ends a second time."""
    ended: list[SaleEnded] = []
    with a_shop(tmp_path) as shop:
        keep = shop.desk._sold
        shop.desk._sold = lambda one: (ended.append(one), keep(one))
        shop.sale("r-1", MILK)
        shop.until(lambda: shop.sales.counts["baskets"] == 1)
    with a_shop(tmp_path) as shop:
        shop.sales.sold(ended[0])
        shop.until(lambda: shop.sales.counts["repeats"] == 1)
        [(basket, day, hour)] = sales_rows(tmp_path, "SELECT basket, day, hour FROM basket")
        key = shop.sales.store.key
        assert basket == key.basket(store="shop-1", lane="lane-1", receipt="r-1", day=day, hour=hour)
    assert sales_rows(tmp_path, "SELECT count(*), (SELECT sum(receipts) FROM coverage) FROM basket") == [
        (1, 1)
    ]


def test_a_key_that_is_gone_stops_marketing_and_nothing_else(tmp_path, measured: Measured):
    with a_shop(tmp_path) as shop:
        shop.sale("r-1", MILK)
        shop.until(lambda: shop.sales.counts["baskets"] == 1)
    (tmp_path / "state" / "sales.key").unlink()
    with a_shop(tmp_path) as shop:
        shop.sale("r-2", MILK)
        shop.until(lambda: shop.desk.counts["SaleEnded"] == 1)
        assert "no baskets are kept for marketing" in shop.sales.notes[0]
        shop.until(lambda: shop.sales.dropped["no_store"] == 1)
        ended, lost = shop.desk.counts["SaleEnded"], shop.sales.dropped["no_store"]
    assert sales_rows(tmp_path, "SELECT count(*) FROM basket") == [(1,)]
    measured(
        "marketing's store away", f"no key: {ended} of 1 sales ended, {lost} basket lost, counted and told"
    )


def test_a_damaged_store_of_marketings_is_set_aside_and_told_and_baskets_go_on(tmp_path, measured: Measured):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "sales.db").write_bytes(b"no database at all " * 1000)
    with a_shop(tmp_path) as shop:
        shop.sale("r-1", MILK)
        shop.until(lambda: shop.sales.counts["baskets"] == 1)
        assert "set aside" in shop.sales.notes[0]
        kept, lost = shop.sales.counts["baskets"], sum(shop.sales.dropped.values())
    assert sales_rows(tmp_path, "SELECT count(*) FROM basket") == [(1,)]
    [aside] = (tmp_path / "state").glob("sales.db.damaged-*")
    assert aside.read_bytes().startswith(b"no database")
    measured("marketing's store away", f"damaged: set aside and told, {kept} of 1 baskets kept, {lost} lost")


def test_while_the_store_refuses_baskets_wait_and_then_are_kept_in_order(
    tmp_path, monkeypatch, measured: Measured
):
    from edge.events import FullReason, StoreFull

    with a_shop(tmp_path) as shop:
        keep = shop.sales.store.keep
        monkeypatch.setattr(
            shop.sales.store,
            "keep",
            lambda _basket: (_ for _ in ()).throw(StoreFull(FullReason.DISK, "full")),
        )
        for number in range(3):
            shop.sale(f"r-{number}", MILK)
        shop.until(lambda: shop.sales.waiting == 3)
        ended, waited = shop.desk.counts["SaleEnded"], shop.sales.waiting
        assert ended == 3
        monkeypatch.setattr(shop.sales.store, "keep", keep)
        shop.sales.tick()
        shop.until(lambda: shop.sales.counts["baskets"] == 3)
        assert shop.sales.waiting == 0
        kept = shop.sales.counts["baskets"]
    measured(
        "marketing's store away", f"full: {ended} of 3 sales ended, {waited} baskets waited, {kept} kept then"
    )


def test_time_without_sight_is_counted_by_the_stores_day(tmp_path):
    """Blind from 23:50 to 00:10 in Berlin, on the night in which the clocks go back."""
    config = a_config(tmp_path, "site: {time_zone: Europe/Berlin}\n")
    from_ns = int(datetime(2026, 10, 24, 21, 50, tzinfo=UTC).timestamp()) * 10**9
    sales = Sales(config, model="m/1", group_s=0.0, clock_ns=lambda: from_ns + 1800 * 10**9)

    def status(state: CameraState, at_ns: int) -> CameraStatus:
        reason = CameraReason.OK if state is CameraState.UP else CameraReason.BLACK
        return CameraStatus(camera="cam-1", state=state, reason=reason, since_ns=at_ns)

    sales.camera(status(CameraState.DOWN, from_ns))
    sales.camera(status(CameraState.UP, from_ns + 1200 * 10**9))
    sales.camera(status(CameraState.DOWN, from_ns + 1260 * 10**9))
    sales.close()  # still blind: counted up to now
    assert sales_rows(tmp_path, "SELECT day, blind_s, receipts FROM coverage ORDER BY day") == [
        ("2026-10-24", 600, 0),
        ("2026-10-25", 1140, 0),
    ]


def test_a_camera_that_was_moved_or_covered_is_no_sight_either_and_nothing_counts_twice(tmp_path):
    """Covered from 10:00, down from 10:05 to 10:10, uncovered at 10:20: twenty minutes; then a minute more."""
    config = a_config(tmp_path)
    begin_ns = int(datetime(2026, 1, 5, 10, tzinfo=UTC).timestamp()) * 10**9
    now, unusable = [begin_ns], {}
    sales = Sales(config, model="m/1", group_s=0.0, clock_ns=lambda: now[0], unusable=lambda: dict(unusable))

    def at(minute: int) -> int:
        now[0] = begin_ns + minute * 60 * 10**9
        return now[0]

    def down(is_down: bool) -> CameraStatus:
        state, reason = (
            (CameraState.DOWN, CameraReason.NO_FRAMES) if is_down else (CameraState.UP, CameraReason.OK)
        )
        return CameraStatus(camera="cam-1", state=state, reason=reason, since_ns=now[0])

    sales.tick()
    unusable["cam-1"] = begin_ns
    for minute in range(1, 26):
        at(minute)
        if minute in (5, 10):
            sales.camera(down(minute == 5))
        if minute == 20:
            unusable.clear()
        sales.tick()
    unusable["cam-1"] = at(30)
    sales.tick()
    at(31)
    sales.close()
    assert sales_rows(tmp_path, "SELECT sum(blind_s) FROM coverage") == [(21 * 60,)]


def test_retention_takes_months_of_the_stores_calendar_and_waits_for_a_clock(tmp_path):
    config = a_config(tmp_path)
    config = replace(config, state=replace(config.state, sales_months=2))
    now = [0]
    sales = Sales(config, model="m/1", group_s=0.0, clock_ns=lambda: now[0])
    for number, day in enumerate(("2026-02-27", "2026-02-28", "2026-04-30")):
        basket = a_basket(number + 1, day=datetime.fromisoformat(day).date())
        assert sales.store.keep(basket).result()
    sales.purge()  # the clock has not been found yet
    now[0] = int(datetime(2026, 4, 30, 12, tzinfo=UTC).timestamp()) * 10**9
    sales.purge()
    sales.close()
    assert sales_rows(tmp_path, "SELECT day FROM basket ORDER BY day") == [("2026-02-28",), ("2026-04-30",)]


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [("2026-03-31", 1, "2026-02-28"), ("2024-03-31", 1, "2024-02-29"), ("2026-01-15", 25, "2023-12-15")],
)
def test_months_end_where_the_calendar_says(day, months, before):
    assert months_before(datetime.fromisoformat(day).date(), months).isoformat() == before


def test_an_estimate_of_other_bands_or_of_nobody_is_unknown_and_never_a_guess(tmp_path):
    config = a_config(tmp_path)
    for shares, outcome in (((), Outcome.UNCHECKED), ((0.5, 0.5), Outcome.NO_RESTRICTED_ITEM)):
        ended = an_end(shares=shares, outcome=outcome)
        basket = basket_of(ended, key=KEY, config=config, zone=ZoneInfo("UTC"), model="m/1")
        assert (basket.unknown_steps, basket.quality) == (20, "none")
    assert basket_of(
        an_end(shares=SHARES, outcome=Outcome.CANCELLED), key=KEY, config=config, zone=ZoneInfo("UTC"), model="m"
    ) is None  # fmt: skip


class TestOffers:
    TABLE: ClassVar = {
        "schema_version": 1,
        "created": "2026-01-05T00:00:00.000Z",
        "bands": [
            {"band": "18_24", "category": None, "items": [{"sku": "crisps"}, {"sku": "lager"}]},
            {"band": "18_24", "category": "dairy", "items": [{"sku": "cereal", "lift": 2.0}]},
        ],
    }

    def shop(self, folder: Path, *, enabled: bool = True):
        (folder / "offers.json").write_text(json.dumps(self.TABLE))
        return a_shop(folder, f"offers: {{enabled: {str(enabled).lower()}, file: offers.json}}\n")

    def test_a_settled_customer_gets_one_suggestion_without_restricted_goods(self, tmp_path):
        with self.shop(tmp_path) as shop:
            shop.sale("r-0", BEER)  # the till has said that lager is restricted
            shop.customer()
            shop.till(TillEventType.RECEIPT_OPENED, "r-1", ago_s=4)
            for sku in ("crisps", "cereal"):
                shop.till(TillEventType.ITEM_ADDED, "r-x", ago_s=4, sku=sku)
            shop.till(TillEventType.ITEM_ADDED, "r-1", ago_s=3, **MILK)
            shop.until(lambda: shop.offers.counts["suggested"] >= 1)
            shop.until(lambda: any("offer" in event["type"] for event in shop.events()))
            told = [
                event for event in shop.events() if "offer" in event["type"] and event["subject"] == "r-1"
            ]
        assert [(one["type"], one["data"]) for one in told] == [
            (
                "checkout.offer.suggested.v1",
                {"lane": "lane-1", "receipt": "r-1", "items": ["cereal", "crisps"], "band": "18_24"},
            )
        ]

    def test_they_are_off_unless_somebody_turns_them_on(self, tmp_path):
        with self.shop(tmp_path, enabled=False) as shop:
            shop.customer()
            shop.sale("r-1", MILK)
            shop.until(lambda: shop.desk.counts["SaleEnded"] == 1)
            assert not [event for event in shop.events() if "offer" in event["type"]]
