"""What a storm of kills may not have broken, judged from outside: reads what sinks were given and what the till noted.

`python -m tests.soak.storm_checker FOLDER` knows nothing of `edge` and opens no store. `till.jsonl`: one line an event
that the till sent, with `acknowledged` once the box had answered 200. `events.jsonl`, `hook.jsonl`: what the file sink
and the webhook's receiver have. Prints counts and complaints as JSON; 0 where there are no complaints.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

Event = dict[str, Any]
_OUTCOME, _CHECK, _ALERT = (
    "checkout.sale.outcome.v1",
    "checkout.check.requested.v1",
    "checkout.alert.raised.v1",
)


def main(folder: Path) -> int:
    """See above."""
    till = [json.loads(line) for line in (folder / "till.jsonl").read_text().splitlines()]
    wrong: list[str] = []
    sinks = {name: _events(folder / name, wrong) for name in ("events.jsonl", "hook.jsonl")}
    for name, told in sinks.items():
        wrong += [f"{name}: {text}" for text in [*_stream(told), *_sales(told, till)]]
    ids = [{(one["source"], one["id"]) for one in told} for told in sinks.values()]
    if ids[0] != ids[1]:
        wrong.append(f"the sinks differ by {len(ids[0] ^ ids[1])} events")
    counts = {
        "till_events_sent": len({one["id"] for one in till}),
        "till_events_acknowledged": len({one["id"] for one in till if one["acknowledged"]}),
        "events": len(ids[0]),
        "repeats_in_file": len(sinks["events.jsonl"]) - len(ids[0]),
        "repeats_in_webhook": len(sinks["hook.jsonl"]) - len(ids[1]),
        "outcomes": _outcomes(sinks["events.jsonl"]),
    }
    print(json.dumps({**counts, "complaints": wrong[:50]}))
    return 1 if wrong else 0


def _events(file: Path, wrong: list[str]) -> list[Event]:
    found = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            found.append(json.loads(line))
        except ValueError:
            wrong.append(f"{file.name}:{number}: no JSON")
    return found


def _stream(told: list[Event]) -> list[str]:
    """Sequences without a gap: each committed event has one, so what is missing was never delivered."""
    wrong = []
    numbers: dict[str, dict[int, str]] = defaultdict(dict)
    bodies: dict[tuple[str, str], str] = {}
    for event in told:
        key, body = (event["source"], event["id"]), json.dumps(event, sort_keys=True)
        if bodies.setdefault(key, body) != body:
            wrong.append(f"{event['id']} was told in two ways")
        number = int(event["sequence"])
        if numbers[event["source"]].setdefault(number, event["id"]) != event["id"]:
            wrong.append(f"{event['source']}: number {number} was given twice")
    for source, given in numbers.items():
        missing = sorted(set(range(1, max(given) + 1)) - set(given))
        if missing:
            wrong.append(f"{source}: committed and never delivered: {missing[:10]} ({len(missing)})")
    return wrong


def _sales(told: list[Event], till: list[Event]) -> list[str]:
    wrong = []
    sent: dict[str, dict[str, Event]] = defaultdict(dict)
    for one in till:
        before = sent[one["receipt"]].get(one["id"])
        sent[one["receipt"]][one["id"]] = {
            **one, "acknowledged": one["acknowledged"] or bool(before and before["acknowledged"])
        }  # fmt: skip
    outcomes: dict[str, set[str]] = defaultdict(set)
    facts: dict[str, Event] = {}
    prompts: dict[str, set[str]] = defaultdict(set)
    for event in told:
        receipt = event["data"].get("receipt")
        if receipt is not None and receipt not in sent:
            wrong.append(f"{event['type']} of {receipt}, which no till ever sold")
        if event["type"] == _OUTCOME:
            outcomes[receipt].add(event["id"])
            facts[receipt] = event
        elif event["type"] == _CHECK:
            prompts[receipt].add(event["id"])
        elif event["type"] == _ALERT and receipt is not None:
            unsold = set(event["data"]["items"]) - {one.get("sku") for one in sent[receipt].values()}
            if unsold:
                wrong.append(f"an alert of {receipt} names goods that were not sold: {unsold}")
    for receipt, events in sent.items():
        wrong += [
            f"{receipt} {text}"
            for text in _receipt(events, outcomes[receipt], prompts[receipt], facts.get(receipt))
        ]
    return wrong


def _receipt(
    events: dict[str, Event], outcomes: set[str], prompts: set[str], fact: Event | None
) -> list[str]:
    wrong = []
    kinds = [one["type"] for one in events.values()]
    ended = [one for one in events.values() if one["type"] in ("receipt.closed", "receipt.cancelled")]
    if len(outcomes) > 1:
        wrong.append(f"ended {len(outcomes)} times")
    if len(prompts) > 1:
        wrong.append(f"was prompted {len(prompts)} times")
    if any(one["acknowledged"] for one in ended) and not outcomes:
        wrong.append("was acknowledged as ended and has no outcome")
    if outcomes and not ended:
        wrong.append("has an outcome and was never ended")
    if fact is not None and all(one["acknowledged"] for one in events.values()):
        found = fact["data"]["outcome"]
        if found not in _implied(kinds, events):
            wrong.append(f"ended as {found}, its acknowledged events say otherwise")
    return wrong


def _implied(kinds: list[str], events: dict[str, Event]) -> tuple[str, ...]:
    """What acknowledged events must come to: a lost one would show here."""
    if "receipt.cancelled" in kinds:
        return ("cancelled",)
    if "sale.refused" in kinds:
        return ("refused",)
    if not any(one.get("restricted") for one in events.values()):
        return ("no_restricted_item",)
    if "id.verified" in kinds:
        return ("checked",)
    return ("unseen", "unchecked", "not_prompted")


def _outcomes(told: list[Event]) -> dict[str, int]:
    counts: dict[str, set[str]] = defaultdict(set)
    for event in told:
        if event["type"] == _OUTCOME:
            counts[event["data"]["outcome"]].add(event["data"]["receipt"])
    return {name: len(receipts) for name, receipts in sorted(counts.items())}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
