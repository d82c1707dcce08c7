"""Reading offers.json: what is wrong is said with its place, and a bad file leaves the good one in use."""

from __future__ import annotations

import json

import pytest

from edge.app.offers import OffersError, read_offers

BANDS = ((0, 17), (18, 100))


@pytest.mark.parametrize("band", ["18_100", "18-100", "p_18_100"])
def test_the_table_is_read_by_band_and_category(tmp_path, band):
    path = tmp_path / "offers.json"
    items = [{"sku": "a", "lift": 1.5, "support": 20, "ci95": [1.1, 2.0]}, {"sku": "b"}, {"sku": "a"}]
    told = {"schema_version": 1, "bands": [{"band": band, "category": "dairy", "items": items}]}
    path.write_text(json.dumps(told))
    assert read_offers(path, bands=BANDS).goods == {(1, "dairy"): ("a", "b")}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("{", "not JSON"),
        ([], "an object with"),
        ({"schema_version": 2, "bands": []}, "schema_version 2"),
        (
            {"schema_version": 1, "bands": [{"band": "18_24", "items": []}]},
            r"bands\[0\].band: '18_24' is none",
        ),
        ({"schema_version": 1, "bands": [{"band": "0_17", "items": [{"sku": ""}]}]}, r"items\[0\].sku"),
        ({"schema_version": 1, "bands": [{"band": "0_17", "items": []}] * 2}, "twice"),
        ({"schema_version": 1, "bands": [{"band": "0_17", "category": 3, "items": []}]}, "category"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, told, said):
    path = tmp_path / "offers.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    with pytest.raises(OffersError, match=said):
        read_offers(path, bands=BANDS)
