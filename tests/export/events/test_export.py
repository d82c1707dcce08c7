"""Marketing's files: pinned columns, the same bytes again, whole or not at all, and clear words for bad input."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from export.events import export as export_module
from export.events.cli import export as command
from export.events.errors import ExportError
from export.events.export import export_events
from export.events.forget import forget_in_export
from tests.conftest import Measured
from tests.events.sales_facts import MONDAY, NOBODY, a_basket, a_line, a_store
from tests.export.events.pretended import said_to_nobody

TUESDAY = MONDAY + timedelta(days=1)
PINNED = {
    "schema_version": "int32",
    "lane_group": "string",
    "hour": "int8",
    "weekday": "int8",
    "basket": "string",
    "line": "int32",
    "sku": "string",
    "name": "string",
    "category": "string",
    "quantity": "decimal128(12, 3)",
    "price": "decimal128(12, 2)",
    "currency": "string",
    **{f"p_{band}": "float" for band in ["0_17", "18_24", "25_34", "35_44", "45_54", "55_64", "65_100"]},
    "p_unknown": "float",
    "party_size": "int8",
    "quality": "string",
    "model": "string",
}


def fill(state: Path, *baskets) -> Path:
    """A state folder with these baskets."""
    store = a_store(state)
    for basket in baskets:
        store.keep(basket).result()
    store.close()
    return state


@pytest.fixture
def shop(tmp_path) -> Path:
    """Two days: on Monday a known and an unknown customer, on Tuesday a refund and goods without a price."""
    return fill(
        tmp_path / "state",
        a_basket(1, hour=17, lines=(a_line("milk", quantity_milli=345, price_cents=45), a_line("bread"))),
        a_basket(2, hour=9, steps=NOBODY, unknown_steps=20, quality="none", party_size=0),
        a_basket(3, day=TUESDAY, lines=(a_line("bottle", price_cents=-25), a_line("bag", price_cents=None))),
    )


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def part(root: Path, day: date = MONDAY, kind: str = "parquet") -> Path:
    return root / "store=shop-1" / f"date={day}" / f"part-00000.{kind}"


class TestFiles:
    def test_columns_types_and_values_are_as_pinned(self, shop, tmp_path):
        export_events(shop, tmp_path / "out")
        table = pq.read_table(part(tmp_path / "out"), partitioning=None)
        assert {field.name: str(field.type) for field in table.schema} == PINNED
        assert list(table.schema.names) == list(PINNED)
        rows = table.to_pylist()
        assert [(row["hour"], row["basket"][-2:], row["line"], row["sku"]) for row in rows] == [
            (9, "de", 1, "milk"),
            (17, "ef", 1, "milk"),
            (17, "ef", 2, "bread"),
        ]
        assert (rows[1]["quantity"], rows[1]["price"], rows[1]["currency"]) == (
            Decimal("0.345"),
            Decimal("0.45"),
            "EUR",
        )
        assert (rows[0]["p_unknown"], rows[0]["quality"], rows[0]["party_size"]) == (1.0, "none", 0)
        assert (rows[1]["p_18_24"], rows[1]["p_25_34"], rows[1]["weekday"]) == (0.75, 0.25, 0)
        for row in rows:
            assert sum(value for name, value in row.items() if name.startswith("p_")) == pytest.approx(
                1, abs=1e-6
            )
        [refund, unpriced] = pq.read_table(part(tmp_path / "out", TUESDAY), partitioning=None).to_pylist()
        assert (refund["price"], unpriced["price"]) == (Decimal("-0.25"), None)

    def test_success_stands_in_every_partition_and_at_last_in_the_folder(self, shop, tmp_path):
        export_events(shop, tmp_path / "out")
        for folder in ("", "store=shop-1/date=2026-01-05", "coverage/store=shop-1/date=2026-01-06"):
            assert (tmp_path / "out" / folder / "_SUCCESS").is_file(), folder
        [row] = pq.read_table(
            tmp_path / "out/coverage/store=shop-1/date=2026-01-05/part-00000.parquet", partitioning=None
        ).to_pylist()
        told = {
            "lane_group": "lanes",
            "receipts": 2,
            "seen": 1,
            "unknown": 1,
            "minutes_blind": 0.0,
            "model": "m/1",
        }
        assert row == {"schema_version": 1, **told}

    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def test_text_formats_say_the_same(self, shop, tmp_path, kind):
        export_events(shop, tmp_path / "out", kind=kind)
        export_events(shop, tmp_path / "parquet")
        text = part(tmp_path / "out", kind=kind)
        reader = "read_csv(?, header = true, all_varchar = true)" if kind == "csv" else "read_json(?)"
        columns = (
            "basket, line, hour, quantity::DECIMAL(12,3), price::DECIMAL(12,2), round(p_18_24::DOUBLE, 2)"
        )
        with duckdb.connect() as db:
            said = db.execute(f"SELECT {columns} FROM {reader}", [str(text)]).fetchall()  # noqa: S608
            query = f"SELECT {columns} FROM read_parquet(?)"  # noqa: S608
            true = db.execute(query, [str(part(tmp_path / "parquet"))]).fetchall()
        assert [(str(row[0]), int(row[1]), int(row[2]), *row[3:]) for row in said] == true
        assert "0.75" in text.read_text()

    def test_duckdb_reads_store_and_date_from_the_folders(self, shop, tmp_path):
        export_events(shop, tmp_path / "out")
        rows = duckdb.sql(
            f"SELECT store, date::VARCHAR, count(*) FROM read_parquet('{tmp_path}/out/store=*/date=*/part-*.parquet',"  # noqa: S608
            " hive_partitioning = true) GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        assert rows == [("shop-1", "2026-01-05", 3), ("shop-1", "2026-01-06", 2)]

    def test_the_manuals_queries_work_as_they_stand(self, shop, tmp_path, monkeypatch):
        export_events(shop, tmp_path / "out")
        monkeypatch.chdir(tmp_path / "out")
        manual = (Path(__file__).resolve().parents[3] / "docs" / "marketing.md").read_text(encoding="utf-8")
        queries = manual.partition("```sql\n")[2].partition("```")[0].split(";")
        by_hour, by_weekday, seen = (duckdb.sql(query).fetchall() for query in queries if query.strip())
        assert by_hour == [(9, 0.0, 0.0), (10, 0.75, 0.0), (17, 0.75, 0.0)]
        assert by_weekday == [(0, 2, 1.52), (1, 1, -0.25)]
        assert [row[2:] for row in seen] == [(2, 0.5, 0.0), (1, 1.0, 0.0)]


class TestAgain:
    def test_a_repeated_export_leaves_every_file_as_it_is(self, shop, tmp_path):
        out = tmp_path / "out"
        assert export_events(shop, out).written == 2
        before, times = digests(out), {path: path.stat().st_mtime_ns for path in out.rglob("part-*")}
        again = export_events(shop, out)
        assert (again.written, again.unchanged, again.rows) == (0, 2, 0)
        assert digests(out) == before
        assert {path: path.stat().st_mtime_ns for path in out.rglob("part-*")} == times
        export_events(shop, tmp_path / "other")
        assert digests(tmp_path / "other") == before

    def test_only_days_that_changed_are_written_also_when_the_clock_went_back(self, shop, tmp_path):
        out = tmp_path / "out"
        export_events(shop, out)
        before = digests(out)
        fill(shop, a_basket(4, day=MONDAY - timedelta(days=400)), a_basket(5, day=TUESDAY))
        done = export_events(shop, out)
        assert (done.written, done.unchanged) == (2, 1)
        after = digests(out)
        changed = {name for name in after if before.get(name) != after[name] and "part" in name}
        assert {name.split("date=")[1][:10] for name in changed} == {"2024-12-01", "2026-01-06"}

    def test_a_range_of_days_is_its_own_export(self, shop, tmp_path):
        out = tmp_path / "out"
        assert export_events(shop, out, since=TUESDAY, until=TUESDAY).written == 1
        assert not part(out).exists()
        assert export_events(shop, out).written == 1
        assert digests(out).keys() >= {"_SUCCESS", "store=shop-1/date=2026-01-05/part-00000.parquet"}

    def test_a_file_that_somebody_deleted_or_cut_comes_back(self, shop, tmp_path):
        out = tmp_path / "out"
        export_events(shop, out)
        before = digests(out)
        part(out).unlink()
        part(out, TUESDAY).write_bytes(b"PAR1")
        assert export_events(shop, out).written == 2
        assert digests(out) == before
        part(out / "coverage").unlink()  # without it nobody knows that the lanes were blind
        part(out / "coverage", TUESDAY).write_bytes(b"PAR1")
        assert export_events(shop, out).written == 2
        assert digests(out) == before

    def test_days_that_retention_deleted_go_and_days_that_are_merely_unknown_stay(self, shop, tmp_path):
        out = tmp_path / "out"
        export_events(shop, out)
        store = a_store(shop)
        store.purge(before=TUESDAY)
        store.close()
        assert export_events(shop, out).removed == 1
        assert not part(out).exists()
        for name in ("sales.db", "sales.key"):
            (shop / name).unlink()
        fill(shop, a_basket(9, day=TUESDAY + timedelta(days=1)))
        export_events(shop, out)
        assert part(out, TUESDAY).exists()


class TestKilled:
    def test_a_killed_export_leaves_no_half_file_and_the_next_one_goes_on(
        self, shop, tmp_path, measured: Measured
    ):
        """Killed at every step in turn: after the file was begun, before it was moved, before `_SUCCESS`."""
        reference = tmp_path / "reference"
        export_events(shop, reference)
        whole = digests(reference)
        told = subprocess.run(
            [sys.executable, "-c", _KILLED, str(shop), str(tmp_path / "out")],
            check=True, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        codes = json.loads(told.stdout)
        assert codes == [-signal.SIGKILL] * 10 + [0]
        read = 0
        for step in range(10):
            out = tmp_path / f"out-{step}"
            for path in out.rglob("part-*.parquet"):
                read += 1
                assert sha256(path.read_bytes()).hexdigest() == whole[str(path.relative_to(out))]
            for success in out.rglob("_SUCCESS"):
                assert list(success.parent.glob("part-*")), success
        assert digests(tmp_path / "out-10") == whole
        export_events(shop, tmp_path / "out-3")
        assert digests(tmp_path / "out-3") == whole
        assert not list((tmp_path / "out-3").rglob(".*unfinished"))
        measured(
            "export breaks off",
            f"10 kills: {read} files there, each whole; the next run wrote all {len(whole)}",
        )

    def test_a_full_disk_leaves_what_was_there_and_says_so(self, tmp_path, measured: Measured):
        state = fill(tmp_path / "state", a_basket(1))
        out = tmp_path / "out"
        export_events(state, out)
        before = part(out).read_bytes()
        lines = [tuple(a_line(sha256(f"{n}-{k}".encode()).hexdigest()) for k in range(20)) for n in range(60)]
        fill(state, *(a_basket(n + 2, lines=lines[n]) for n in range(60)))
        done = subprocess.run(
            [sys.executable, "-c", _LIMITED, str(state), str(out)],
            check=False, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "no room for the next file" in done.stderr
        assert part(out).read_bytes() == before
        assert not (out / "_SUCCESS").exists()
        assert not list(out.rglob(".*unfinished"))
        again = export_events(state, out).written
        assert again == 1
        measured(
            "export breaks off",
            f"disk full: code {done.returncode}, the old file as it was, {again} written next",
        )


_KILLED = """
import json, os, signal, sys
from pathlib import Path
from export.events import export, partition
replace = os.replace

