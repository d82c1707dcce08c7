"""JPEGs out of a stream, in whatever pieces it comes and whatever a camera leaves out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.camera.multipart import jpegs

pictures = st.lists(
    st.binary(min_size=1, max_size=300).filter(lambda data: b"\r\n--frame" not in data), max_size=5
)


def stream(contents: list[bytes], *, lengths: bool = True, lead: bytes = b"") -> bytes:
    parts = [
        b"--frame\r\nContent-Type: image/jpeg\r\n"
        + (b"Content-Length: %d\r\n" % len(content) if lengths else b"")
        + b"\r\n"
        + content
        + b"\r\n"
        for content in contents
    ]
    return lead + b"".join(parts) + b"--frame--\r\n"


def pieces_of(data: bytes, sizes: list[int]) -> Callable[[], bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    waiting = iter([piece for piece in [*pieces, data] if piece])
    return lambda: next(waiting, b"")


@given(pictures, st.booleans(), st.lists(st.integers(1, 40), max_size=40))
def test_every_picture_comes_whole_in_whatever_pieces(contents, lengths, sizes):
    assert list(jpegs(pieces_of(stream(contents, lengths=lengths), sizes))) == contents


@given(pictures, st.booleans(), st.integers(0, 200))
@example([b"\x00"], True, 16)  # cut between the two line ends of the header
def test_a_stream_that_breaks_off_gives_only_whole_pictures(contents, lengths, missing):
    data = stream(contents, lengths=lengths)
    got = list(jpegs(pieces_of(data[: max(0, len(data) - missing)], [])))
    assert got == contents[: len(got)]


def test_plain_line_ends_and_an_empty_line_before_the_first_part_are_taken():
    data = b"\r\n\n--b\nContent-Length: 3\n\nabc\n--b\nContent-Length: 2\n\nde\n"
    assert list(jpegs(pieces_of(data, []))) == [b"abc", b"de"]


def test_what_is_no_such_stream_is_refused():
    with pytest.raises(ValueError, match="no row of pictures"):
        list(jpegs(pieces_of(b"<html>Sign in</html>\r\n", [])))
    with pytest.raises(ValueError, match="no row of pictures"):
        list(jpegs(pieces_of(b"x" * 20_000, [])))


def test_a_picture_too_large_to_be_one_is_refused_before_it_is_kept():
    with pytest.raises(ValueError, match="announces a picture of 99999999 bytes"):
        list(jpegs(pieces_of(b"--b\r\nContent-Length: 99999999\r\n\r\nabc", [])))
    endless = iter([b"--b\r\n\r\n"])
    with pytest.raises(ValueError, match="larger than 16000000 bytes"):
        list(jpegs(lambda: next(endless, b"x" * 1_000_000)))
