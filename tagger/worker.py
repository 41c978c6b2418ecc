"""A gunicorn worker for slow and hostile clients, and for many quick ones: pages of a few kB are read and answered in the loop.

gunicorn's own gthread gives a connection its thread at the first byte, so that eight clients that send one header and stop
hold all eight threads of two workers (SECURITY.md has what was tried). Here no thread waits for the head of a request, and
none for ever for its body; health has a thread of its own, so that it is answered while all others are busy.
"""

import errno
import os
import socket
import sys
import time
from bisect import insort
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from operator import attrgetter
from selectors import EVENT_READ
from typing import Any, TypeVar

from gunicorn.http.wsgi import base_environ
from gunicorn.workers.gthread import TConn, ThreadWorker

from tagger.plain_http import END_OF_HEAD, Plain, answer, read_plain

HEAD_SECONDS = 10.0
LINGER_SECONDS = 0.5
# gunicorn refuses what is longer in parts (a request line of 4 kB, 100 fields of 8 kB); a CMS sends 1 kB.
_LARGEST_HEAD = 65_536
_HEALTH = tuple(
    f"{method} {path}".encode()
    for method in ("GET", "HEAD")
    for path in ("/livez", "/readyz", "/startupz", "/health", "/v2/health/")
)
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_KEPT: Future[bool] = Future()
_KEPT.set_result(True)
# A thread that computes keeps the loop waiting for so long, each time. Beside pages of 350 kB, the p99 of small ones was 16 to
# 33 ms in five rounds, and 22 to 46 with Python's own 5 ms.
_SWITCH_SECONDS = 0.0005
_Answer = TypeVar("_Answer")


