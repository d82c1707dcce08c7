"""Zones: where the middle of a face lies."""

from __future__ import annotations

import pytest

from edge.flow import Zone
from edge.track import Zones

LEFT = [(0, 0), (100, 0), (100, 200), (0, 200)]
RIGHT = [(200, 0), (300, 0), (300, 200), (200, 200)]


def face_at(x: float, y: float) -> tuple[float, float, float, float]:
    return x - 20, y - 25, 40, 50


def test_the_middle_of_the_box_decides():
    zones = Zones(customer=LEFT, cashier=RIGHT)

    assert [zones.zone_of(face_at(x, 100)) for x in (90, 110, 250)] == [
        Zone.CUSTOMER,
        Zone.NONE,
        Zone.CASHIER,
    ]


def test_the_border_belongs_to_the_zone():
    assert Zones(customer=LEFT).zone_of(face_at(100, 100)) is Zone.CUSTOMER


def test_without_polygons_everybody_is_a_customer():
    assert Zones().zone_of(face_at(9999, -5)) is Zone.CUSTOMER


def test_with_a_cashier_polygon_alone_all_others_are_customers():
    zones = Zones(cashier=RIGHT)

    assert zones.zone_of(face_at(250, 100)) is Zone.CASHIER
    assert zones.zone_of(face_at(150, 100)) is Zone.CUSTOMER


def test_where_zones_overlap_the_face_is_a_customers():
    assert Zones(customer=LEFT, cashier=LEFT).zone_of(face_at(50, 50)) is Zone.CUSTOMER


def test_a_polygon_may_be_concave():
    corner = [(0, 0), (100, 0), (100, 50), (50, 50), (50, 100), (0, 100)]

    assert Zones(customer=corner).zone_of(face_at(75, 75)) is Zone.NONE


def test_distance_is_zero_inside_and_grows_outside():
    zones = Zones(customer=LEFT)

    assert [zones.distance_px(face_at(x, 100)) for x in (50, 100, 130)] == pytest.approx([0, 0, 30])
    assert Zones().distance_px(face_at(5000, 0)) == 0


@pytest.mark.parametrize("points", [[], [(0, 0), (1, 1)], [(0, 0), (1, 1), (2,)]])
def test_less_than_a_triangle_is_refused_with_its_name(points: list[tuple[float, ...]]):
    with pytest.raises(ValueError, match="zone customer"):
        Zones(customer=points)
