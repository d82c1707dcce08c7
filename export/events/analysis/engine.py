"""Who does the sums: DuckDB on one machine, Spark for a chain. Both run the same expressions over the same files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from export.events.analysis.errors import AnalysisError, DamagedFile, EngineMissing
from export.events.analysis.reading import Export

__all__ = ["Engine", "EngineKind", "open_engine"]

EngineKind = Literal["duckdb", "spark"]
# Some two million lines.
_STRETCH_BYTES = 24_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`lines` and `coverage` (None where there are no such files) as Ibis tables, with text columns store and date."""

    kind: EngineKind
    lines: Any
    coverage: Any | None
    stretches: tuple[tuple[str, str], ...]
    kept: list[str] = field(default_factory=list)

    def fetch(self, expression: Any) -> Any:
        """Run an expression; the result as a `pyarrow.Table`. Raises DamagedFile for a page that cannot be read."""
        try:
            return expression.to_pyarrow()
        except MemoryError:
            raise
        except Exception as wrong:
            raise _told(wrong) from wrong

    def keep(self, expression: Any) -> Any:
        """Run an expression once and use its rows several times; the one kept before is gone then.

        Spark runs it again instead of filling memory.
        """
        if self.kind != "duckdb":
            return expression
        backend = self.lines.get_backend()
        try:
            while self.kept:
                backend.raw_sql(f'DROP TABLE "{self.kept.pop()}"')
            self.kept.append("kept")
            return backend.create_table("kept", expression, temp=True)
        except Exception as wrong:
            raise _told(wrong) from wrong

    def in_stretches(self, lines: Any) -> Iterator[Any]:
        """The lines by stretches of days, one after the other, so that memory holds the sums of one stretch."""
        for first, last in self.stretches:
            yield lines.filter(lines.date.between(first, last))


@contextmanager
def open_engine(
    kind: EngineKind,
    export: Export,
    *,
    master: str = "local[2]",
    memory: str = "1GB",
    threads: int | None = None,
) -> Iterator[Engine]:
    """Start an engine over an export. Raises EngineMissing where it is not installed or does not start."""
    threads = threads or len(os.sched_getaffinity(0))
    if kind == "duckdb":
        with _duckdb(export, memory, threads) as engine:
            yield engine
    else:
        with _spark(export, master) as engine:
            yield engine


@contextmanager
def _duckdb(export: Export, memory: str, threads: int) -> Iterator[Engine]:
    try:
        import ibis
    except ModuleNotFoundError as missing:
        raise _missing(missing) from missing
    with tempfile.TemporaryDirectory(prefix="checkout-age-") as spill:
        connection = ibis.duckdb.connect(
            threads=threads,
            memory_limit=memory,
            temp_directory=spill,
            preserve_insertion_order=False,
            autoinstall_known_extensions=False,  # nothing is fetched from anywhere
        )
        try:
            connection.raw_sql("SET enable_progress_bar = false")
            engine = Engine(
                kind="duckdb",
                lines=_parquet(connection, "lines", export.files()),
                coverage=_parquet(connection, "coverage", [str(file) for file in export.coverage]),
                stretches=_stretches(export),
            )
            yield engine
        finally:
            connection.disconnect()


def _stretches(export: Export) -> tuple[tuple[str, str], ...]:
    """First and last days whose files together have about as many bytes as one go of sums should see."""
    size: dict[str, int] = {}
    for partition in export.partitions:
        day = partition.day.isoformat()
        size[day] = size.get(day, 0) + sum(file.stat().st_size for file in partition.files)
    stretches: list[tuple[str, str]] = []
    held = 0
    for day in sorted(size):
        if stretches and held + size[day] <= _STRETCH_BYTES:
            stretches[-1] = (stretches[-1][0], day)
            held += size[day]
        else:
            stretches.append((day, day))
            held = size[day]
    return tuple(stretches)


def _parquet(connection: Any, name: str, files: Sequence[str]) -> Any | None:
    if not files:
        return None
    try:
        return connection.read_parquet(
            list(files),
            table_name=name,
            hive_partitioning=True,
            hive_types_autocast=False,
            union_by_name=True,
        )
    except Exception as wrong:
        raise _told(wrong) from wrong


@contextmanager
def _spark(export: Export, master: str) -> Iterator[Engine]:
    try:
        import ibis
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ModuleNotFoundError as missing:
        raise _missing(missing) from missing
    try:
        session = (
            SparkSession.builder.master(master)
            .appName("checkout-age")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.ansi.enabled", "true")
            .config("spark.sql.shuffle.partitions", "8" if master.startswith("local") else "400")
            # store=007 is a name, and no number
            .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
            .getOrCreate()
        )
    except (PySparkException, RuntimeError, OSError) as wrong:
        raise EngineMissing(
            f"Spark does not start at {master}: {_first_line(wrong)}. It needs Java 17 or newer "
            "(apt install default-jre-headless) and pip install 'checkout-age[fleet]'"
        ) from wrong
    session.sparkContext.setLogLevel("ERROR")
    try:
        connection = ibis.pyspark.connect(session)
        engine = Engine(
            kind="spark",
            lines=_view(session, connection, "lines", str(export.root), export.files()),
            coverage=_view(
                session,
                connection,
                "coverage",
                str(export.root / "coverage"),
                [str(f) for f in export.coverage],
            ),
            stretches=_stretches(export),
        )
        yield engine
    finally:
        session.stop()


def _view(session: Any, connection: Any, name: str, root: str, files: Sequence[str]) -> Any | None:
    if not files:
        return None
    try:
        session.read.option("basePath", root).parquet(*files).createOrReplaceTempView(name)
        return connection.table(name)
    except Exception as wrong:
        raise _told(wrong) from wrong


def _missing(missing: ModuleNotFoundError) -> EngineMissing:
    extra = "fleet" if "spark" in str(missing.name) else "marketing"
    return EngineMissing(
        f"the Python package '{missing.name}' is not installed: pip install 'checkout-age[{extra}]'"
    )


def _told(wrong: Exception) -> Exception:
    """Engines throw many kinds; what the reader needs is whether a file, the disk or the memory is at fault."""
    text = _first_line(wrong)
    low = str(wrong).lower()
    if isinstance(wrong, AnalysisError):
        return wrong
    if isinstance(wrong, OSError) and wrong.errno is not None:
        return wrong
    if "no space left" in low or "out of memory" in low or "max_temp_directory_size" in low:
        return AnalysisError(
            f"the sums do not fit: {text}. Free some disk (TMPDIR names the folder for it), or give --memory"
        )
    if any(word in low for word in ("parquet", "snappy", "zstd", "thrift", "corrupt", "decompress")):
        return DamagedFile(f"a file cannot be read: {text}. Export its day again: checkout-age export-events")
    return AnalysisError(f"the engine failed: {text}")


def _first_line(wrong: BaseException) -> str:
    lines = [line.strip() for line in str(wrong).splitlines() if line.strip()]
    return (lines[0] if lines else type(wrong).__name__)[:300]