class Connection(socket.socket):
    """A client's socket that gives back what was read ahead, and does not wait for its peer for ever.

    deadline, head_deadline: when a request, its head, must have arrived (`time.monotonic`). patience: how long to wait for a
    client that does not read its answer, in seconds. ready: enough has arrived to go on. plain: the request that has begun to
    arrive, if it is a plain one. unsent: of the answer to such a one, what the client has not taken.
    """

    def __init__(self, plain: socket.socket, patience: float) -> None:
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self.patience = patience
        self.deadline: float | None = None
        self.head_deadline: float | None = None
        self.ahead = b""
        self.ready = False
        self.plain: Plain | None = None
        self.unsent = b""

    def look_ahead(self) -> None:
        """Read what has arrived: `ready` when a head is whole, of a plain request its body too, or when no more is to come."""
        if self.gettimeout() != 0:
            self.setblocking(False)
        self.ready = False
        try:
            arrived = super().recv(_LARGEST_HEAD)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.ready = True
            return
        self.ahead += arrived
        self.plain = self.plain or read_plain(self.ahead)
        enough = len(self.ahead) >= self.plain.size if self.plain else END_OF_HEAD in self.ahead or self.too_long
        self.ready = enough or not arrived

    @property
    def too_long(self) -> bool:
        """Whether more was read than a head may hold, and no end of one."""
        return len(self.ahead) >= _LARGEST_HEAD and END_OF_HEAD not in self.ahead

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
        """Return all that was read ahead first, then what arrives before the deadline."""
        if self.ahead:
            given, self.ahead = self.ahead, b""
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
    """gthread with the head of each request read by the loop, which also answers those that are plain."""

    def init_process(self) -> None:
        """Start as gthread does, with one thread more, for health."""
        self.health = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
        # gunicorn alone knows what a proxy says before a request, a prefix of paths, and the log of accesses.
        self.quick = (
            self.cfg.keepalive
            and self.cfg.proxy_protocol == "off"
            and not self.cfg.accesslog
            and not os.environ.get("SCRIPT_NAME")
        )
        self.same = {**base_environ(self.cfg), "wsgi.multithread": True}
        sys.setswitchinterval(_SWITCH_SECONDS)
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """Read what has arrived, and answer it, give it a thread, or wait for more in the loop."""
        if not isinstance(conn.sock, Connection):
            conn.sock = Connection(conn.sock, self.cfg.timeout)
        if self._answered(conn):
            self.finish_request(conn, _KEPT)
        else:
            self._go_on(conn)

    def on_client_socket_readable(self, conn: TConn, client: Connection) -> None:
        """As `enqueue_req`, for a kept connection: while its requests are plain, it stays with the poller."""
        self.keepalived_conns.remove(conn)
        if self._answered(conn):
            conn.set_timeout()
            self.keepalived_conns.append(conn)
        else:
            self.poller.unregister(client)
            self._go_on(conn)

    def _answered(self, conn: TConn) -> bool:
        """Read what has arrived; tell whether it was a plain request, which then has its answer, and its client took it."""
        sock: Connection = conn.sock
        if conn.parser is not None and conn.parser.unreader.buf.getvalue():  # pipelined, and read already
            sock.ready = True
            return False
        sock.look_ahead()
        plain, environment = sock.plain, self._environment(conn)
        if not sock.ready or plain is None or environment is None:
            return False
        whole, sock.ahead, sock.plain = sock.ahead, b"", None
        try:
            told = answer(self.wsgi, environment, whole[plain.start :])
        except Exception:
            self.log.exception("Error handling request; a thread tries again")
            sock.ahead = whole
            return False
        self.nr += 1
        sock.head_deadline = None
        try:
            sock.unsent = told[sock.send(told) :]
        except OSError:  # it is full or gone: a thread finds out
            sock.unsent = told
        return not sock.unsent

    def _go_on(self, conn: TConn) -> None:
        """Give a connection its thread, or let the loop wait for more."""
        if conn.sock.unsent:
            self._submit(self.tpool, self._send_rest, conn)
        elif not conn.sock.ready:
            self._park(conn)
        else:
            conn.data_ready = True
            conn.sock.plain = conn.sock.head_deadline = None
            conn.sock.deadline = time.monotonic() + self.cfg.timeout
            pool = self.health if conn.sock.ahead.startswith(_HEALTH) else self.tpool
            self._submit(pool, self._refuse if conn.sock.too_long else self.handle, conn)

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[[TConn], object], conn: TConn) -> None:
        future = pool.submit(work, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _environment(self, conn: TConn) -> dict[str, Any] | None:
        """Return the environment of a plain request that has arrived whole and alone, and may be answered in the loop."""
        plain, client = conn.sock.plain, conn.client
        if not self.quick or plain is None or len(conn.sock.ahead) != plain.size or not isinstance(client, tuple):
            return None
        if not self.alive or self.nr + 1 >= self.max_requests or len(self.keepalived_conns) >= self.max_keepalived:
            return None  # gunicorn says that the connection ends
        scheme = plain.environment.get("HTTP_X_FORWARDED_PROTO")
        if scheme is not None and client[0] not in self.cfg.forwarded_allow_ips:
            return None  # gunicorn knows whom to believe
        if conn.parser is None:
            conn.init()
            conn.sock.setblocking(False)
        return {
            **self.same,
            **plain.environment,
            "wsgi.url_scheme": "https" if scheme == "https" else "http",
            "REMOTE_ADDR": client[0],
            "REMOTE_PORT": str(client[1]),
            "SERVER_NAME": conn.server[0],
            "SERVER_PORT": str(conn.server[1]),
        }

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

    def _send_rest(self, conn: TConn) -> bool:
        rest, conn.sock.unsent = conn.sock.unsent, b""
        with suppress(OSError):
            conn.sock.sendall(rest)
            return True
        return False

    def _park(self, conn: TConn) -> None:
        """Wait for more of a head, or of a plain request, but not beyond the time that it has, however often a byte arrives."""
        if conn.sock.head_deadline is None:
            conn.sock.head_deadline = time.monotonic() + HEAD_SECONDS
        more = self.cfg.timeout - HEAD_SECONDS if conn.sock.plain else 0
        conn.timeout = conn.sock.head_deadline + more
        # gunicorn looks at the first one alone, until that has run out of time.
        insort(self.pending_conns, conn, key=attrgetter("timeout"))
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))
