"""A real RTSP server for tests, from Debian's GStreamer packages. Run with the system's Python, which has `gi`.

/usr/bin/python3 tests/support/capture/rtsp_server.py [PORT]      0 or nothing takes a free port

Prints the port of all streams, then those of two servers that want the login LOGIN for /live: by digest, and in plain.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

USER, PASSWORD = "admin", "p@ss:w#rd/1?"
PICTURES = (
    "videotestsrc is-live=true pattern=ball background-color=0xff606060 ! video/x-raw,width=320,height=240,framerate={}"
)
H264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={} ! rtph264pay name=pay0 pt=96 config-interval=1"
H265 = "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=12 ! rtph265pay name=pay0 pt=96 config-interval=1"
SOUND = "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay{} pt=8"


def h264(fps: str = "25/1", keyframes: int = 12) -> str:
    """A moving ball in H.264, with a keyframe every so many frames."""
    return f"{PICTURES.format(fps)} ! {H264.format(keyframes)}"


STREAMS = {
    "/live": h264(),
    "/rare": h264(keyframes=125),
    "/slow": h264(fps="1/2", keyframes=1),
    "/udp": h264(),
    "/talking": f"{h264()} {SOUND.format(1)}",
    "/sound": SOUND.format(0),
}


def serve(port: str, streams: dict[str, str], login: GstRtsp.RTSPAuthMethod | None = None) -> GstRtspServer.RTSPServer:
    """Serve these pipelines, to everybody or to USER."""
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    for path, pipeline in streams.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {pipeline} )")
        factory.set_shared(True)
        if path == "/udp":
            factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
        if login is not None:
            rights = GstRtspServer.RTSPPermissions()
            rights.add_role("user")
            rights.add_permission_for_role("user", "media.factory.access", True)
            rights.add_permission_for_role("user", "media.factory.construct", True)
            factory.set_permissions(rights)
        server.get_mount_points().add_factory(path, factory)
    if login is not None:
        server.set_auth(ask_for(login))
    if server.attach(None) == 0:
        sys.exit("the port is in use")
    return server


def ask_for(login: GstRtsp.RTSPAuthMethod) -> GstRtspServer.RTSPAuth:
    """Let in USER alone."""
    asking = GstRtspServer.RTSPAuth()
    asking.set_supported_methods(login)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    if login == GstRtsp.RTSPAuthMethod.DIGEST:
        asking.add_digest(USER, PASSWORD, token)
    else:
        asking.add_basic(GstRtspServer.RTSPAuth.make_basic(USER, PASSWORD), token)
    return asking


def main() -> None:
    """Serve until killed."""
    Gst.init(None)
    for element in ("videotestsrc", "x264enc", "rtph264pay", "alawenc", "rtppcmapay"):
        if Gst.ElementFactory.find(element) is None:
            sys.exit(f"GStreamer has no element {element}")
    has_h265 = all(Gst.ElementFactory.find(element) for element in ("x265enc", "rtph265pay"))
    streams = STREAMS | ({"/h265": f"{PICTURES.format('25/1')} ! {H265}"} if has_h265 else {})
    servers = [
        serve(sys.argv[1] if len(sys.argv) > 1 else "0", streams),
        serve("0", {"/live": h264()}, GstRtsp.RTSPAuthMethod.DIGEST),
        serve("0", {"/live": h264()}, GstRtsp.RTSPAuthMethod.BASIC),
    ]
    print(*(server.get_bound_port() for server in servers), int(has_h265), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
