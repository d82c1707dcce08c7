"""`checkout-age status`: one line about the running box, and an exit code for a monitor."""

from __future__ import annotations

import argparse
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from edge.cli._box import SERVICE_CONFIG, config_of_box

HELP = "how the running box is: one line, exit code 0 ok, 1 degraded, 2 down"
EXIT_CODES = {"ok": 0, "degraded": 1, "down": 2}
_TIMEOUT_S = 5.0
_USUAL = "http://127.0.0.1:8480"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the box is reached, and how to print."""
    parser.add_argument(
        "--url", help="where the box answers (default: from --config, or http://127.0.0.1:8480)"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"this computer's box, host and port from its configuration (default: {SERVICE_CONFIG} where it is there)",
    )
    parser.add_argument("--json", action="store_true", help="health and figures as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Ask `/health` and `/api/stats`; 2 also where nobody answers or what answers is no box of ours."""
    try:
        own = args.url is None
        url = _url_of(args.config) if own else args.url
        health, stats = _ask(url + "/health", own=own), _ask(url + "/api/stats", own=own)
        line = _line(health, stats)
        code = EXIT_CODES[health["state"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = f"no box answers: {error}. Is the service running? `systemctl status checkout-age`"
        print(json.dumps({"state": "down", "reasons": [told]}) if args.json else f"DOWN  {told}")
        return EXIT_CODES["down"]
    print(json.dumps({**health, "stats": stats}) if args.json else line)
    return code


def _url_of(config_file: Path | None) -> str:
    file = config_of_box(config_file)
    if file is None:
        return _USUAL
    from edge.config import ConfigError, load_config

    try:
        http = load_config(file).http
    except ConfigError:
        if config_file is not None:
            raise
        return _USUAL  # the service's file is unusable: the box that runs on its last good one is asked all the same
    scheme = "https" if http.tls_cert is not None else "http"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)  # noqa: S104 - compared
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{http.port}"


def _ask(url: str, *, own: bool) -> dict[str, Any]:
    """`own`: the box of this computer, by the computer's own address, which no certificate names, and by no proxy."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url} is no http:// or https:// address")
    handlers: list[urllib.request.BaseHandler] = []
    if own:
        context = ssl._create_unverified_context()  # noqa: S323 - see above
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=_TIMEOUT_S) as answer:
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
