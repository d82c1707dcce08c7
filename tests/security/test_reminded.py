"""A box that films customers without a notice says so to everybody who could hang one up."""

from __future__ import annotations

import http.client
import json

from tests.security.guarded_box import GuardedBox

REMINDED = "no notice tells customers of the camera"


def test_health_figures_and_the_page_say_that_no_notice_hangs(guarded: GuardedBox) -> None:
    health = json.loads(guarded.guests["nobody"].ask("GET", "/health")[2])
    assert health["reasons"][-1].startswith(REMINDED)
    assert any(
        REMINDED in one
        for one in json.loads(guarded.guests["nobody"].ask("GET", "/api/stats")[2])["reminders"]
    )
    line = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=60)
    try:
        line.request("GET", "/api/stream", headers=guarded.guests["viewer"].headers())
        answer = line.getresponse()
        heard = b""
        while b'"notices"' not in heard or not heard.endswith(b"\n\n"):
            data = answer.read1()
            assert data, heard
            heard += data
    finally:
        line.close()
    assert REMINDED.encode() in heard
