"""The POSLog door: NRF/ARTS POSLog XML as till events. Names count without their namespace; a birth date is never read.

A POSLog tells of a sale when it is over: its items carry the time of their line where it has one, else the beginning
of the transaction, so that the customer is looked for between beginning and end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from edge.till.birth import is_birth_date
from edge.till.refusal import Refusal, TillEventRefused

__all__ = ["PoslogFound", "read_poslog"]

_TRUE = {"true", "1", "y", "yes"}
_AGE_NAMES = ("minimumage", "requiredage", "agerequired", "buyeragerestriction", "restrictedage", "age")
_CANCELLED = {"voided", "cancelled", "canceled", "postvoided", "failed"}


class PoslogFound:
    """What a file held: documents as a till would send them by JSON, in order, and how many birth dates it named."""

    def __init__(self, documents: list[dict[str, Any]], birth_dates: int) -> None:
        self.documents = documents
        self.birth_dates = birth_dates


def read_poslog(raw: bytes, *, lane: str | None = None) -> PoslogFound:
    """The sales of a POSLog file; `lane` None: each transaction's WorkstationID is its lane.

    Raises TillEventRefused for what is no XML, declares entities or a document type (no till needs either), or holds
    no transaction.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException as error:
        raise TillEventRefused(
            Refusal.NOT_XML, f"entities and document types are refused ({error.__class__.__name__})"
        ) from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise TillEventRefused(Refusal.NOT_XML, str(error)[:200]) from error
    transactions = [each for each in root.iter() if _name(each) == "transaction"]
    if not transactions:
        raise TillEventRefused(Refusal.NOT_XML, "no Transaction in it; a POSLog file holds some")
    births = sum(1 for each in root.iter() if is_birth_date(_name(each)))
    births += sum(1 for each in root.iter() for name in each.attrib if is_birth_date(name))
    return PoslogFound([told for each in transactions for told in _sale(each, lane)], births)


def _sale(transaction: Element, lane: str | None) -> Iterator[dict[str, Any]]:
    """The events of one transaction; other kinds than sales (tender control, sign-on) give none."""
    sale = _child(transaction, "retailtransaction")
    if sale is None:
        return
    station = _text(transaction, "workstationid")
    number = _text(transaction, "sequencenumber")
    parts = [_text(transaction, "retailstoreid"), station, _text(transaction, "businessdaydate"), number]
    identity = "-".join(part for part in parts if part)
    began = _text(transaction, "begindatetime") or _text(transaction, "enddatetime")
    ended = _text(transaction, "enddatetime") or began
    count = 0

    def event(kind: str, at: str | None, **more: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        told = {
            "id": f"poslog-{identity}-{count}",
            "lane": lane if lane is not None else station,
            "at": at,
            "type": kind,
            "receipt": _text(sale, "receiptnumber") or number,
            "cashier": _text(transaction, "operatorid"),
            **more,
        }
        return {name: value for name, value in told.items() if value is not None}

    yield event("receipt.opened", began)
    for line in (each for each in sale if _name(each) == "lineitem"):
        goods = next((each for each in line if _name(each) in ("sale", "return")), None)
        if goods is None or _name(goods) == "return":
            continue
        yield from _goods(event, line, goods, at=_text(line, "begindatetime") or began)
    yield event("receipt.cancelled" if _cancelled(transaction, sale) else "receipt.closed", ended)


def _goods(event: Any, line: Element, goods: Element, *, at: str | None) -> Iterator[dict[str, Any]]:
    restriction = next((each for each in goods.iter() if _name(each) == "agerestriction"), None)
    number = _text(line, "sequencenumber")
    identity = _child(goods, "posidentity")
    sku = (_text(identity, "positemid") if identity is not None else None) or _text(goods, "itemid")
    age = _age(goods, restriction)
    quantity = _text(goods, "quantity")
    yield event(
        "item.added",
        at,
        line=number,
        sku=sku,
        name=_text(goods, "description"),
        category=_text(goods, "merchandisehierarchy"),
        quantity=quantity,
        unit_price=_text(goods, "actualsalesunitprice") or _text(goods, "regularsalesunitprice"),
        restricted=restriction is not None or age is not None,
        min_age=age,
    )
    if restriction is not None and _verified(restriction):
        yield event("id.verified", at)
    if line.get("VoidFlag", "").strip().lower() in _TRUE:
        yield event("item.voided", at, line=number, sku=sku, quantity=quantity)


def _verified(restriction: Element) -> bool:
    """What `Verified` says; without it, a birth date that was keyed in means that somebody looked at an ID."""
    told = _text(restriction, "verified") or restriction.get("Verified")
    if told is not None:
        return told.strip().lower() in _TRUE
    return any(is_birth_date(_name(each)) and (each.text or "").strip() for each in restriction)


def _age(goods: Element, restriction: Element | None) -> int | None:
    for each in [*goods, *(restriction if restriction is not None else ())]:
        text = (each.text or "").strip()
        if _name(each) in _AGE_NAMES and text.isdecimal() and len(text) <= 3:
            return int(text)
    return None


def _cancelled(transaction: Element, sale: Element) -> bool:
    flags = (transaction.get("CancelFlag", ""), sale.get("CancelFlag", ""))
    states = (sale.get("TransactionStatus", ""), transaction.get("TransactionStatus", ""))
    return any(flag.strip().lower() in _TRUE for flag in flags) or any(
        state.strip().lower() in _CANCELLED for state in states
    )


def _name(element: Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _child(element: Element, name: str) -> Element | None:
    return next((each for each in element if _name(each) == name), None)


def _text(element: Element, name: str) -> str | None:
    found = _child(element, name)
    text = None if found is None or found.text is None else found.text.strip()
    return text or None
