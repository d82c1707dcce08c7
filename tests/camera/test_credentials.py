"""Where a camera is and who we are to it; neither shows the password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.camera import Credentials, StreamAddress, opener_for
from edge.camera.challenge import authorization

AWKWARD = Credentials(user="an:na@shop", password="p@ss:w/r?d#1%")


def test_awkward_passwords_are_encoded_only_for_the_opening():
    address = StreamAddress.parse("rtsp://192.0.2.10/stream2?channel=1", credentials=AWKWARD)

    assert (
        address.secret_url()
        == "rtsp://an%3Ana%40shop:p%40ss%3Aw%2Fr%3Fd%231%25@192.0.2.10:554/stream2?channel=1"
    )
    assert address.url() == "rtsp://192.0.2.10:554/stream2?channel=1"


def test_nothing_that_is_printed_has_a_secret_in_it():
    """Neither the password nor a query, where some cameras want a token."""
    address = StreamAddress.parse("http://192.0.2.10:8080/video?usr=anna&pwd=hush", credentials=AWKWARD)
    shown = f"{address} {address!r} {AWKWARD!r} {opener_for('rtsp://anna:hush@192.0.2.10/lane')}"

    assert str(address) == "http://192.0.2.10:8080/video"
    assert not any(secret in shown for secret in ("hush", AWKWARD.password, "p%40ss"))


def test_credentials_in_a_url_are_taken_out_of_it():
    address = StreamAddress.parse("rtsp://anna:p%40ss@192.0.2.10:8554/lane")

    assert address.credentials == Credentials(user="anna", password="p@ss")
    assert address.url() == "rtsp://192.0.2.10:8554/lane"


def test_credentials_given_apart_win():
    address = StreamAddress.parse("rtsp://old:old@192.0.2.10/lane", credentials=AWKWARD)
    assert address.credentials == AWKWARD


@given(st.text(), st.text())
def test_every_user_and_password_survives_the_url(user, password):
    user, password = (word.encode("utf-8", "ignore").decode() for word in (user, password))
    address = StreamAddress.parse("rtsp://h/", credentials=Credentials(user=user, password=password))
    again = StreamAddress.parse(address.secret_url())

    assert again.credentials == address.credentials
    assert again.host == "h"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://anna:hush@host/x", "starts with rtsp://"),
        ("rtsp://anna:hush@/x", "names no host"),
        ("rtsp://anna:hush@host:99999/x", "port"),
        ("rtsp://anna:hush@host:port/x", "port"),
    ],
)
def test_a_bad_address_is_named_without_repeating_it(url, words):
    with pytest.raises(ValueError, match=words) as refusal:
        StreamAddress.parse(url)
    assert "hush" not in str(refusal.value)
    assert refusal.value.__context__ is None or "hush" not in str(refusal.value.__context__)


MUFASA = Credentials(user="Mufasa", password="Circle of Life")
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_answers_as_the_standard_does(algorithm, response):
    """The example of RFC 7616, 3.9.1."""
    answer = authorization(
        [RFC_7616.format(algorithm)],
        MUFASA,
        method="GET",
        uri="/dir/index.html",
        nonce_of_client="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert answer is not None
    assert f'response="{response}"' in answer
    assert "qop=auth, nc=00000001" in answer


def test_digest_of_old_cameras_has_no_qop():
    """The example of RFC 2069 as corrected in its errata (1995 cameras, still sold)."""
    answer = authorization(
        ['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'],
        Credentials(user="Mufasa", password="CircleOfLife"),
        method="GET",
        uri="/dir/index.html",
        nonce_of_client="unused",
    )
    assert answer is not None
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in answer


def test_the_stronger_answer_is_chosen_and_basic_is_the_last():
    offers = ["Basic realm=cam", RFC_7616.format("MD5"), RFC_7616.format("SHA-256")]
    answers = [
        authorization(offers[:n], MUFASA, method="GET", uri="/", nonce_of_client="c") for n in (1, 2, 3)
    ]
    assert [str(answer).split()[0] for answer in answers] == ["Basic", "Digest", "Digest"]
    assert "algorithm=SHA-256" in str(answers[2])
    assert answers[0] == "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl"


def test_what_cannot_be_answered_is_not():
    assert authorization(["Negotiate"], MUFASA, method="GET", uri="/", nonce_of_client="c") is None
    assert authorization([], MUFASA, method="GET", uri="/", nonce_of_client="c") is None
