"""A real RTSP server for `bench live`: plays a clip to everybody who asks, at the pace of its time stamps.

    /usr/bin/python3 rtsp_server.py CLIP.mp4

It runs under the system's Python, where Debian puts GStreamer's bindings (`RTSP_PACKAGES`). It prints `port N`, then
`client T` for each connection, T in seconds since 1970. The stream is `rtsp://127.0.0.1:N/lane`; who connects gets
the clip from its beginning. It ends when its standard input closes, so that it cannot outlive who started it.
"""

import sys
import time
from typing import Any

__all__ = ["RTSP_PACKAGES", "RTSP_PYTHON"]

RTSP_PYTHON = "/usr/bin/python3"
RTSP_PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base "
    "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
)


def _serve(clip: str) -> None:
    import gi  # type: ignore[import-not-found]

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]

    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f'( filesrc location="{clip}" ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )'
    )
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    server.get_mount_points().add_factory("/lane", factory)
    server.connect("client-connected", lambda *_: print("client", f"{time.time():.3f}", flush=True))
    if server.attach(None) == 0:
        sys.exit("no port of 127.0.0.1 could be bound")
    print("port", server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()

    def closed(*_: Any) -> bool:
        loop.quit()
        return False

    GLib.io_add_watch(sys.stdin, GLib.IO_HUP, closed)
    loop.run()


if __name__ == "__main__":
    _serve(sys.argv[1])
