"""Requests on kept connections, as fast as they are answered, from one thread -> how long each took. Knows no service."""

import socket
import time
from collections.abc import Sequence
from itertools import cycle
from selectors import EVENT_READ, DefaultSelector

_END_OF_HEAD = b"\r\n\r\n"


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


def load(port: int, requests: Sequence[bytes], seconds: float, connections: int = 8) -> list[float]:
    """Ask for so long, and return the seconds that each request took, from its first byte sent to its last byte read."""
    taken: list[float] = []
    next_request = cycle(requests)
    clients = [_Client(port) for _ in range(connections)]
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
