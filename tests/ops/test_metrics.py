"""Metrics as a Prometheus server reads them, and as the manual lists them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from edge.ops.metrics import MetricsPage
from tests.ops.moments import STATS

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "operating.md"


def samples() -> list:
    lossy = replace(STATS, dropped={"store_full": 3})
    page = MetricsPage(lambda: lossy).render().decode()
    return [sample for family in text_string_to_metric_families(page) for sample in family.samples]


def test_every_metric_is_in_the_manual_and_the_manual_lists_no_other():
    there = {sample.name for sample in samples()}
    listed = set(re.findall(r"\bcheckout_age_[a-z0-9_]+", MANUAL.read_text()))
    assert there == listed


def test_labels_are_few_and_never_a_person():
    names = {label for sample in samples() for label in sample.labels if not sample.name.endswith("_info")}
    assert names <= {"camera", "sink", "reason", "door", "kind"}


def test_sales_are_counted_by_door_and_by_end():
    told = {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples()}
    assert told["checkout_age_till_events_total", "http"] == 90
    assert told["checkout_age_till_refused_total", "bad_time", "http"] == 1
    assert told["checkout_age_till_door_up", "file"] == 1
    assert told["checkout_age_outcomes_total", "checked"] == 3
    assert told["checkout_age_alerts_total", "unchecked_sale"] == 1
    assert told["checkout_age_birth_dates_dropped_total",] == 2
