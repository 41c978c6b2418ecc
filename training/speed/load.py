"""Requests on kept connections, as fast as they are answered, from one thread -> how long each took. Knows no service.

Each process that answers gets as many connections: on its own, the one that wakes first may take nearly all of them.
"""

import socket
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

_END_OF_HEAD = b"\r\n\r\n"
_TRIES = 1000


class _Client:
    """A connection that has at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._arrived = b""

    def send(self, request: bytes) -> None:
        self._arrived = b""
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def is_answered(self) -> bool:
        """Read what is there; tell whether the answer is whole."""
        arrived = self.socket.recv(1 << 17)
        if not arrived:
            raise ConnectionError("The service hung up.")
        self._arrived += arrived
        head, end, body = self._arrived.partition(_END_OF_HEAD)
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(f"The service answered {self._arrived[:500]!r}.")
        return len(body) >= int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])


def load(port: int, workers: Collection[int], requests: Sequence[bytes], seconds: float, connections: int = 8) -> list[float]:
    """Ask for so long, and return the seconds that each request took, from its first byte sent to its last byte read.

    workers: the processes that answer on the port.
    """
    taken: list[float] = []
    next_request = cycle(requests)
    clients = _spread(port, workers, connections // len(workers))
    with DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, EVENT_READ, client)
            client.send(next(next_request))
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            for key, _ in selector.select(1.0):
                client = key.data
                if client.is_answered():
                    now = time.perf_counter()
                    taken.append(now - client.sent)
                    client.send(next(next_request))
    for client in clients:
        client.socket.close()
    return taken


def _spread(port: int, workers: Collection[int], each: int) -> list[_Client]:
    """Connect until each worker has accepted so many connections; those too many for one are closed again."""
    taken: dict[int, list[_Client]] = {worker: [] for worker in workers}
    for _ in range(_TRIES):
        client = _Client(port)
        accepted = taken[_accepting(client.socket.getsockname()[1], port, workers)]
        if len(accepted) < each:
            accepted.append(client)
        else:
            client.socket.close()
        if all(len(clients) == each for clients in taken.values()):
            return [client for clients in zip(*taken.values(), strict=True) for client in clients]
    raise ConnectionError(f"After {_TRIES} connections, not every worker has {each}.")


def _accepting(client_port: int, port: int, workers: Collection[int]) -> int:
    """Return the process that has accepted a connection."""
    ends = f":{port:04X}", f":{client_port:04X}"
    for _ in range(_TRIES):
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]):
                for worker in workers:
                    if f"socket:[{fields[9]}]" in _opened(worker):
                        return worker
        time.sleep(0.001)
    raise ConnectionError("No worker accepts the connection.")


def _opened(process: int) -> set[str]:
    opened = set()
    for path in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            opened.add(str(path.readlink()))
    return opened