def killed_before(left):
    def act(source, target):
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        replace(source, target)
    return act

codes = []
for step in range(11):
    pid = os.fork()
    if pid == 0:
        partition.os.replace = killed_before(step)
        export.export_events(Path(sys.argv[1]), Path(f"{sys.argv[2]}-{step}"))
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(json.dumps(codes))
"""

_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from export.events.cli import export as command
import argparse, export.events.export, export.events.partition, export.events.rows
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (33000, 33000))  # SQLite's own index of the WAL fits
parser = argparse.ArgumentParser()
command.add_arguments(parser)
sys.exit(command.run(parser.parse_args(["--from", sys.argv[1], "--to", sys.argv[2]])))
"""


class TestBadInput:
    def said(self, state: Path, out: Path, **told) -> str:
        with pytest.raises(ExportError) as caught:
            export_events(state, out, **told)
        return str(caught.value)

    def test_a_damaged_page_is_told_and_nothing_half_is_written(self, tmp_path, measured: Measured):
        lines = tuple(a_line(f"article-{n}-" + "x" * 80) for n in range(30))
        state = fill(tmp_path / "state", *(a_basket(n, lines=lines) for n in range(1, 40)))
        path = state / "sales.db"
        raw = bytearray(path.read_bytes())
        for page in range(8, len(raw) // 4096 - 1):
            raw[page * 4096 : page * 4096 + 400] = b"\xff" * 400
        path.write_bytes(raw)
        assert "is damaged" in self.said(state, tmp_path / "out")
        written = list((tmp_path / "out").rglob("part-*"))
        assert not written
        measured("export breaks off", f"`sales.db` damaged: said so, {len(written)} files written")

    def test_shares_that_cannot_be_are_told_although_sqlite_sees_nothing(self, shop, tmp_path):
        with closing(sqlite3.connect(shop / "sales.db")) as connection, connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("UPDATE basket SET p1 = 14 WHERE p1 = 15 AND day = '2026-01-06'")
        assert "damaged at 2026-01-06" in self.said(shop, tmp_path / "out")
        assert part(tmp_path / "out").exists()
        assert not (tmp_path / "out" / "_SUCCESS").exists()

    def test_newer_and_older_stores_are_told_apart(self, shop, tmp_path):
        with closing(sqlite3.connect(shop / "sales.db")) as connection, connection:
            connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
        assert "newer version" in self.said(shop, tmp_path / "out")
        with closing(sqlite3.connect(shop / "sales.db")) as connection, connection:
            connection.execute("UPDATE meta SET value = '0' WHERE key = 'schema_version'")
        assert "older version" in self.said(shop, tmp_path / "out")
        assert not list((tmp_path / "out").glob("**/part-*"))

    @pytest.mark.parametrize(
        ("name", "value", "word"), [("schema_version", 2, "newer"), ("format", 0, "older")]
    )
    def test_files_of_another_version_are_not_mixed(self, shop, tmp_path, name, value, word):
        out = tmp_path / "out"
        export_events(shop, out)
        told = json.loads((out / "_export.json").read_text()) | {name: value}
        (out / "_export.json").write_text(json.dumps(told))
        assert f"{word} version" in self.said(shop, out)

    def test_formats_and_bands_are_not_mixed_in_one_folder(self, shop, tmp_path):
        out = tmp_path / "out"
        export_events(shop, out)
        assert "a folder of its own" in self.said(shop, out, kind="csv")
        (shop / "sales.db").unlink()
        (shop / "sales.key").unlink()
        a_store(shop, bands=((0, 17), (18, 100))).close()
        assert "other age bands" in self.said(shop, out)

    def test_what_is_no_store_says_what_to_do(self, tmp_path):
        assert "no such state folder" in self.said(tmp_path / "nowhere", tmp_path / "out")
        (tmp_path / "empty").mkdir()
        assert "ever closed a receipt" in self.said(tmp_path / "empty", tmp_path / "out")
        (tmp_path / "empty" / "sales.db").write_bytes(b"no database" * 1000)
        assert "damaged" in self.said(tmp_path / "empty", tmp_path / "out")

    def test_an_empty_range_is_told(self, shop, tmp_path, capsys):
        assert "an empty range" in self.said(shop, tmp_path / "out", since=TUESDAY, until=MONDAY)
        args = _parse("--from", shop, "--to", tmp_path / "out", "--since", "2030-01-01")
        assert command.run(args) == 0
        assert "no sales in these days" in capsys.readouterr().err

    def test_a_folder_that_is_not_ours_is_told(self, shop, tmp_path):
        out = tmp_path / "out"
        out.write_text("a file")
        assert str(out) in self.said(shop, out)
        locked = tmp_path / "locked"
        locked.mkdir()
        locked.chmod(0o555)
        for folder in (tmp_path, *tmp_path.parents[:3], shop):
            folder.chmod(folder.stat().st_mode | 0o055)
        if os.geteuid() == 0:  # root may write anywhere: ask as nobody
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    os.setgid(65534)
                    os.setuid(65534)
                    for path in (shop / "sales.db",):
                        assert not os.access(path, os.R_OK)
                    export_events(shop, locked)
                except ExportError as error:
                    code = 0 if "as the user of the service" in str(error) else 3
                finally:
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        else:
            assert "may not write" in self.said(shop, locked)

    def test_two_exports_never_write_one_folder(self, shop, tmp_path):
        from export.events.cursor import only_one

        (tmp_path / "out").mkdir()
        with only_one(tmp_path / "out"):
            assert "another export" in self.said(shop, tmp_path / "out")


class TestForget:
    def test_partitions_that_hold_a_basket_are_named_and_written_without_it(self, shop, tmp_path):
        out = tmp_path / "out"
        export_events(shop, out)
        before = digests(out)
        gone = a_basket(1).basket
        [done] = forget_in_export(out, [gone], days=[MONDAY])
        assert (str(done.partition), done.lines) == ("store=shop-1/date=2026-01-05", 2)
        left = pq.read_table(part(out), partitioning=None)
        assert {field.name: str(field.type) for field in left.schema} == PINNED
        assert left["basket"].to_pylist() == [a_basket(2).basket]
        assert gone.encode() not in part(out).read_bytes()
        assert (
            digests(out)["store=shop-1/date=2026-01-06/part-00000.parquet"]
            == before["store=shop-1/date=2026-01-06/part-00000.parquet"]
        )
        assert forget_in_export(out, [gone]) == ()

    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def test_text_files_keep_every_other_digit(self, shop, tmp_path, kind):
        out = tmp_path / "out"
        export_events(shop, out, kind=kind)
        before = part(out, kind=kind).read_text().splitlines()
        forget_in_export(out, [a_basket(1).basket])
        after = part(out, kind=kind).read_text().splitlines()
        assert after == [line for line in before if a_basket(1).basket not in line]

    def test_the_last_basket_of_a_day_takes_its_partition_along(self, shop, tmp_path):
        out = tmp_path / "out"
        export_events(shop, out)
        forget_in_export(out, [a_basket(3).basket])
        assert not part(out, TUESDAY).parent.exists()

    def test_what_may_not_be_looked_into_is_never_taken_for_empty(self, shop, tmp_path):
        """`Path.glob` passes over such a folder in silence, and the command would say: no file holds it."""
        out = tmp_path / "out"
        export_events(shop, out)
        out.chmod(0o777)
        (out / ".export.lock").chmod(0o666)
        (out / "store=shop-1").chmod(0)
        said = said_to_nobody(lambda: forget_in_export(out, [a_basket(1).basket]), out)
        (out / "store=shop-1").chmod(0o700)
        assert "nobody can say whether a basket is in it" in said
        assert "store=shop-1" in said

    def test_what_is_no_basket_is_refused(self, tmp_path):
        with pytest.raises(ExportError, match="32 hex digits"):
            forget_in_export(tmp_path, ["r-1"])


def test_the_benchmark_measures_an_export(tmp_path):
    from export.events import bench

    assert bench.fill(tmp_path / "sales.db", lines=700, days=3, seed=1) == 700
    done = export_module.export_events(tmp_path, tmp_path / "out")
    assert (done.written, done.rows) == (3, 700)


def _parse(*words: object):
    import argparse

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])
