"""Who watches in `bench alerts`: one Chromium on the real page, and clients of its stream beside it."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Streams", "browser_reason", "watched"]

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_NOTE_SHOWN = """
window.shown = {};
const note = () => {
  for (const row of document.querySelectorAll("[data-alert]")) {
    const name = row.dataset.alert;
    if (name in window.shown || row.offsetParent === null) continue;
    window.shown[name] = null;
    // The second frame: by then the first, which has the row, is on the screen.
    requestAnimationFrame(() => requestAnimationFrame(() => { window.shown[name] = Date.now(); }));
  }
};
new MutationObserver(note).observe(document.body, {childList: true, subtree: true, attributes: true});
note();
"""


def browser_reason() -> str | None:
    """Why no browser can be driven here; None where one can."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "the package playwright is not installed (it is in the extra 'dev')"
    return None if _browser() else f"none of {', '.join(_BROWSERS)} is on the path"


def watched(url: str, link: str, meanwhile: Callable[[], None]) -> dict[str, int]:
    """Open the page by its one-time link, do `meanwhile`, and give each alert's first moment on the screen.

    Milliseconds since 1970 by the browser's clock, which is this machine's.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_browser(), args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(link if link.startswith("http") else url + link)
            page.wait_for_selector(".tile", timeout=60_000)
            page.evaluate(_NOTE_SHOWN)
            known = set(page.evaluate("window.shown"))
            with ThreadPoolExecutor(1) as pool:
                work = pool.submit(meanwhile)
                while not work.done():
                    page.wait_for_timeout(200)
                work.result()
            page.wait_for_timeout(1000)
            shown = page.evaluate("window.shown")
        finally:
            browser.close()
    return {name: int(at_ms) for name, at_ms in shown.items() if at_ms is not None and name not in known}


class Streams:
    """So many clients of `/api/stream`, each on a connection of its own; notes when each alert reaches each."""

    def __init__(self, url: str, token: str, count: int) -> None:
        """Connects them. Raises OSError where one is not let in."""
        self.arrived_ms: dict[str, list[float]] = {}
        self._lock = threading.Lock()
        self._readers: list[threading.Thread] = []
        for _ in range(count):
            line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
            line.request("GET", "/api/stream", headers={"Authorization": f"Bearer {token}"})
            answer = line.getresponse()
            if answer.status != 200:
                raise OSError(f"/api/stream: {answer.status}")
            reader = threading.Thread(target=self._read, args=(answer,), daemon=True)
            reader.start()
            self._readers.append(reader)

    @property
    def alive(self) -> int:
        """How many are still connected."""
        return sum(reader.is_alive() for reader in self._readers)

    def _read(self, answer: http.client.HTTPResponse) -> None:
        try:
            for line in answer:
                if not line.startswith(b'data: {"type":"alert"'):
                    continue
                now_ms = time.time_ns() / 1e6
                told: dict[str, Any] = json.loads(line[6:])
                with self._lock:
                    self.arrived_ms.setdefault(told["alert"]["alert"], []).append(now_ms)
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            return  # the box has stopped


def _browser() -> str | None:
    return next((path for name in _BROWSERS if (path := shutil.which(name)) is not None), None)
