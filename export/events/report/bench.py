"""How long export, report and offers take, and how much memory each, on two cores:

python -m export.events.report.bench --lines 10_000_000 --json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from export.events.bench import two_cores

__all__ = ["main"]


def main() -> None:
    """Simulate a store, then measure `export-events`, `report` and `offers` in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2, help="of DuckDB (2)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work here, and use what is there already")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="checkout-age-bench-") as temporary:
        told = _measure(args, args.keep or Path(temporary))
    if args.json:
        print(json.dumps(told))
        return
    for step in ("export", "report", "offers"):
        one, lines = told[step], told["lines"]
        if one is None:
            print(f"{step}: was there already")
            continue
        print(
            f"{step}: {one['seconds']:.1f} s ({one['cpu_seconds']:.1f} s of processor time), "
            f"{one['peak_rss_mb']:.0f} MB at most, {lines:,} lines"
        )


def _measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    state, files = folder / "state", folder / "files"
    cores, exported = two_cores(), None
    if not (state / "truth.json").is_file():
        _run("simulate-store", "--out", str(state), "--days", str(args.days), "--lines", str(args.lines))
    if not (files / "_SUCCESS").is_file():
        exported = _run("export-events", "--from", str(state), "--to", str(files))
    truth = json.loads((state / "truth.json").read_text(encoding="utf-8"))
    threads = ("--threads", str(args.threads))
    return {
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": cores},
        "settings": {"threads": args.threads, "days": args.days},
        "lines": truth["lines"],
        "baskets": truth["baskets"],
        "parquet_mb": round(sum(f.stat().st_size for f in files.rglob("*.parquet")) / 1e6, 1),
        "export": exported,
        "report": _run("report", str(files), "--out", str(folder / "out" / "report.html"), *threads),
        "offers": _run("offers", str(files), "--out", str(folder / "out" / "offers.json"), *threads),
    }


def _run(*command: str) -> dict[str, float]:
    """Seconds by the wall and of the processor, and the most memory of this one process; raises CalledProcessError."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "edge", *command], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {
        "seconds": round(time.monotonic() - began, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_rss_mb": round(usage.ru_maxrss / 1024, 1),
    }


if __name__ == "__main__":
    main()
