"""`checkout-age offers DIR --out offers.json`: what to suggest to each age band, and whether it helps."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.events.analysis.options import add_data_arguments, bundles_of

if TYPE_CHECKING:
    from datetime import date

    from export.events.offers.evaluation import Evaluation

HELP = "find goods to suggest to each age band, tried on later days beside what everybody buys"
EXIT_UNUSABLE = 2
_HELD_OUT = 0.25
_BASKETS = 50_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is read, where the lists go, what is kept from minors."""
    add_data_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="offers.json")
    parser.add_argument(
        "--adults-only",
        action="append",
        metavar="CATEGORY",
        help="never in the list of a band with minors; again for each (alcohol, tobacco)",
    )


def run(args: argparse.Namespace) -> int:
    """0 when written, 2 with the reason and the way out."""
    from export.events.analysis.errors import AnalysisError
    from export.events.report.files import write_whole

    try:
        document, told = _offers(args)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(args.out, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    except (AnalysisError, OSError, MemoryError) as error:
        print(f"checkout-age offers: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    print(f"{args.out}: {len(document['bands'])} lists\n{told}")
    return 0


def _offers(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from export.events.analysis import tables
    from export.events.analysis.age_error import errors_for
    from export.events.analysis.cells import Cells, columns_of
    from export.events.analysis.correction import channel_of
    from export.events.analysis.engine import open_engine
    from export.events.analysis.errors import NoData, NoErrorMeasured
    from export.events.analysis.reading import find_export
    from export.events.offers.evaluation import evaluate

    export = find_export(args.data, since=args.since, until=args.until)
    bands = export.bands
    days = sorted({p.day for p in export.partitions})
    if len(days) < 2:
        raise NoData(
            f"{args.data}: one day alone; offers need a day before to learn from and one after to be tried on"
        )
    split = days[-max(1, round(len(days) * _HELD_OUT))]
    with open_engine(
        args.engine, export, master=args.master, memory=args.memory, threads=args.threads
    ) as engine:
        marked = None if engine.coverage is None else tables.marked_days(engine.coverage)
        lines = tables.with_marks(tables.numbered(engine.lines, bands), marked)
        early, late = lines.filter(lines.date < str(split)), lines.filter(lines.date >= str(split))
        baskets = [
            columns_of(engine.fetch(tables.by_date(tables.baskets_of(part, bands), bands)))
            for part in (early, late)
        ]
        products = [columns_of(engine.fetch(tables.by_product(part, bands))) for part in (early, late)]
        pairs = [columns_of(engine.fetch(tables.seen_together(part))) for part in (early, late)]
        named = columns_of(engine.fetch(tables.names(lines)))
        held = columns_of(engine.fetch(tables.held_out(late, bands, baskets=_BASKETS)))
    models = sorted({str(m) for table in baskets for m in table["model"][table["position"] >= 0]})
    errors = errors_for(models, bundles_of(args))
    if not errors:
        raise NoErrorMeasured(
            f"{args.data}: nobody measured how {' and '.join(models) or 'its model'} errs, so no offer by age is "
            "right; name its bundle (--bundle DIR), measured with: checkout-age measure-error DIR --data CROPS"
        )
    cells = Cells([channel_of(error, bands) for error in errors.values()], list(errors))
    category_of = dict(zip(named["sku"], named["category"], strict=True))
    barred = frozenset(args.adults_only or ("alcohol", "tobacco"))
    never = {k: barred for k, band in enumerate(bands) if band.first < 18}
    early_ranking = _ranked(
        cells, [baskets[:1], products[:1], pairs[:1]], category_of=category_of, never=never, bands=len(bands)
    )
    evaluation = evaluate(early_ranking, held, len(bands))
    ranking = _ranked(
        cells, [baskets, products, pairs], category_of=category_of, never=never, bands=len(bands)
    )
    document = {
        "schema_version": 1,
        "created": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "bands": [
            {
                "band": bands[entry.band].key,
                "category": entry.category,
                "items": [
                    {
                        "sku": item.sku,
                        "lift": round(item.lift, 4),
                        "support": round(item.support, 6),
                        "ci95": [round(item.low, 4), round(item.high, 4)],
                        "uncorrected": round(item.uncorrected, 4),
                    }
                    for item in entry.items
                ],
            }
            for entry in ranking.entries
        ],
        "evaluation": {
            "hit_rate_at_5": _rounded(evaluation.hit_rate),
            "popularity_hit_rate_at_5": _rounded(evaluation.popularity_hit_rate),
            "difference_ci95": [_rounded(evaluation.difference_low), _rounded(evaluation.difference_high)],
            "beats_popularity": evaluation.beats_popularity,
            "n": evaluation.n,
            "split": split.isoformat(),
        },
        "models": list(errors),
    }
    return document, _told(evaluation, split)


def _ranked(
    cells: Any,
    parts: list[list[Any]],
    *,
    category_of: Any,
    never: Any,
    bands: int,
) -> Any:
    """Lists from tables of baskets, of products and of pairs, those of several spans of days together."""
    import numpy as np

    from export.events.analysis.correction import mixture_of
    from export.events.analysis.errors import NoData
    from export.events.offers.ranking import rank

    baskets, products, pairs = parts
    n = sum(cells.sum(table, ~table["marked"], "n") for table in baskets)
    if not n.sum():
        raise NoData("no basket with an age before the split; offers need more days")
    skus = np.unique(np.concatenate([table["sku"].astype(str) for table in products]))
    counts = sum(
        cells.grouped(table, np.searchsorted(skus, table["sku"].astype(str)), len(skus), "n")
        for table in products
    )
    soft, whole = np.zeros((len(skus), bands)), np.zeros(bands)
    for table in products:
        at = np.searchsorted(skus, table["sku"].astype(str))
        for k in range(bands):
            np.add.at(soft[:, k], at, table[f"p{k}"].astype(np.float64))
    for table in baskets:
        usable = ~table["marked"] & (table["position"] >= 0)
        whole += [float(table[f"p{k}"][usable].sum()) for k in range(bands)]
    together: dict[tuple[str, str], int] = {}
    for table in pairs:
        for category, sku, both in zip(table["category"], table["sku"], table["n"], strict=True):
            together[str(category), str(sku)] = together.get((str(category), str(sku)), 0) + int(both)
    categories = [str(category_of.get(sku, "")) for sku in skus]
    return rank(
        mixture_of(cells.channel, n),
        cells.channel.named,
        skus.tolist(),
        categories,
        counts,
        estimated=soft
        / np.maximum(soft.sum(axis=1, keepdims=True), 1e-9)
        / np.maximum(whole / whole.sum(), 1e-9),
        together=together,
        bands=bands,
        never=never,
    )


def _told(evaluation: Evaluation, split: date) -> str:
    if evaluation.hit_rate is None or evaluation.popularity_hit_rate is None:
        return f"not tried: no basket of two goods from {split} on"
    verdict = "better than popularity" if evaluation.beats_popularity else "no better than popularity"
    return (
        f"hit rate at 5 from {split} on, {evaluation.n} baskets: {evaluation.hit_rate:.4f}; "
        f"what everybody buys: {evaluation.popularity_hit_rate:.4f}; difference "
        f"{evaluation.hit_rate - evaluation.popularity_hit_rate:+.4f}, 95 % interval "
        f"{evaluation.difference_low:+.4f} to {evaluation.difference_high:+.4f} ({verdict})"
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
