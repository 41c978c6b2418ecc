"""The head of a plain request -> the WSGI environment, and the answer of an app -> bytes. Knows no socket.

Plain: a small POST with one length, each field once, and nothing that says how to read it otherwise. What is not known to be
plain is left to gunicorn, which refuses what is wrong.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from time import time
from typing import Any

# Larger bodies, and other types, take long enough to be worth a thread.
LARGEST_BODY = 32_768
END_OF_HEAD = b"\r\n\r\n"
_LARGEST_HEAD = 4096
_HEAD = re.compile(
    r"POST (/v1/tags)(?:\?([!-\"$-~]*))? HTTP/1\.1\r\n((?:[A-Za-z0-9-]{1,64}+: ?(?! )[ -~]*+\r\n){2,50}+)\r\n", re.ASCII
)
_HOST = re.compile(r"[A-Za-z0-9.-]{1,255}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?", re.ASCII)
_LENGTH = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
# Each of these changes what a message is, or who is told to have sent it.
_NOT_PLAIN = frozenset(
    "HTTP_TRANSFER_ENCODING HTTP_EXPECT HTTP_UPGRADE HTTP_TE HTTP_TRAILER HTTP_HTTP2_SETTINGS HTTP_PROXY HTTP_SCRIPT_NAME "
    "HTTP_PATH_INFO HTTP_REMOTE_USER HTTP_X_FORWARDED_PROTOCOL HTTP_X_FORWARDED_SSL".split()
)
_QUICK_TYPES = ("application/json", "text/plain")
_NO_BODY = ("1", "204", "304")
# What a field of an answer may hold; a line break would begin another one.
_ANSWER = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++: [\t -~\x80-\xff]*+\r\n)*+")
_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain request: its environment without a body, where that begins, and the size of both."""

    environment: Mapping[str, Any]
    start: int
    size: int


def read_plain(ahead: bytes) -> Plain | None:
    """Read the head at the beginning of what has arrived; None: it is not whole, or not plain."""
    start = ahead.find(END_OF_HEAD, 0, _LARGEST_HEAD) + len(END_OF_HEAD)
    found = _HEAD.fullmatch(ahead[:start].decode("latin-1"))
    if found is None:
        return None
    path, query, lines = found.groups()
    environment = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": query or "", "SCRIPT_NAME": ""}
    environment |= {"SERVER_PROTOCOL": "HTTP/1.1", "RAW_URI": f"{path}?{query}" if query is not None else path}
    for line in lines.split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if key in environment:
            return None
        environment[key] = value.strip()
    length, kind = environment.pop("HTTP_CONTENT_LENGTH", ""), environment.pop("HTTP_CONTENT_TYPE", "")
    if not _is_plain(environment, kind) or not _LENGTH.fullmatch(length) or int(length) > LARGEST_BODY:
        return None
    environment |= {"CONTENT_LENGTH": length, "CONTENT_TYPE": kind}
    return Plain(environment, start, start + int(length))


def _is_plain(environment: Mapping[str, str], kind: str) -> bool:
    return (
        _HOST.fullmatch(environment.get("HTTP_HOST", "")) is not None
        and _NOT_PLAIN.isdisjoint(environment)
        and environment.get("HTTP_CONNECTION", "keep-alive").lower() == "keep-alive"
        and kind.lower().startswith(_QUICK_TYPES)
    )


def answer(application: _Application, environment: dict[str, Any], body: bytes) -> bytes:
    """Ask an application, and return its answer as it goes over the wire; the connection is kept.

    Raises:
        ValueError: a field of the answer holds what would end it.
    """
    told: list[Any] = []
    environment["wsgi.input"] = BytesIO(body)
    pieces = application(environment, lambda *status_and_fields: told.__setitem__(slice(None), status_and_fields))
    try:
        content = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    status, fields = told[:2]
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields])
    if not _ANSWER.fullmatch(lines) or lines.count("\n") != len(fields):
        raise ValueError("A field of the answer holds a line break or a control character.")
    if not status.startswith(_NO_BODY) and not any(name.lower() == "content-length" for name, _ in fields):
        lines += f"Content-Length: {len(content)}\r\n"
    head = f"HTTP/1.1 {status}\r\nServer: gunicorn\r\nDate: {_date(int(time()))}\r\nConnection: keep-alive\r\n{lines}\r\n"
    return head.encode("latin-1") + content


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
