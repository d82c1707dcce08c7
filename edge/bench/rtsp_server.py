"""A real RTSP server for the benches: plays films to everybody who asks, at the pace of their stamps.

    /usr/bin/python3 rtsp_server.py FILM.mp4 [FILM.mp4 …]

It runs under the system's Python, where Debian puts GStreamer's bindings (`RTSP_PACKAGES`). It prints `port N`, then
`client T` for each connection, T in seconds since 1970. The streams are `rtsp://127.0.0.1:N/lane` for the first film,
`…/lane-1` for the second and so on; who connects gets a film from its beginning. It ends when its standard input
closes, so that it cannot outlive who started it.
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


def _serve(films: list[str]) -> None:
    import gi  # type: ignore[import-not-found]

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for number, film in enumerate(films):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            f'( filesrc location="{film}" ! qtdemux ! h264parse ! '
            "rtph264pay name=pay0 pt=96 config-interval=-1 )"
        )
        server.get_mount_points().add_factory(f"/lane-{number}" if number else "/lane", factory)
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
    _serve(sys.argv[1:])
