"""Marketing's report: a pretended store's truth comes back, in numbers, on the page and in its files."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edge.cli import main
from export.events.report.words import WORDS
from tests.export.events.pretended import exported, reported, said_to_nobody, simulated


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Ten days of four lanes, exported, and the truth."""
    folder = tmp_path_factory.mktemp("store")
    truth = simulated(folder / "state", "--days", "10", "--lanes", "4", "--seed", "3")
    return exported(folder / "state", folder / "files"), truth


@pytest.fixture(scope="module")
def report(
    store: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("report")
    return folder, reported(store[0], folder)


def test_the_planted_truth_lies_within_the_intervals(
    store: tuple[Path, dict[str, Any]], report: tuple[Path, dict[str, Any]]
) -> None:
    truth, told = store[1], report[1]
    for row in told["age_mix"]:
        assert row["ci95"][0] <= truth["age_mix"][row["band"]] <= row["ci95"][1], row
    found = {(row["band"], row["sku"]): row["ci95"] for row in told["lifts"]}
    planted = [
        (row, found[row["band"], row["sku"]]) for row in truth["lifts"] if (row["band"], row["sku"]) in found
    ]
    assert len(planted) > 200
    inside = [ends[0] <= row["lift"] <= ends[1] for row, ends in planted]
    assert sum(inside) >= 0.9 * len(inside)


def test_the_proof_over_many_stores_finds_what_the_commands_find(
    store: tuple[Path, dict[str, Any]], report: tuple[Path, dict[str, Any]]
) -> None:
    """It leaves the files between out; the same store drawn, exported and reported gives the same counts."""
    from export.events.analysis.age_error import load_age_error, shipped_bundle
    from export.events.simulate.proof import prove

    proved = prove(load_age_error(shipped_bundle()), seed=3, preference=True, days=10, lanes=4)
    found = {(row["band"], row["sku"]): row["ci95"] for row in report[1]["lifts"]}
    planted = {(row["band"], row["sku"]): row["lift"] for row in store[1]["lifts"]}
    shown = planted.keys() & found.keys()
    assert (proved["lifts"], proved["planted"]) == (len(found), len(shown))
    assert proved["planted_inside"] == sum(found[at][0] <= planted[at] <= found[at][1] for at in shown)
    assert proved["excluding_1"] == sum(low > 1 or high < 1 for low, high in found.values())


def test_estimates_as_they_stand_stand_beside(report: tuple[Path, dict[str, Any]]) -> None:
    youngest = report[1]["age_mix"][0]
    assert youngest["uncorrected"] > 1.5 * youngest["share"]
    assert all("uncorrected" in row for row in report[1]["lifts"])


def test_the_page_carries_everything_in_itself_and_says_what_it_is_not_for(
    report: tuple[Path, dict[str, Any]],
) -> None:
    page = (report[0] / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http" not in page
    assert WORDS["en"]["use"] in page
    for key in WORDS["en"]:
        if key.endswith("_title"):
            assert f"<h2>{WORDS['en'][key]}</h2>" in page or f"<h3>{WORDS['en'][key]}</h3>" in page


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["en"].keys() == WORDS["ru"].keys()
    for key, text in WORDS["en"].items():
        assert {p.split("}")[0] for p in text.split("{")[1:]} == {
            p.split("}")[0] for p in WORDS["ru"][key].split("{")[1:]
        }


def test_every_table_stands_beside_the_page_as_csv(report: tuple[Path, dict[str, Any]]) -> None:
    folder, told = report
    files = {file.name for file in folder.glob("report.*.csv")}
    assert files == {f"report.{name}.csv" for name in told["tables"]}
    with (folder / "report.customers_by_hour.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["band"] for row in rows} == {*told["bands"], "all"}
    shown = sum(float(row["value"]) for row in rows if row["band"] == "all" and row["value"])
    assert shown == told["known"]


def test_a_short_report_hides_what_few_baskets_say(
    store: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """One day of one hour's trade has hours and products with fewer than ten baskets of a band."""
    told = reported(store[0], tmp_path, "--since", "2026-01-05", "--until", "2026-01-05")
    hours = told["tables"]["customers_by_hour"]
    assert any(row["value"] is None for row in hours if row["band"] != "all")
    assert all(row[name] is None or row[name] >= 10 for row in hours for name in ("value", "uncorrected"))
    assert all(row["baskets"] >= 10 for row in told["lifts"])


def test_a_small_shop_is_told_no_number_of_fewer_than_ten_baskets_and_none_to_work_it_out_from(
    tmp_path: Path,
) -> None:
    """A hundred baskets: five of minors, six of unknown customers, some hours and weeks with a handful."""
    simulated(tmp_path / "state", "--days", "2", "--lanes", "1", "--customers", "60", "--start", "2026-01-11")
    told = reported(exported(tmp_path / "state", tmp_path / "files"), tmp_path)
    shares = [row["share"] for row in told["age_mix"]]
    assert shares.count(None) > 1, "one hidden share is what the others leave of 1"
    assert all(row["uncorrected"] is None for row in told["age_mix"] if row["share"] is None)
    for name in ("lines_a_basket", "spend_a_basket"):
        assert [row["value"] is None for row in told["tables"][name]] == [share is None for share in shares]
    assert 100 < told["baskets"] < 130
    assert (told["known"], told["unknown"]) == (None, None)
    counts = {
        name: [row[column] for row in told["tables"][name] for column in columns]
        for name, columns in (
            ("customers_by_hour", ("value", "uncorrected")),
            ("unknown_by_hour", ("baskets", "unknown")),
            ("unknown_by_lane_group", ("baskets", "unknown", "marked")),
            ("weeks", ("baskets", "marked")),
        )
    }
    for name, numbers in counts.items():
        assert all(number is None or number == 0 or number >= 10 for number in numbers), name
    assert None in counts["customers_by_hour"]
    assert None in counts["unknown_by_hour"]
    for name, rows in told["tables"].items():
        with (tmp_path / f"report.{name}.csv").open(encoding="utf-8", newline="") as stream:
            assert [
                {key: "" if value is None else str(value) for key, value in row.items()} for row in rows
            ] == list(csv.DictReader(stream))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>·</b>" in page  # the share of those with an age would tell how many have none


def test_days_of_blind_lanes_are_left_out_and_break_the_series(
    store: tuple[Path, dict[str, Any]], report: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    files = tmp_path / "files"
    shutil.copytree(store[0], files)
    for file in sorted((files / "coverage").glob("store=*/date=2026-01-1[234]/*.parquet")):
        table = pq.read_table(file, partitioning=None)
        none = pa.array([0] * len(table), table.schema.field("seen").type)
        pq.write_table(
            table.set_column(table.column_names.index("seen"), table.schema.field("seen"), none), file
        )
    told = reported(files, tmp_path)
    weeks = told["tables"]["weeks"]
    assert told["marked"] == sum(week["marked"] for week in weeks) > 0
    assert weeks[1]["breaks"].split() == ["part", "blind"]
    assert weeks[1]["baskets_change"] is None
    assert told["known"] == report[1]["known"]


def test_another_models_baskets_without_a_measured_error_are_counted_out(
    store: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "files"
    shutil.copytree(store[0], files)
    renamed(files, "date=2026-01-14")
    told = reported(files, tmp_path)
    assert told["models_unmeasured"] == ["other/9+00000000"]
    assert "nobody measured its error" in capsys.readouterr().err
    assert "model" in told["tables"]["weeks"][1]["breaks"].split()
    renamed(files, "date=*")
    assert main(["report", str(files), "--out", str(tmp_path / "r.html")]) == 2
    assert "measure-error" in capsys.readouterr().err


def renamed(files: Path, days: str) -> None:
    """Let another model have made these days' estimates."""
    for file in files.glob(f"store=*/{days}/part-*.parquet"):
        table = pq.read_table(file, partitioning=None)
        names = pa.array(["other/9+00000000"] * len(table), pa.string())
        pq.write_table(
            table.set_column(table.column_names.index("model"), table.schema.field("model"), names), file
        )


def one_day(store: tuple[Path, dict[str, Any]], tmp_path: Path) -> tuple[Path, Path]:
    """A copy of one day's partition, and its file."""
    source = next(store[0].glob("store=*/date=2026-01-05"))
    target = tmp_path / "files" / source.parent.name / source.name
    shutil.copytree(source, target)
    (tmp_path / "files" / "_SUCCESS").touch()
    return tmp_path / "files", next(target.glob("part-*.parquet"))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-40]), "no readable Parquet file"),
        (lambda file: file.write_bytes(b""), "no readable Parquet file"),
        (lambda file: (file.parents[2] / "_SUCCESS").unlink(), "did not finish"),
        (lambda file: file.unlink(), "folders with part-"),
        (
            lambda file: pq.write_table(
                pq.read_table(file, partitioning=None).drop_columns(["quality"]), file
            ),
            "older export",
        ),
        (
            lambda file: pq.write_table(
                (table := pq.read_table(file, partitioning=None)).set_column(
                    0, table.schema.field(0), pa.array([0] * len(table), pa.int32())
                ),
                file,
            ),
            "schema version 0",
        ),
    ],
    ids=["cut off", "empty", "unfinished", "no file", "column missing", "older version"],
)
def test_bad_files_end_with_a_reason_and_leave_no_report(
    store: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Any,
    told: str,
) -> None:
    files, file = one_day(store, tmp_path)
    damage(file)
    assert main(["report", str(files), "--out", str(tmp_path / "out" / "r.html")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_day_that_is_just_being_written_is_left_out(
    store: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(store[0], tmp_path / "files")
    next((tmp_path / "files").glob("store=*/date=2026-01-06/_SUCCESS")).unlink()
    reported(tmp_path / "files", tmp_path)
    assert "1 days left out" in capsys.readouterr().err
    assert WORDS["en"]["unfinished"].format(n=1) in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_damaged_page_within_a_file_is_told_too(
    store: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, file = one_day(store, tmp_path)
    data = bytearray(file.read_bytes())
    data[200:4000] = bytes(3800)
    file.write_bytes(bytes(data))
    assert main(["report", str(files), "--out", str(tmp_path / "out" / "r.html")]) == 2
    assert "checkout-age report: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_store_that_may_not_be_looked_into_is_told_and_never_left_out(tmp_path: Path) -> None:
    """`Path.glob` passes over it in silence: the report would be of the other stores, and nobody would know."""
    from export.events.analysis.reading import find_export

    files = tmp_path / "files"
    for store in ("a", "b"):
        day = files / f"store={store}" / "date=2026-01-05"
        day.mkdir(parents=True)
        (day / "_SUCCESS").touch()
    (files / "_SUCCESS").touch()
    (files / "store=b").chmod(0)
    said = said_to_nobody(lambda: find_export(files), files)
    (files / "store=b").chmod(0o700)
    assert said.startswith("PermissionError")
    assert "store=b" in said


def test_an_empty_range_is_told(
    store: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(store[0]), "--out", str(tmp_path / "r.html"), "--since", "2030-01-01"]) == 2
    assert "no day from 2030-01-01" in capsys.readouterr().err


def test_no_half_page_is_left_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from export.events.report.files import write_whole

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "report.html", "x" * 100)
    assert list(tmp_path.iterdir()) == []


def test_the_simulated_store_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first = simulated(tmp_path / "a", "--days", "1", "--lanes", "1", "--seed", "5")
    again = simulated(tmp_path / "b", "--days", "1", "--lanes", "1", "--seed", "5")
    other = simulated(tmp_path / "c", "--days", "1", "--lanes", "1", "--seed", "6", "--no-preference")
    assert first == again
    assert other["lifts"] == []
    assert {"bands", "age_mix", "lifts", "seed"} <= first.keys()
    assert json.loads((tmp_path / "c" / "truth.json").read_text())["seed"] == 6


def test_two_baskets_of_a_day_whose_ids_begin_alike_are_both_kept(tmp_path: Path) -> None:
    """Ten million lines have 53,000 baskets a day: one store in twenty-five met this, and was refused by SQLite."""
    import sqlite3
    from contextlib import closing
    from dataclasses import replace

    import numpy as np

    from edge.events.sales_schema import DEFAULT_BANDS, open_sales
    from export.events.analysis.age_error import load_age_error, shipped_bundle
    from export.events.analysis.bands import bands_of_pairs
    from export.events.simulate.goods import make_goods
    from export.events.simulate.state import write_day
    from export.events.simulate.trade import draw_day

    chance = np.random.default_rng(1)
    goods = make_goods(len(DEFAULT_BANDS), chance, preference=True)
    error = load_age_error(shipped_bundle())
    drawn = draw_day(goods, bands_of_pairs(DEFAULT_BANDS), error, customers=60, lanes=1, chance=chance)
    alike = replace(drawn, ids=tuple(f"{n % 3:010x}{n:022x}" for n in range(len(drawn))))
    with closing(open_sales(tmp_path / "sales.db", store="s")) as connection:
        write_day(connection, goods, alike, on=date(2026, 1, 5), groups=["lanes"], model="m", currency="EUR")
    with closing(sqlite3.connect(tmp_path / "sales.db")) as connection:
        kept = connection.execute(
            "SELECT b.basket, count(*), sum(l.price_cents) FROM basket b JOIN basket_line l"
            " ON l.basket_number = b.number GROUP BY b.number ORDER BY b.number"
        ).fetchall()
    own = {
        alike.ids[n]: (
            int((alike.line_basket == n).sum()),
            int(_cents(goods, alike)[alike.line_basket == n].sum()),
        )
        for n in range(len(alike))
    }
    assert {basket: tuple(rest) for basket, *rest in kept} == own
    assert [basket for basket, *_ in kept] == sorted(own, key=lambda basket: basket[:10] + basket[-4:])


def _cents(goods: Any, day: Any) -> Any:
    return goods.prices_cents[day.line_product] * day.line_pieces


def test_a_simulation_touches_no_stores_own_sales(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulated(tmp_path, "--days", "1", "--lanes", "1")
    before = (tmp_path / "sales.db").read_bytes()
    assert main(["simulate-store", "--out", str(tmp_path)]) == 2
    assert "name a new folder" in capsys.readouterr().err
    assert (tmp_path / "sales.db").read_bytes() == before


def test_simulated_days_follow_each_other(store: tuple[Path, dict[str, Any]]) -> None:
    days = sorted(date.fromisoformat(folder.name[5:]) for folder in store[0].glob("store=*/date=*"))
    assert [(day - days[0]).days for day in days] == list(range(10))
