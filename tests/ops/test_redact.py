"""A password never stands in a line that leaves the process, however it got there."""

from __future__ import annotations

import io
import json
import logging
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
        "rtsp://hunter2@10.0.0.5/",
        "two rtsp://a:hunter2@x/1 and http://b:hunter2@y/2",
    ],
)
def test_every_known_shape_of_a_credential_is_masked(line: str) -> None:
    assert "hunter2" not in Redactor()(line)


def test_an_at_sign_inside_the_password_does_not_leave_its_tail() -> None:
    assert Redactor()("rtsp://admin:p@ss@10.0.0.5/x") == "rtsp://***@10.0.0.5/x"


def test_what_is_no_secret_stays_readable() -> None:
    line = "camera cam-1 is down after 12.5 s: rtsp://10.0.0.5:554/stream1 answered 404"
    assert Redactor(["hunter2"])(line) == line


@given(secret=st.text(min_size=3, max_size=30), before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_learned_secret_is_gone_raw_and_percent_encoded(secret: str, before: str, after: str) -> None:
    redact = Redactor([secret])
    for form in (secret, quote(secret, safe="")):
        told = redact(f"{before}\n{form}\n{after}")
        assert form not in told.replace("***", "") or form in before or form in after or form in "\n"


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
