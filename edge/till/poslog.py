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
    births += sum(1 for each in root.iter() for name in each.attrib if is_birth_date(_local(name)))
    return PoslogFound([told for each in transactions for told in _sale(each, lane)], births)


def _sale(transaction: Element, lane: str | None) -> Iterator[dict[str, Any]]:
    """The events of one transaction; other kinds than sales (tender control, sign-on) give none."""
    sale = _child(transaction, "retailtransaction")
    if sale is None:
        return
    station = _text(transaction, "workstationid")
    number = _text(transaction, "sequencenumber")
    began = _text(transaction, "begindatetime") or _text(transaction, "enddatetime")
    # Numbers come again: without a business day the time tells the receipts of two days apart.
    day = _text(transaction, "businessdaydate") or began
    identity = "-".join(part for part in (_text(transaction, "retailstoreid"), station, day, number) if part)
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
    lines = [each for each in sale if _name(each) == "lineitem"]
    restricted = _restricted_by_a_line_of_its_own(lines)
    for line in lines:
        at = _text(line, "begindatetime") or began
        goods = _goods_of(line)
        if goods is not None:
            yield from _goods(event, line, goods, at=at, restriction=restricted.get(line))
            continue
        own = next((each for each in line if _name(each) == "agerestriction"), None)
        if own is not None and _verified(own) and not _is_true(_attribute(line, "voidflag")):
            yield event("id.verified", at)
    yield event("receipt.cancelled" if _cancelled(transaction, sale) else "receipt.closed", ended)


def _goods_of(line: Element) -> Element | None:
    """What was sold; goods that came back, tender, tax and the like are none."""
    return next((each for each in line if _name(each) == "sale"), None)


def _restricted_by_a_line_of_its_own(lines: list[Element]) -> dict[Element, Element]:
    """NCR writes an age restriction as a line beside the goods: it is of those before it, else of those after it."""
    found: dict[Element, Element] = {}
    last, early = None, None
    for line in lines:
        own = next((each for each in line if _name(each) == "agerestriction"), None)
        if _goods_of(line) is not None:
            last = line
            own = own if own is not None else early
            early = None
        if own is None:
            continue
        if last is None:
            early = own
        else:
            found.setdefault(last, own)
    return found


def _goods(
    event: Any, line: Element, goods: Element, *, at: str | None, restriction: Element | None
) -> Iterator[dict[str, Any]]:
    inner = next((each for each in goods.iter() if _name(each) == "agerestriction"), None)
    beside = next((each for each in line if _name(each) == "agerestriction"), None)
    restriction = inner if inner is not None else restriction
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
    if any(each is not None and _verified(each) for each in (inner, beside)):
        yield event("id.verified", at)
    if _is_true(_attribute(line, "voidflag")):
        yield event("item.voided", at, line=number, sku=sku, quantity=quantity)


def _verified(restriction: Element) -> bool:
    """What `Verified` says; without it, a birth date that was keyed in means that somebody looked at an ID."""
    told = _text(restriction, "verified") or _attribute(restriction, "verified")
    if told is not None:
        return _is_true(told)
    keyed = [each.text for each in restriction if is_birth_date(_name(each))]
    keyed += [value for name, value in restriction.attrib.items() if is_birth_date(_local(name))]
    return any((text or "").strip() for text in keyed)


def _age(goods: Element, restriction: Element | None) -> int | None:
    for each in [*goods, *(restriction if restriction is not None else ())]:
        text = (each.text or "").strip()
        if _name(each) in _AGE_NAMES and text.isdecimal() and len(text) <= 3:
            return int(text)
    return None


def _cancelled(transaction: Element, sale: Element) -> bool:
    return any(
        _is_true(_attribute(each, "cancelflag"))
        or (_attribute(each, "transactionstatus") or "").lower() in _CANCELLED
        for each in (transaction, sale)
    )


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() in _TRUE


def _attribute(element: Element, name: str) -> str | None:
    """The attribute of that name in lower letters, whatever its namespace; None where it is empty."""
    found = next((value.strip() for own, value in element.attrib.items() if _local(own) == name), None)
    return found or None


def _local(name: str) -> str:
    return name.rpartition("}")[2].lower()


def _name(element: Element) -> str:
    tag = element.tag
    return _local(tag) if isinstance(tag, str) else ""


def _child(element: Element, name: str) -> Element | None:
    return next((each for each in element if _name(each) == name), None)


def _text(element: Element, name: str) -> str | None:
    found = _child(element, name)
    text = None if found is None or found.text is None else found.text.strip()
    return text or None
