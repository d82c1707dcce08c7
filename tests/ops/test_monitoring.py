"""The shipped alert rules and the dashboard load, fire, and name no metric that a box does not give."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from edge.ops.metrics import MetricsPage
from tests.ops.moments import STATS
from tests.ops.test_metrics import samples

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
RULES = FOLDER / "alerts.yaml"


def named(text: str) -> set[str]:
    return set(re.findall(r"\bcheckout_age_[a-z0-9_]+", text))


def promtool(*args: object) -> str:
    done = subprocess.run(["promtool", *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_rules_load_and_name_metrics_that_are_there():
    promtool("check", "rules", RULES)
    expressions = " ".join(rule["expr"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"])
    assert named(expressions) <= {sample.name for sample in samples()}


def test_every_rule_fires_on_what_it_is_for_and_is_silent_on_a_sound_box(tmp_path):
    """promtool plays half an hour of a sound box and one of a box on which everything is wrong."""
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    bad = {
        "CheckoutAgeBoxGone": ('up{job="checkout-age"}', 0),
        "CheckoutAgeNotReady": ("checkout_age_ready", 0),
        "CheckoutAgeCameraDown": ('checkout_age_camera_up{camera="c",reason="black"}', 0),
        "CheckoutAgeCameraChanged": ('checkout_age_camera_warning{camera="c",reason="moved"}', 1),
        "CheckoutAgeLoopStandsStill": ("checkout_age_stalled_loops", 1),
        "CheckoutAgeStoreRefuses": ("checkout_age_store_accepting", 0),
        "CheckoutAgeDiskLow": ("checkout_age_disk_free_bytes", 5e8),
        "CheckoutAgeSinkBehind": ('checkout_age_outbox_oldest_seconds{sink="s"}', 1000),
        "CheckoutAgeSlow": ("checkout_age_estimate_latency_p95_seconds", 2),
        "CheckoutAgeDegraded": ("checkout_age_degraded", 1),
        "CheckoutAgeClockWrong": ("checkout_age_clock_synchronised", 0),
        "CheckoutAgeOldConfiguration": ("checkout_age_config_last_good", 1),
        "CheckoutAgeNeedsALook": ("checkout_age_notes", 1),
        "CheckoutAgeTillDoorShut": ('checkout_age_till_door_up{door="http"}', 0),
    }
    good = {"CheckoutAgeDiskLow": 2e10, "CheckoutAgeSlow": 0.2, "CheckoutAgeSinkBehind": 3}
    assert {rule["alert"] for rule in rules} == {*bad, "CheckoutAgeEventsDropped"}
    lost = 'checkout_age_dropped_total{reason="store_full"}'
    tests = []
    for wrong in (False, True):
        series = [
            {
                "series": name,
                "values": f"{value if wrong else good.get(alert, 1 - value):.0f}x60".replace("x", "+0x"),
            }
            for alert, (name, value) in bad.items()
        ]
        series.append({"series": lost, "values": "0+1x60" if wrong else "0+0x60"})
        expected = len(rules) if wrong else 0
        counted = {
            "expr": 'count(ALERTS{alertstate="firing"}) or vector(0)',
            "eval_time": "50m",
            "exp_samples": [{"labels": "{}", "value": expected}],
        }
        tests.append({"interval": "1m", "input_series": series, "promql_expr_test": [counted]})
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", file)


def lost(given: Any, kept: Any, where: str = "dashboard") -> Iterator[str]:
    """What of a JSON document is not there, or is another, in a second one."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from lost(value, kept.get(key), f"{where}.{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from lost(one, other, f"{where}[{number}]")
    elif given != kept:
        yield where


def through_grafanas_model(board: dict[str, Any]) -> dict[str, Any]:
    """Read and written again by the types that Grafana generates from its own schema; what they do not know is gone."""
    register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))


def test_grafanas_own_model_reads_the_dashboard_and_loses_nothing_of_it():
    board = json.loads((FOLDER / "dashboard.json").read_text())
    assert list(lost(board, through_grafanas_model(board))) == []
    board["panels"][0]["fieldConfig"]["default"] = board["panels"][0]["fieldConfig"].pop("defaults")
    board["panels"][1]["target"] = board["panels"][1].pop("targets")
    assert list(lost(board, through_grafanas_model(board))) == [
        "dashboard.panels[0].fieldConfig.default",
        "dashboard.panels[1].target",
    ]


def test_a_whole_page_of_metrics_is_in_order():
    page = MetricsPage(lambda: replace(STATS, dropped={"store_full": 1})).render()
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_the_dashboard_is_whole_and_asks_only_for_metrics_that_are_there():
    board = json.loads((FOLDER / "dashboard.json").read_text())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels]
    assert len(set(places)) == len(panels)
    text = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    page = MetricsPage(lambda: replace(STATS, dropped={"store_full": 1})).render().decode()
    assert named(text) <= {sample.name for sample in samples()}
    assert "checkout_age_camera_warning" in named(text) & named(page)
    assert named(board["templating"]["list"][1]["query"]["query"]) == {"checkout_age_ready"}


def test_every_query_of_the_dashboard_is_promql(tmp_path):
    board = json.loads((FOLDER / "dashboard.json").read_text())
    rules = [
        {"record": f"panel{panel['id']}:{target['refId']}", "expr": target["expr"]}
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", file)
