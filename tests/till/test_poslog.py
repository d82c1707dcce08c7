"""POSLog files: dialects are read, bombs refused, birth dates nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.till import Refusal, TillEventRefused, TillReader, read_poslog

SALE = (Path(__file__).parent / "sale.xml").read_bytes()


def test_a_sale_becomes_events_in_its_order() -> None:
    found = read_poslog(SALE, lane="lane-1")
    events = [TillReader().read(document) for document in found.documents]
    assert [event.type.value for event in events] == [
        "receipt.opened",
        "item.added",
        "id.verified",
        "item.added",
        "item.voided",
        "receipt.closed",
    ]
    lager = events[1]
    assert (lager.sku, lager.restricted, lager.min_age, str(lager.quantity)) == ("4600123", True, 18, "2")
    assert (lager.category, str(lager.unit_price), lager.cashier) == ("alcohol", "1.29", "c-7")
    assert len({event.id for event in events}) == 6
    assert found.birth_dates == 1
    assert "1999" not in repr(found.documents)


def test_without_a_lane_of_the_door_the_workstation_names_it() -> None:
    assert {document["lane"] for document in read_poslog(SALE).documents} == {"3"}


def test_names_count_without_their_namespace() -> None:
    plain = SALE.replace(b' xmlns="http://www.nrf-arts.org/IXRetail/namespace/"', b"").replace(
        b"x:Age", b"Age"
    )
    plain = plain.replace(b"x:Birth", b"Birth").replace(b"x:Ver", b"Ver").replace(b"x:Min", b"Min")
    assert read_poslog(plain).documents == read_poslog(SALE).documents


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (b"<x:Verified>true</x:Verified>", b"<x:Verified>false</x:Verified>", 0),
        (b"<x:Verified>true</x:Verified>", b"", 1),  # a date was keyed in: somebody looked at an ID
        (b"<x:Verified>true</x:Verified>", b"<x:Verified>Y</x:Verified>", 1),
    ],
)
def test_verified_says_whether_an_id_was_seen(old: bytes, new: bytes, kinds: int) -> None:
    documents = read_poslog(SALE.replace(old, new)).documents
    assert sum(document["type"] == "id.verified" for document in documents) == kinds


def test_a_voided_transaction_is_cancelled() -> None:
    documents = read_poslog(SALE.replace(b'"Finished"', b'"Voided"')).documents
    assert documents[-1]["type"] == "receipt.cancelled"


def a_sale(*lines: str, head: str = "") -> list[dict[str, str]]:
    """Documents of one transaction as NCR writes them: the end's time alone, restrictions on lines of their own."""
    numbered = [
        f"<LineItem><SequenceNumber>{number}</SequenceNumber>{line}</LineItem>"
        for number, line in enumerate(lines, 1)
    ]
    return read_poslog(
        (
            '<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" xmlns:acs="urn:acs"><Transaction>'
            f"<RetailStoreID>9</RetailStoreID><WorkstationID>3</WorkstationID>{head}"
            "<SequenceNumber>86</SequenceNumber><EndDateTime>2026-01-05T15:15:27</EndDateTime>"
            f"<RetailTransaction>{''.join(numbered)}</RetailTransaction></Transaction></POSLog>"
        ).encode()
    ).documents


BREAD = "<Sale><ItemID>77</ItemID><Quantity>1</Quantity></Sale>"
LAGER = "<Sale><ItemID>46</ItemID><Quantity>1</Quantity></Sale>"


@pytest.mark.parametrize(
    ("lines", "restricted", "checks"),
    [
        ((BREAD, LAGER, '<acs:AgeRestriction Birthdate="1999-03-01" Verified="true"/>'), ["46"], 1),
        ((BREAD, LAGER, '<AgeRestriction acs:Verified="TRUE">18</AgeRestriction>'), ["46"], 1),
        (('<acs:AgeRestriction Verified="false"/>', LAGER, BREAD), ["46"], 0),
        ((LAGER, '<acs:AgeRestriction Birthdate="1999-03-01"/>', BREAD), ["46"], 1),
        ((LAGER, '<acs:AgeRestriction Birthdate=""/>', BREAD), ["46"], 0),
        ((LAGER + '<acs:AgeRestriction Verified="true"/>', BREAD), ["46"], 1),
        ((LAGER, BREAD), [], 0),
    ],
)
def test_a_restriction_on_a_line_of_its_own_is_of_the_goods_beside_it(
    lines: tuple[str, ...], restricted: list[str], checks: int
) -> None:
    """It was passed over: a cashier who had looked at the ID stood there as one who had not."""
    documents = a_sale(*lines)
    assert [one["sku"] for one in documents if one.get("restricted")] == restricted
    assert sum(one["type"] == "id.verified" for one in documents) == checks
    assert "1999" not in repr(documents)


def test_the_same_number_on_another_day_is_another_sale() -> None:
    """Ids must differ where a till writes no business day, else the second day is taken for a repetition."""
    first, day = a_sale(LAGER), a_sale(LAGER, head="<BeginDateTime>2026-01-06T15:15:00</BeginDateTime>")
    assert not {one["id"] for one in first} & {one["id"] for one in day}
    assert [one["id"] for one in first] == [one["id"] for one in a_sale(LAGER)]


_LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)


@pytest.mark.parametrize(
    "bomb",
    [
        _LAUGHS + b"]><POSLog>&j;</POSLog>",
        b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/hostname">]><POSLog>&x;</POSLog>',
        b'<!DOCTYPE p SYSTEM "http://127.0.0.1:9/p.dtd"><POSLog/>',
        b'<!DOCTYPE p [<!ENTITY % x SYSTEM "file:///etc/hostname"> %x;]><POSLog/>',
        b"<POSLog>",
        b"",
        b"\xff\xfe\x00<",
        b'<?xml version="1.0" encoding="no-such"?><POSLog/>',
        b"<POSLog/>",
        b"{}",
    ],
)
def test_bombs_and_what_is_no_poslog_are_refused(bomb: bytes) -> None:
    with pytest.raises(TillEventRefused) as refused:
        read_poslog(bomb)
    assert refused.value.reason is Refusal.NOT_XML


def test_a_tower_of_elements_is_read_or_refused_but_ends() -> None:
    tower = b"<POSLog>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</POSLog>"
    with pytest.raises(TillEventRefused):
        read_poslog(tower)
