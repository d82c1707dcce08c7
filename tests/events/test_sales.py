"""Marketing's store: rounding that lies about nobody on average, a key that is never replaced, days that end."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.events import StoreTooNew
from edge.events.sales_basket import in_steps
from edge.events.sales_key import KEY_FILE, SalesKey, SalesKeyError, read_sales_key
from edge.events.sales_schema import SalesMismatch, check_bands, open_sales
from edge.events.sales_store import forget_basket, forget_basket_of_day, local_hour
from tests.events.sales_facts import MONDAY, NOBODY, a_basket, a_line, a_store

KEY = SalesKey(bytes(range(32)))


def _rows(folder: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(folder / "sales.db")) as connection:
        return connection.execute(query).fetchall()


class TestRounding:
    @settings(deadline=None)
    @given(
        st.lists(st.floats(0, 1), min_size=1, max_size=12).filter(lambda all_: sum(all_) > 1e-3),
        st.floats(0, 1, exclude_max=True),
    )
    def test_any_shares_become_twentieths_that_sum_to_one_and_lie_within_a_twentieth(self, weights, chance):
        shares = [one / sum(weights) for one in weights]
        steps = in_steps(shares, chance)
        assert sum(steps) == 20
        assert all(
            step >= 0 and abs(step - 20 * share) < 1 + 1e-6 for step, share in zip(steps, shares, strict=True)
        )

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(lambda all_: sum(all_) > 0))
    def test_every_band_is_right_on_average_over_all_chances(self, weights):
        shares = [one / sum(weights) for one in weights]
        grid = [(place + 0.5) / 200 for place in range(200)]
        for band, share in enumerate(shares):
            mean = sum(in_steps(shares, chance)[band] for chance in grid) / 200 / 20
            assert mean == pytest.approx(share, abs=2 / 200 / 20)

    def test_over_100_000_baskets_every_band_keeps_its_count_within_1_percent(self):
        """Rare bands too: one customer in a hundred is a minor, and few estimates say so plainly."""
        chance = random.Random(1)
        people = []
        for near, times in enumerate((2, 12, 25, 25, 20, 11, 5)):
            for _ in range(times):
                weights = [0.6 * 0.25 ** abs(band - near) * chance.uniform(0.5, 1.5) for band in range(7)]
                people.append([one / sum(weights) for one in weights])
        true, kept = [0.0] * 7, [0] * 7
        for number in range(100_000):
            shares = people[number % 100]
            steps = in_steps(shares, KEY.chance(f"{number:032x}"))
            for band in range(7):
                true[band] += shares[band]
                kept[band] += steps[band]
        assert min(true) > 1000
        assert [steps / 20 / share for steps, share in zip(kept, true, strict=True)] == pytest.approx(
            [1.0] * 7, abs=0.01
        )

    @pytest.mark.parametrize("shares", [(), (0.5, 0.4), (-0.1, 1.1), (float("nan"), 1.0)])
    def test_what_are_no_shares_is_refused(self, shares):
        with pytest.raises(ValueError, match="sum to 1"):
            in_steps(shares, 0.5)


class TestKey:
    def test_it_is_made_once_and_only_ours_to_read(self, tmp_path):
        store = a_store(tmp_path)
        made = store.key.key_id
        store.close()
        assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
        again = a_store(tmp_path)
        again.close()
        assert again.key.key_id == made
        assert (tmp_path / KEY_FILE).read_text().strip() not in repr(again.key)

    def test_one_that_is_gone_is_never_replaced_in_silence(self, tmp_path):
        a_store(tmp_path).close()
        (tmp_path / KEY_FILE).unlink()
        with pytest.raises(SalesKeyError, match="put the key back from the backup"):
            a_store(tmp_path)
        assert not (tmp_path / KEY_FILE).exists()

    def test_another_one_is_refused(self, tmp_path):
        a_store(tmp_path).close()
        (tmp_path / KEY_FILE).write_text("ab" * 32)
        with pytest.raises(SalesMismatch, match="another key"):
            a_store(tmp_path)

    @pytest.mark.parametrize(
        ("mode", "text", "said"), [(0o644, "ab" * 32, "chmod 600"), (0o600, "ab", "no key")]
    )
    def test_one_that_others_may_read_or_that_is_none_is_refused(self, tmp_path, mode, text, said):
        (tmp_path / KEY_FILE).write_text(text)
        os.chmod(tmp_path / KEY_FILE, mode)
        with pytest.raises(SalesKeyError, match=said):
            read_sales_key(tmp_path)

    def test_ids_differ_by_every_part_and_by_key(self):
        sale = {"store": "s", "lane": "l", "receipt": "r-1", "day": "2026-01-05", "hour": 10}
        changed = [sale | {name: 11 if name == "hour" else "x"} for name in sale]
        ids = {KEY.basket(**one) for one in [sale, *changed]} | {SalesKey(bytes(32)).basket(**sale)}
        assert len(ids) == 7
        assert KEY.basket(**sale) == KEY.basket(**sale)


class TestStore:
    def test_a_basket_is_kept_once_with_its_lines_and_its_coverage(self, tmp_path):
        store = a_store(tmp_path)
        unknown = a_basket(2, steps=NOBODY, unknown_steps=20, quality="none")
        kept = [store.keep(one).result() for one in (a_basket(1), a_basket(1), unknown)]
        store.add_blind_seconds(day=MONDAY, lane_group="lanes", model="m/1", seconds=90).result()
        store.close()
        assert kept == [True, False, True]
        assert _rows(tmp_path, "SELECT * FROM coverage") == [("2026-01-05", "lanes", "m/1", 2, 1, 1, 90)]
        assert (
            _rows(tmp_path, "SELECT line, sku, quantity_milli, price_cents FROM basket_line")
            == [(1, "milk", 1000, 129)] * 2
        )

    def test_the_order_of_sales_cannot_be_read_off_the_file(self, tmp_path):
        """Numbers follow the basket's id within a day: laid beside security's receipts, order would tell who is who."""
        store = a_store(tmp_path)
        sold = [KEY.basket(store="s", lane="l", receipt=str(n), day="d", hour=1) for n in range(60)]
        for one in sold:
            store.keep(a_basket(1, basket=one)).result()
        store.close()
        by_number = [basket for (basket,) in _rows(tmp_path, "SELECT basket FROM basket ORDER BY number")]
        assert by_number == sorted(sold) != sold

    def test_days_whose_time_is_over_go_and_the_file_says_so(self, tmp_path):
        store = a_store(tmp_path)
        for number in range(450):
            store.keep(a_basket(number + 1, day=date(2024, 1, 1) if number < 430 else MONDAY)).result()
        assert store.purge(before=date(2024, 1, 1)) == 0
        assert store.purge(before=MONDAY) == 430
        store.close()
        assert _rows(tmp_path, "SELECT day, count(*) FROM basket GROUP BY day") == [("2026-01-05", 20)]
        assert _rows(tmp_path, "SELECT count(*) FROM basket_line") == [(20,)]
        assert _rows(tmp_path, "SELECT day FROM coverage") == [("2026-01-05",)]
        assert _rows(tmp_path, "SELECT value FROM meta WHERE key = 'purged_before'") == [("2026-01-05",)]

    @pytest.mark.parametrize(
        "other", [{"store": "shop-2"}, {"bands": ((0, 17), (18, 100))}], ids=["store", "bands"]
    )
    def test_another_shops_file_or_other_bands_are_refused_and_nothing_moves(self, tmp_path, other):
        store = a_store(tmp_path)
        store.keep(a_basket(1)).result()
        store.close()
        with pytest.raises(SalesMismatch, match="move sales"):
            a_store(tmp_path, **other)
        assert _rows(tmp_path, "SELECT count(*) FROM basket") == [(1,)]

    def test_a_newer_versions_file_is_left_alone(self, tmp_path):
        open_sales(tmp_path / "sales.db", store="s").close()
        with closing(sqlite3.connect(tmp_path / "sales.db")) as connection, connection:
            connection.execute("INSERT INTO schema_steps VALUES (9, 'of tomorrow', 9)")
        with pytest.raises(StoreTooNew, match="newer version"):
            open_sales(tmp_path / "sales.db", store="s")

    def test_a_share_that_is_missing_is_refused_by_the_file_itself(self, tmp_path):
        with (
            closing(open_sales(tmp_path / "sales.db", store="s")) as connection,
            pytest.raises(sqlite3.IntegrityError),
        ):
            connection.execute(
                "INSERT INTO basket (number, basket, lane_group, day, hour, weekday, p0, p_unknown, party_size,"
                " quality, model) VALUES (1, 'b', 'l', 'd', 1, 1, 3, 16, 1, 'good', 'm')"
            )

    @pytest.mark.parametrize(
        ("bands", "said"),
        [
            (((0, 12), (13, 100)), "never split"),
            (((0, 17), (19, 100)), "without a gap"),
            (((0, 17), (18, 99)), "ends at 100"),
            ((), "1 to 12"),
        ],
    )
    def test_bands_that_split_minors_or_leave_ages_out_are_refused(self, bands, said):
        with pytest.raises(ValueError, match=said):
            check_bands(bands)


class TestHours:
    """Berlin puts its clocks forward on 29 March 2026 and back on 25 October, both at 01:00 UTC."""

    @pytest.mark.parametrize(
        ("utc", "told"),
        [
            ("2026-03-29T00:59", (date(2026, 3, 29), 1)),
            ("2026-03-29T01:00", (date(2026, 3, 29), 3)),
            ("2026-10-25T00:30", (date(2026, 10, 25), 2)),
            ("2026-10-25T01:30", (date(2026, 10, 25), 2)),
            ("2026-10-25T02:00", (date(2026, 10, 25), 3)),
            ("2026-07-01T22:00", (date(2026, 7, 2), 0)),
            ("2026-12-31T23:00", (date(2027, 1, 1), 0)),
        ],
    )
    def test_a_sale_belongs_to_the_stores_own_day_and_hour(self, utc, told):
        at_ns = int(datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()) * 10**9
        assert local_hour(at_ns, ZoneInfo("Europe/Berlin")) == told


class TestForget:
    def test_a_basket_goes_by_its_receipt_and_nothing_of_it_stays_in_the_file(self, tmp_path):
        store = a_store(tmp_path)
        at_ns = int(datetime(2026, 1, 5, 9, 40, tzinfo=UTC).timestamp()) * 10**9  # 10:40 in Berlin
        gone, stays = (
            store.key.basket(store="shop-1", lane="lane-1", receipt=receipt, day="2026-01-05", hour=10)
            for receipt in ("r-1", "r-2")
        )
        for basket in (gone, stays):
            line = a_line(f"article-of-{basket[:6]}")
            store.keep(a_basket(1, basket=basket, lines=(line, line))).result()

        done = forget_basket(tmp_path, lane="lane-1", receipt="r-1", from_ns=at_ns - 10**11, to_ns=at_ns)

        assert (done.baskets, done.days, done.lines) == ((gone,), (MONDAY,), 2)
        assert forget_basket_of_day(tmp_path, lane="lane-1", receipt="r-1", day=MONDAY).baskets == ()
        assert _rows(tmp_path, "SELECT receipts, seen, unknown FROM coverage") == [(1, 1, 0)]
        raw = b"".join(path.read_bytes() for path in tmp_path.glob("sales.db*"))  # while the daemon runs on
        store.close()
        assert stays.encode() in raw
        assert gone.encode() not in raw
        assert f"article-of-{gone[:6]}".encode() not in raw

    def test_the_date_on_the_receipt_is_enough(self, tmp_path):
        store = a_store(tmp_path)
        basket = store.key.basket(store="shop-1", lane="lane-1", receipt="r", day="2026-01-05", hour=23)
        store.keep(a_basket(1, basket=basket, hour=23)).result()
        store.close()
        assert forget_basket_of_day(tmp_path, lane="lane-2", receipt="r", day=MONDAY).baskets == ()
        assert forget_basket_of_day(tmp_path, lane="lane-1", receipt="r", day=MONDAY).baskets == (basket,)

    def test_without_the_key_nobody_can_find_it(self, tmp_path):
        a_store(tmp_path).close()
        (tmp_path / KEY_FILE).unlink()
        with pytest.raises(SalesKeyError, match="no basket can be found"):
            forget_basket_of_day(tmp_path, lane="lane-1", receipt="r", day=MONDAY)
        assert forget_basket_of_day(tmp_path / "elsewhere", lane="l", receipt="r", day=MONDAY).baskets == ()
