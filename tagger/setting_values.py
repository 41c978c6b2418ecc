"""The text of an environment variable -> its value. What is refused is a SettingError that says what to write instead."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tagger.errors import SettingError

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?", re.IGNORECASE)
_DECIMAL = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_TRUE, _FALSE = ("true", "1"), ("false", "0")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# As SQLAlchemy reads a URL, which takes a tenth of a second to import; a test holds the two together.
_STORE = re.compile(
    r"(?P<scheme>[\w+]+)://(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?]+\]|[^/:?]+)?(?::[0-9]*)?(?:/(?P<database>[^?]*))?(?:\?.*)?"
)
_STORE_SCHEMES = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")


def whole_number(least: int, most: int, note: str = "") -> Callable[[str], int]:
    """Return the reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        # int() also takes " 1_000", "+5" and "٣", and refuses thousands of digits with an error of its own.
        if not (text.isascii() and text.isdigit() and len(text) <= 15 and least <= int(text) <= most):
            raise SettingError(f"write a whole number from {least} to {most}{note}")
        return int(text)

    return read


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Return the reader of a time in seconds from `least` to `most`."""

    def read(text: str) -> float:
        if not _DECIMAL.fullmatch(text) or not least <= float(text) <= most:
            raise SettingError(f"write seconds from {least:g} to {most:g}, such as 30 or 2.5")
        return float(text)

    return read


def truth(text: str) -> bool:
    """Read true or false, also as 1 or 0."""
    if text.lower() not in (*_TRUE, *_FALSE):
        raise SettingError("write true or false")
    return text.lower() in _TRUE


def one_of(*words: str) -> Callable[[str], str]:
    """Return the reader of one of these words, in capitals or not."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise SettingError(f"write {', '.join(words[:-1])} or {words[-1]}")
        return text.lower()

    return read


def path(text: str) -> Path:
    """Read the path of a file or a folder, which need not exist."""
    if not text.isprintable() or text != text.strip():
        raise SettingError("write the path of a file or folder, in one line and without spaces around it")
    return Path(text)


def host(text: str) -> str:
    """Read an address or a name to listen on; an IPv6 address may stand in brackets, and is returned without."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if _is_address(bare) or (bare == text and _is_name(text)):
        return bare
    raise SettingError(
        "write an address or name of this machine, such as 127.0.0.1, 0.0.0.0, :: or localhost; the port is PORT"
    )


def is_public(address: str) -> bool:
    """Tell whether other machines can reach a service that listens there; of a name other than localhost nobody knows."""
    if address.lower().rstrip(".") == "localhost":
        return False
    try:
        parsed = ip_address(address)
    except ValueError:
        return True
    return not (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


def origins(text: str) -> tuple[str, ...]:
    """Read origins as browsers send them, `scheme://host[:port]`, between commas or spaces."""
    return tuple(dict.fromkeys(_origin(word) for word in re.split(r"[,\s]+", text) if word))


def store_url(text: str) -> str:
    """Read the URL of a review store."""
    found = _STORE.fullmatch(text)
    of_a_host = text.startswith("sqlite") and ":///" not in text
    if found and found["scheme"] in _STORE_SCHEMES and found["database"] not in (None, "", ":memory:") and not of_a_host:
        return text
    if found and found["scheme"] in ("postgres", "postgresql"):
        raise SettingError(f"write postgresql+psycopg:// in place of {found['scheme']}://")
    raise SettingError("write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_name(text: str) -> bool:
    """Tell whether it is the name of a host; systems read 127.1 and 0x7f.1 as addresses, each in its own way."""
    last = text.rstrip(".").rpartition(".")[2]
    return len(text) <= 253 and bool(_NAME.fullmatch(text)) and not re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", last)


def _origin(word: str) -> str:
    if word == "*":
        raise SettingError(
            "name each origin: with * any page that somebody opens could send reviews from their browser, and read the answers"
        )
    expected = _as_browsers_send(word)
    if expected is None:
        raise SettingError("write origins such as https://cms.example or http://localhost:3000, with commas between them")
    if expected != word:
        raise SettingError(f"write {expected}, as browsers send it")
    return word


def _as_browsers_send(word: str) -> str | None:
    """Return the origin of a URL, in small letters and without its usual port; None of what has none."""
    try:
        parts = urlsplit(word)
        port = parts.port
    except ValueError:
        return None
    name = parts.hostname or ""
    usable = _is_address(name) if ":" in name else _is_address(name) or _is_name(name)
    if parts.scheme not in _DEFAULT_PORTS or not usable or parts.username is not None:
        return None
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else "")
