"""A password never stands in a line that leaves the process, however it got there."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ops.log import redactor, start_logging
from edge.ops.redact import Redactor


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging(style="json", stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize(
    "line",
    [
        "rtsp://admin:hunter2@10.0.0.5/stream1: Connection refused",
        "Unrecognized option 'x', did you mean rtsp://admin:hunter2@10.0.0.5?",
        "Authorization: Bearer hunter2",
        "password=hunter2 user=admin",
        '{"password": "hunter2"}',
        "broker_password=hunter2 host=hub",
        "no_proxy_password=hunter2 host=hub",
        '{"mqtt-client_secret": "hunter2"}',
        "rtsp://hunter2@10.0.0.5/",
        "two rtsp://a:hunter2@x/1 and http://b:hunter2@y/2",
    ],
)
def test_every_known_shape_of_a_credential_is_masked(line: str) -> None:
    assert "hunter2" not in Redactor()(line)


def test_an_at_sign_inside_the_password_does_not_leave_its_tail() -> None:
    assert Redactor()("rtsp://admin:p@ss@10.0.0.5/x") == "rtsp://***@10.0.0.5/x"


def test_what_is_no_secret_stays_readable() -> None:
    for line in (
        "camera cam-1 is down after 12.5 s: rtsp://10.0.0.5:554/stream1 answered 404",
        "bypassword=3 no_tokens: 12 received",
        '{"refused": {"bad_time": 1, "no_token": 4}}',
    ):
        assert Redactor(["hunter2"])(line) == line


@given(secret=st.text(min_size=3, max_size=30), before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_learned_secret_is_gone_raw_and_percent_encoded(secret: str, before: str, after: str) -> None:
    redact = Redactor([secret])
    for form in (secret, quote(secret, safe="")):
        told = redact(f"{before}\n{form}\n{after}")
        assert form not in told.replace("***", "") or form in before or form in after or form in "\n"


ODD = ('pa"ss', "pa'ss", "pa\\ss", "pä\tss", "klop'\"\\n", "ключ 'от\" всего", "zürich\x7f")


@pytest.mark.parametrize("style", ["json", "pretty"])
@pytest.mark.parametrize("secret", ODD)
def test_a_secret_with_quotes_or_backslashes_is_masked_however_the_line_is_written(
    style: str, secret: str
) -> None:
    """JSON and repr escape such a character; what was looked for then stood in no line, and the secret did."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    redactor.learn(secret)
    try:
        start_logging(style=style, stream=stream)
        log = logging.getLogger("edge.camera")
        log.warning("cannot open %s", secret, extra={"url": f"rtsp://h/{secret}", "all": {"it's": secret}})
        log.warning("cannot open %r with 'both\" quotes", {"p": f"it's {secret} \" here"})
        log.warning("said %r and %s", secret.encode(), base64.b64encode(secret.encode()).decode())
        try:
            raise OSError(f"cannot open {secret!r}")
        except OSError:
            log.exception("camera is down")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    told = stream.getvalue()
    assert told.count("***") >= 7
    letters = max(re.findall(r"\w+", secret), key=len)
    assert letters not in told
    assert json.dumps(letters)[1:-1] not in told


@given(secret=st.text(min_size=3, max_size=20), around=st.text(alphabet="'\"\\ a\n", max_size=4))
def test_any_secret_is_masked_in_json_repr_and_both(secret: str, around: str) -> None:
    redact = Redactor([secret])
    text = f"{around}\0{secret}\0{around}"
    for written in (
        json.dumps(text),
        json.dumps(text, ensure_ascii=False),
        repr(text),
        json.dumps(repr(text)),
    ):
        assert "***" in redact(written), written


def test_a_secret_in_a_field_or_a_traceback_of_a_record_is_masked(logged: io.StringIO) -> None:
    redactor.learn("s3cret-planted")
    try:
        raise OSError("cannot open rtsp://u:s3cret-planted@h/")
    except OSError:
        logging.getLogger("edge.camera.capture").warning(
            "camera is down", extra={"camera": "cam-1", "url": "s3cret-planted"}, exc_info=True
        )
    line = json.loads(logged.getvalue())
    assert "s3cret-planted" not in logged.getvalue()
    assert (line["room"], line["camera"], line["level"]) == ("camera", "cam-1", "warning")
