"""`bench socketio`: a WebSocket server that says its version and sends back what it is told.

Not socket.io's protocol: it is here so that a connection can be held open through a release. Any plain request to it is
answered as the start hook of a Pod asks for.
"""

import base64
import hashlib
import socketserver
import struct

from .responses import VERSION

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def read_text(stream):
    """The next text message of a client; None at the end."""
    head = stream.read(2)
    if len(head) < 2 or head[0] & 0x0F == 8:
        return None
    length = head[1] & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", stream.read(2))
    mask = stream.read(4)
    data = stream.read(length)
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def text_frame(data):
    """A text message of the server, of less than 126 bytes."""
    return struct.pack("!BB", 0x81, len(data)) + data


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self):
        """A handshake and then messages, or one plain request."""
        headers = {}
        if not self.rfile.readline():
            return
        while (line := self.rfile.readline().strip()):
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        version = VERSION.encode()
        key = headers.get(b"sec-websocket-key")
        if not key:
            body = b"sample bench " + version
            self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-Bench-Version: " + version)
            self.wfile.write(b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
            return
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        self.wfile.write(b"X-Bench-Version: " + version + b"\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while (message := read_text(self.rfile)) is not None:
            self.wfile.write(text_frame(version + b" " + message[:100]))


class Server(socketserver.ThreadingTCPServer):
    """A thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True


def serve(port):
    """Serve until the process ends."""
    with Server(("0.0.0.0", port), Handler) as server:
        server.serve_forever()
