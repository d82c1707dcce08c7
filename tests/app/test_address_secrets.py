"""A password that stands within an address, where many cameras want it, is kept out of every log line too."""

from __future__ import annotations

from pathlib import Path

from edge.app.cameras import build_cameras
from edge.app.couriers import build_receiver
from edge.config import Camera, Config, Lane, State, WebhookSink
from edge.ops.log import redactor


def test_what_ffmpeg_or_a_receiver_repeats_is_masked(tmp_path: Path) -> None:
    camera = Camera(name="c", source="rtsp://192.0.2.1/user=admin_password=canary-within_channel=1.sdp")
    sink = WebhookSink(
        kind="webhook",
        name="w",
        purpose="operations",
        url="https://hooks.example/services/canary0canary0canary0",
    )
    build_cameras((camera,), told=lambda _status: None, wake=lambda: None)
    lane = Lane(name="l", camera="c")
    build_receiver(sink, Config(cameras=(camera,), lanes=(lane,), state=State(dir=tmp_path))).close()
    for said in (f"[rtsp] {camera.source}: 401", f"POST {sink.url} failed"):
        assert "canary" not in redactor(said)
