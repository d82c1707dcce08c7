"""What a process holds open has a name; how often it is asked costs no more."""

from __future__ import annotations

import os
import socket
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from edge.ops.descriptors import DescriptorCount, descriptors_by_kind


def test_every_kind_is_told_by_what_it_leads_to(tmp_path: Path) -> None:
    with ExitStack() as held:
        before = Counter(descriptors_by_kind())
        held.enter_context((tmp_path / "events.jsonl").open("w"))
        for end in os.pipe():
            held.callback(os.close, end)
        held.callback(os.close, os.eventfd(0))
        held.callback(os.close, os.memfd_create("model"))
        server = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = server.getsockname()[1]
        stays = held.enter_context(socket.create_connection(("127.0.0.1", port)))
        held.enter_context(server.accept()[0])
        goes = socket.create_connection(("127.0.0.1", port))
        left = held.enter_context(server.accept()[0])
        goes.close()
        assert left.recv(1) == b""
        for end in socket.socketpair():
            held.enter_context(end)
        held.enter_context(socket.socket())

        told = Counter(descriptors_by_kind()) - before
        assert stays.fileno() >= 0

    assert told == {
        "file events.jsonl": 1,
        "pipe": 2,
        "eventfd": 1,
        "memfd model": 1,
        f"tcp listening at :{port}": 1,
        f"tcp established to :{port}": 1,
        f"tcp established at :{port}": 1,
        f"tcp left by the other end at :{port}": 1,
        "unix socket": 2,
        "socket": 1,
    }


def test_it_is_counted_once_in_ten_seconds() -> None:
    moments_s = iter([0.0, 9.9, 10.0])
    counts = iter([{"pipe": 1}, {"pipe": 2}])
    asked = DescriptorCount(lambda: next(counts), monotonic_s=lambda: next(moments_s))

    assert [asked.now() for _ in range(3)] == [{"pipe": 1}, {"pipe": 1}, {"pipe": 2}]
