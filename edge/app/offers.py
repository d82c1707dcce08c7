"""Offers at the till: marketing's table, read and checked, and an event once a customer is known well enough."""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.config import Config
from edge.events import CloudEvent, build_event, format_time
from edge.events.types import OFFER_SUGGESTED
from edge.flow import TillEvent, TillEventType
from edge.rules import LaneRules
from edge.rules.offers import OfferLimits, OfferTable, Suggestion, suggest

__all__ = ["Offers", "OffersError", "read_offers"]

_log = logging.getLogger(__name__)
_LOOK_EVERY_NS = 500_000_000
_REREAD_EVERY_S = 30.0
_GOODS_MAX, _TOLD_MAX = 200_000, 1000
_BYTES_MAX, _ITEMS_MAX = 20_000_000, 200_000
_BAND = re.compile(r"(?:p_)?(\d{1,3})[-_–](\d{1,3})")
_VERSION = 1


class OffersError(ValueError):
    """offers.json cannot be used; the message says where and why."""


class Offers:
    """Suggests goods, once a receipt. `heard` is called by the store's writer, `looked` by the desk, `notes` by any."""

    def __init__(self, config: Config, append: Callable[[CloudEvent], None]) -> None:
        """`append` takes an event for the store. Where offers are off, this object does nothing."""
        told = config.offers
        self._config = config
        self._append = append
        self._limits = OfferLimits(
            crops_min=told.crops_min,
            share_min=told.share_min,
            minor_p_max=told.minor_p_max,
            items_max=told.items_max,
            legal_ages=config.policy.legal_ages,
        )
        self._restricted: dict[str, bool] = {}
        self._told: dict[tuple[str, str, int], None] = {}
        self._looked_ns: dict[str, int] = {}
        self._table: OfferTable | None = None
        self._stamp: tuple[int, int] | None = None
        self._read_s = -math.inf
        self._problem: str | None = None
        self.counts: Counter[str] = Counter()
        if told.enabled:
            self._reread()

    def heard(self, events: Sequence[TillEvent]) -> None:
        """Goods that the till sold: restricted or free. What was restricted once stays so until a restart."""
        for event in events:
            if event.type is TillEventType.ITEM_ADDED and event.sku is not None:
                known = self._restricted.get(event.sku)
                if known is None and len(self._restricted) >= _GOODS_MAX:
                    continue  # stays unknown, and so barred to whoever may be a minor
                self._restricted[event.sku] = bool(known) or event.restricted

    def looked(self, rules: LaneRules, now_ns: int) -> None:
        """Look at a lane, twice a second at most, and tell what is worth telling."""
        if (
            not self._config.offers.enabled
            or abs(now_ns - self._looked_ns.get(rules.lane, 0)) < _LOOK_EVERY_NS
        ):
            return
        self._looked_ns[rules.lane] = now_ns
        self._reread()
        if self._table is None:
            return
        for at_till in rules.at_till(now_ns):
            key = (rules.lane, at_till.facts.receipt, at_till.receipt_ns)
            if key in self._told:
                continue
            found = suggest(at_till, self._table, self._limits, restricted=self._restricted)
            if found is not None:
                self._told[key] = None
                if len(self._told) > _TOLD_MAX:
                    del self._told[next(iter(self._told))]
                self.counts["suggested"] += 1
                self._append(self._event(rules.lane, found, now_ns))

    @property
    def notes(self) -> tuple[str, ...]:
        """What somebody should look at."""
        return () if self._problem is None else (f"offers: {self._problem}",)

    def _event(self, lane: str, found: Suggestion, now_ns: int) -> CloudEvent:
        first, last = self._config.sales.bands[found.band]
        site = self._config.site
        return build_event(
            OFFER_SUGGESTED,
            store=site.store,
            box=site.box,
            lane=lane,
            subject=found.receipt,
            at_ns=now_ns,
            identity=(format_time(found.receipt_ns),),
            data={"receipt": found.receipt, "items": list(found.items), "band": f"{first}_{last}"},
        )

    def _reread(self) -> None:
        """Read the file again where it has changed; a bad one leaves the good one of before in use."""
        now_s = time.monotonic()
        path = self._config.offers.file
        if path is None or now_s - self._read_s < _REREAD_EVERY_S:
            return
        self._read_s = now_s
        try:
            about = path.stat()
            stamp = (about.st_mtime_ns, about.st_size)
            if stamp == self._stamp:
                return
            self._table = read_offers(path, bands=self._config.sales.bands)
        except (OSError, OffersError) as error:
            reason = f"{path}: {error.strerror}" if isinstance(error, OSError) else str(error)
            if reason != self._problem:
                _log.error("offers cannot be read: %s", reason)
            self._problem = reason
            return
        self._stamp, self._problem = stamp, None
        _log.info("offers are read", extra={"bands": len(self._table.goods)})


def read_offers(path: Path, *, bands: Sequence[tuple[int, int]]) -> OfferTable:
    """The table of `offers.json`. Raises OffersError with the place and the reason, OSError."""
    raw = path.read_bytes()
    if len(raw) > _BYTES_MAX:
        raise OffersError(f"{path}: {len(raw)} bytes; at most {_BYTES_MAX} are read")
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise OffersError(f"{path}: not JSON ({error})") from error
    if not isinstance(told, dict) or not isinstance(told.get("bands"), list):
        raise OffersError(f"{path}: an object with 'schema_version' and a list 'bands' is wanted")
    version = told.get("schema_version")
    if version != _VERSION:
        raise OffersError(f"{path}: schema_version {version!r}; this version of the program reads {_VERSION}")
    goods: dict[tuple[int, str | None], tuple[str, ...]] = {}
    for place, entry in enumerate(told["bands"]):
        where = f"{path}: bands[{place}]"
        if not isinstance(entry, dict):
            raise OffersError(f"{where}: an object with band, category and items is wanted")
        category = entry.get("category")
        if category is not None and not isinstance(category, str):
            raise OffersError(f"{where}.category: a text or null is wanted; got {category!r}")
        key = (_band(entry.get("band"), bands, where), category)
        if key in goods:
            raise OffersError(f"{where}: band and category stand there twice")
        goods[key] = _items(entry.get("items"), where)
    if sum(map(len, goods.values())) > _ITEMS_MAX:
        raise OffersError(f"{path}: more than {_ITEMS_MAX} items")
    return OfferTable(goods=goods)


def _band(told: Any, bands: Sequence[tuple[int, int]], where: str) -> int:
    found = _BAND.fullmatch(told) if isinstance(told, str) else None
    pair = (int(found[1]), int(found[2])) if found else None
    if pair not in tuple(bands):
        known = ", ".join(f"{first}_{last}" for first, last in bands)
        raise OffersError(f"{where}.band: {told!r} is none of this box's bands ({known})")
    return tuple(bands).index(pair)


def _items(told: Any, where: str) -> tuple[str, ...]:
    """In the file's order: best first."""
    if not isinstance(told, list):
        raise OffersError(f"{where}.items: a list is wanted")
    skus = []
    for place, item in enumerate(told):
        sku = item.get("sku") if isinstance(item, dict) else None
        if not isinstance(sku, str) or not sku.strip():
            raise OffersError(f"{where}.items[{place}].sku: a text is wanted; got {sku!r}")
        skus.append(sku)
    return tuple(dict.fromkeys(skus))
