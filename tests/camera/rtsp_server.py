"""A real RTSP server for tests, a program of its own so that a test may kill or stop it.

    /usr/bin/python3 rtsp_server.py --port 0 [--size 320x240] [--fps 15] [--file CLIP.mp4] [--user U --password P]
                                    [--slow-s 2]

It runs under the system's Python, where Debian puts GStreamer's bindings. It prints `port N` when it
listens and obeys lines on its standard input: `size 640x480` changes the running picture's size,
`black` and `ball` change what it shows, `quit` ends it. The stream is `rtsp://127.0.0.1:N/lane`.
"""

import argparse
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402


def pipeline(options):
    if options.file:
        film = f'filesrc location="{options.file}" ! qtdemux ! h264parse'
        return f"( {film} ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
    width, height = options.size.split("x")
    return (
        f"( videotestsrc is-live=true name=source pattern=ball ! capsfilter name=size "
        f"caps=video/x-raw,format=I420,width={width},height={height},framerate={options.fps}/1 "
        f"! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={options.fps} bitrate=500 "
        f"! rtph264pay name=pay0 pt=96 config-interval=-1 )"
    )


class Lane(GstRtspServer.RTSPMediaFactory):
    def __init__(self, options):
        super().__init__()
        self.options = options
        self.elements = []

    def do_create_element(self, url):  # noqa: ARG002 - the binding's signature
        if self.options.slow_s:
            time.sleep(self.options.slow_s)
        element = Gst.parse_launch(pipeline(self.options))
        self.elements.append(element)
        return element

    def each(self, name):
        return [found for found in (e.get_by_name(name) for e in self.elements) if found is not None]

    def resize(self, size):
        self.options.size = size
        width, height = size.split("x")
        caps = Gst.Caps.from_string(
            f"video/x-raw,format=I420,width={width},height={height},framerate={self.options.fps}/1"
        )
        for element in self.each("size"):
            element.set_property("caps", caps)

    def show(self, pattern):
        for element in self.each("source"):
            element.set_property("pattern", pattern)


def guard(server, factory, user, password):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "camera")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_role("camera")
    permissions.add_permission_for_role("camera", "media.factory.access", True)
    permissions.add_permission_for_role("camera", "media.factory.construct", True)
    factory.set_permissions(permissions)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--file")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--slow-s", type=float, default=0)
    options = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    factory = Lane(options)
    if options.user:
        guard(server, factory, options.user, options.password)
    server.get_mount_points().add_factory("/lane", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {options.port} of 127.0.0.1 is taken")
    print("port", server.get_bound_port(), flush=True)

    loop = GLib.MainLoop()

    def told(channel, condition):
        words = sys.stdin.readline().split()
        if not words or words[0] == "quit":
            loop.quit()
            return False
        if words[0] == "size":
            factory.resize(words[1])
        else:
            factory.show(words[0])
        print("done", *words, flush=True)
        return True

    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, told)
    loop.run()


main()
