"""`checkout-age status`: one line about the running box, and an exit code for a monitor."""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

HELP = "how the running box is: one line, exit code 0 ok, 1 degraded, 2 down"
EXIT_CODES = {"ok": 0, "degraded": 1, "down": 2}
_TIMEOUT_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the box is reached, and how to print."""
    parser.add_argument(
        "--url", help="where the box answers (default: from --config, or http://127.0.0.1:8480)"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="take host and port from this configuration"
    )
    parser.add_argument("--json", action="store_true", help="health and figures as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Ask `/health` and `/api/stats`; 2 also where nobody answers or what answers is no box of ours."""
    try:
        url = args.url or _url_of(args.config)
        health, stats = _ask(url + "/health"), _ask(url + "/api/stats")
        line = _line(health, stats)
        code = EXIT_CODES[health["state"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = f"no box answers: {error}. Is the service running? `systemctl status checkout-age`"
        print(json.dumps({"state": "down", "reasons": [told]}) if args.json else f"DOWN  {told}")
        return EXIT_CODES["down"]
    print(json.dumps({**health, "stats": stats}) if args.json else line)
    return code


def _url_of(config_file: Path | None) -> str:
    if config_file is None:
        return "http://127.0.0.1:8480"
    from edge.config import load_config

    http = load_config(config_file).http
    scheme = "https" if http.tls_cert is not None else "http"
    return f"{scheme}://{http.host}:{http.port}"


def _ask(url: str) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url} is no http:// or https:// address")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - checked above
            body = answer.read()
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        body = error.read()
    told: dict[str, Any] = json.loads(body)
    return told


def _line(health: dict[str, Any], stats: dict[str, Any]) -> str:
    cameras, sinks = stats["cameras"], stats["sinks"]
    up = sum(camera["state"] == "up" for camera in cameras)
    lanes = [lane for camera in cameras for lane in camera["lanes"]]
    seen = [lane for camera in cameras if camera["state"] != "down" for lane in camera["lanes"]]
    pending = sum(sink["pending"] for sink in sinks)
    oldest_s = max((sink["oldest_pending_s"] for sink in sinks), default=0.0)
    clock = {True: "clock synchronised", False: "clock NOT synchronised", None: "clock unknown"}
    parts = [
        health["state"].upper(),
        f"{stats['store']}/{stats['box']}",
        f"lanes {len(seen)}/{len(lanes)} seen",
        f"cameras {up}/{len(cameras)} up",
        f"{pending} events wait for {len(sinks)} sinks"
        + (f", the oldest {oldest_s:.0f} s" if pending else ""),
        f"{stats['event_store']['free_bytes'] / 1e9:.1f} GB free",
        clock[stats["clock_synchronised"]],
        f"{stats['inference']['model']} on {stats['inference']['provider']}",
        *health["reasons"],
    ]
    return "  ".join(part for part in parts if part)
