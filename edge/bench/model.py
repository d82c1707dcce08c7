"""`bench model`: milliseconds a face of the shipped age model, int8 beside its float twin, ONNX Runtime beside
OpenVINO.

The same two files for everybody, the same threads, every runtime in a process of its own, in turns: a machine whose
speed drifts moves all of them, so the ratios hold.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from edge.age import AgeBundle, AgeModelError, derive_float
from edge.bench.machine import machine, versions
from edge.bench.runtimes import Contender, RuntimeFailedError, RuntimeProcess
from edge.face import CONTRACT
from edge.ops.progress import Progress

__all__ = ["BATCHES", "HELP", "add_arguments", "measure", "run"]

HELP = "milliseconds a face of the age model: int8 and fp32, ONNX Runtime and OpenVINO"
BATCHES: Final = (1, 4, 8)

_SHIPPED: Final = Path(__file__).parent.parent / "models" / "age"
_TURNS_MIN: Final = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench model`."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--bundle", type=Path, default=_SHIPPED, metavar="DIR")
    parser.add_argument("--threads", type=int, default=2, help="of every runtime")
    parser.add_argument("--spinning", action="store_true", help="let idle threads of ONNX Runtime spin")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure, starts not counted")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 2 where the bundle or a runtime cannot be used."""
    try:
        bundle = AgeBundle.load(args.bundle, contract_digest=CONTRACT.digest)
        figures = measure(bundle, threads=args.threads, spinning=args.spinning, seconds=args.seconds)
    except (AgeModelError, RuntimeFailedError) as broken:
        print(f"bench model: {broken}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(figures))
    else:
        _print_table(figures)
    return 0


def measure(
    bundle: AgeBundle, *, threads: int, spinning: bool, seconds: float, turns_min: int = _TURNS_MIN
) -> dict[str, Any]:
    """All figures of `schemas.md`, "bench model". Raises RuntimeFailedError, AgeModelError."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        processes = [
            running.enter_context(RuntimeProcess(contender, BATCHES))
            for contender in _contenders(bundle, Path(folder), threads=threads, spinning=spinning)
        ]
        began = time.monotonic()
        timed = _in_turns(processes, seconds, turns_min)
        lasted = time.monotonic() - began
    rows = [_row(process.contender, batch, times) for (process, batch), times in timed.items()]
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "bundle": bundle.name,
            "threads": threads,
            "spinning": spinning,
            "batches": list(BATCHES),
            "float_model": "derived from model_int8.onnx: Q/DQ taken out, weights dequantised",
            "openvino": "static shapes, latency hint, float32 inference precision",
        },
        "seconds": round(lasted, 1),
        "rows": rows,
        "ratios": _ratios(rows, 4),
        "ratios_by_batch": {str(batch): _ratios(rows, batch) for batch in BATCHES},
    }


def _contenders(bundle: AgeBundle, folder: Path, *, threads: int, spinning: bool) -> list[Contender]:
    int8 = bundle.model_path
    fp32 = folder / "model_fp32.onnx"
    fp32.write_bytes(derive_float(int8.read_bytes(), "fp32"))
    runtimes = ["onnxruntime"] + (["openvino"] if importlib.util.find_spec("openvino") else [])
    found = [
        Contender(
            runtime=runtime,  # type: ignore[arg-type]
            variant=variant,  # type: ignore[arg-type]
            provider="cpu",
            file=file,
            threads=threads,
            spinning=spinning,
        )
        for runtime in runtimes
        for variant, file in (("int8", int8), ("fp32", fp32))
    ]
    return found + _on_gpu(bundle, folder, fp32, threads=threads)


def _on_gpu(bundle: AgeBundle, folder: Path, fp32: Path, *, threads: int) -> list[Contender]:
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers() or machine()["gpu"] is None:
        return []
    fp16 = folder / "model_fp16.onnx"
    fp16.write_bytes(derive_float(bundle.model_path.read_bytes(), "fp16"))
    return [
        Contender(
            runtime="onnxruntime",
            variant=variant,  # type: ignore[arg-type]
            provider="cuda",
            file=file,
            threads=threads,
            spinning=False,
        )
        for variant, file in (("fp32", fp32), ("fp16", fp16))
    ]


def _in_turns(
    processes: list[RuntimeProcess], seconds: float, turns_min: int
) -> dict[tuple[RuntimeProcess, int], list[float]]:
    """Milliseconds a face of every process and batch, in an order that is shuffled anew each turn."""
    places = [(process, batch) for process in processes for batch in BATCHES]
    timed: dict[tuple[RuntimeProcess, int], list[float]] = defaultdict(list)
    order = random.Random(0)  # noqa: S311 - an order, no secret
    began = time.monotonic()
    turns = 0
    with Progress("bench model", seconds, unit="s", rate=False) as bar:
        while turns < turns_min or time.monotonic() - began < seconds:
            order.shuffle(places)
            for process, batch in places:
                process.run_ms(batch)  # caches and clock are the last one's: the first run pays for that
                timed[process, batch].append(process.run_ms(batch) / batch)
            turns += 1
            bar.at(time.monotonic() - began)
    return {(process, batch): timed[process, batch] for process in processes for batch in BATCHES}


def _row(contender: Contender, batch: int, times: list[float]) -> dict[str, Any]:
    ordered = sorted(times)
    return {
        "runtime": contender.runtime,
        "variant": contender.variant,
        "provider": contender.provider,
        "batch": batch,
        "threads": contender.threads,
        "turns": len(times),
        "ms_per_face": {
            "min": round(ordered[0], 3),
            "median": round(statistics.median(ordered), 3),
            "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 3),
        },
    }


def _ratios(rows: list[dict[str, Any]], batch: int) -> dict[str, float | None]:
    """Quotients of medians; None where one side was not measured."""

    def median(runtime: str, variant: str) -> float | None:
        for row in rows:
            if (row["runtime"], row["variant"], row["provider"], row["batch"]) == (
                runtime,
                variant,
                "cpu",
                batch,
            ):
                value: float = row["ms_per_face"]["median"]
                return value
        return None

    def quotient(top: float | None, bottom: float | None) -> float | None:
        return None if top is None or bottom is None else round(top / bottom, 3)

    int8 = median("onnxruntime", "int8")
    return {
        "int8_to_fp32": quotient(int8, median("onnxruntime", "fp32")),
        "int8_to_openvino_int8": quotient(int8, median("openvino", "int8")),
    }


def _print_table(figures: dict[str, Any]) -> None:
    print(f"{figures['machine']['cpu']}, {figures['settings']['threads']} threads; ms a face")
    print(f"{'runtime':12} {'variant':8} {'on':5} {'batch':>5} {'min':>8} {'median':>8} {'p95':>8}")
    for row in figures["rows"]:
        ms = row["ms_per_face"]
        print(
            f"{row['runtime']:12} {row['variant']:8} {row['provider']:5} {row['batch']:5} "
            f"{ms['min']:8.2f} {ms['median']:8.2f} {ms['p95']:8.2f}"
        )
    for batch, ratios in figures["ratios_by_batch"].items():
        told = ", ".join(
            f"{key} {'not measured' if value is None else value}" for key, value in ratios.items()
        )
        print(f"batch {batch}: {told}")
