"""A gunicorn worker for slow and hostile clients: no thread waits for the head of a request, none for ever for its body.

gunicorn's own gthread gives a connection its thread at the first byte, so that eight clients that send one header and stop
hold all eight threads of two workers (SECURITY.md has what was tried). Here the loop collects the head; health has a thread
of its own, so that it is answered while all others are busy.
"""

import errno
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any, TypeVar

from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS = 10.0
LINGER_SECONDS = 0.5
_END_OF_HEAD = b"\r\n\r\n"
# gunicorn refuses what is longer in parts (a request line of 4 kB, 100 fields of 8 kB); a CMS sends 1 kB.
_LARGEST_HEAD = 65_536
_HEALTH = tuple(
    f"{method} {path}".encode()
    for method in ("GET", "HEAD")
    for path in ("/livez", "/readyz", "/startupz", "/health", "/v2/health/")
)
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_Answer = TypeVar("_Answer")


class Connection(socket.socket):
    """A client's socket that gives back what was read ahead, and does not wait for its peer for ever.

    deadline, head_deadline: when a request, its head, must have arrived (`time.monotonic`). patience: how long to wait for a
    client that does not read its answer, in seconds.
    """

    def __init__(self, plain: socket.socket, patience: float) -> None:
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self.patience = patience
        self.deadline: float | None = None
        self.head_deadline: float | None = None
        self.ahead = b""

    def look_ahead(self) -> bool:
        """Read what has arrived; tell whether to go on: the head is whole or too long, or the client is gone."""
        self.setblocking(False)
        try:
            arrived = super().recv(_LARGEST_HEAD)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        self.ahead += arrived
        return not arrived or _END_OF_HEAD in self.ahead or self.too_long

    @property
    def too_long(self) -> bool:
        """Whether more was read than a head may hold, and no end of one."""
        return len(self.ahead) >= _LARGEST_HEAD and _END_OF_HEAD not in self.ahead

    def linger(self) -> None:
        """Let the client read its answer: closing over bytes that nobody read would reset the connection.

        gunicorn does so in its loop, where a client that does not hang up would keep all others waiting for two seconds.
        """
        end = time.monotonic() + LINGER_SECONDS
        with suppress(OSError):
            self.shutdown(socket.SHUT_WR)
            while (left := end - time.monotonic()) > 0:
                self.settimeout(left)
                if not super().recv(_LARGEST_HEAD):
                    break
        self.deadline = 0.0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what was read ahead first, then what arrives before the deadline."""
        if self.ahead:
            given, self.ahead = self.ahead[:size], self.ahead[size:]
            return given
        left = self.patience if self.deadline is None else self.deadline - time.monotonic()
        return self._within(left, partial(super().recv, size, flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send, with patience for a client that reads slowly."""
        self._within(self.patience, partial(super().sendall, data, flags))

    def _within(self, seconds: float, call: Callable[[], _Answer]) -> _Answer:
        try:
            self.settimeout(max(seconds, 0.001))
            return call()
        except TimeoutError as error:
            # gunicorn takes a reset for what it is, a client that is gone, and logs no error.
            raise ConnectionResetError(errno.ECONNRESET, "the client was too slow") from error
        finally:
            self.settimeout(None)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gthread with the head of each request read by the loop."""

    def init_process(self) -> None:
        """Start as gthread does, with one thread more, for health."""
        self.health = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection its thread once the head of its request is there; until then let the loop wait for it."""
        if not isinstance(conn.sock, Connection):
            conn.sock = Connection(conn.sock, self.cfg.timeout)
        pipelined = conn.parser is not None and conn.parser.unreader.buf.getvalue()
        if not pipelined and not conn.sock.look_ahead():
            self._park(conn)
            return
        conn.data_ready = True
        conn.sock.head_deadline = None
        conn.sock.deadline = time.monotonic() + self.cfg.timeout
        pool = self.health if conn.sock.ahead.startswith(_HEALTH) else self.tpool
        future = pool.submit(self._refuse if conn.sock.too_long else self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def handle(self, conn: TConn) -> object:
        """Answer a request; tell whether the connection goes on."""
        goes_on: object = super().handle(conn)
        if not goes_on:
            conn.sock.linger()
        return goes_on

    def _refuse(self, conn: TConn) -> bool:
        with suppress(OSError):
            conn.sock.sendall(_TOO_LONG)
        conn.sock.linger()
        return False

    def _park(self, conn: TConn) -> None:
        """Wait for more of a head, but not beyond the time that the whole head has, however often a byte arrives."""
        if conn.sock.head_deadline is None:
            conn.sock.head_deadline = time.monotonic() + HEAD_SECONDS
        conn.timeout = conn.sock.head_deadline
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))
