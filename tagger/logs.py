"""Log calls of ours, of gunicorn and of libraries -> one stream, standard output: JSON for machines, readable lines for people.

A call is a line, whatever a request puts into it, and no line holds a key or a password.
"""

import io
import json
import logging
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from tagger.masking import mask, may_hold_secret
from tagger.settings import Settings

Event = dict[str, Any]

_SECRET_NAMES = frozenset({"authorization", "proxy-authorization", "cookie", "password", "secret", "token", "api_key"})
_PLAIN = (int, float, bool, type(None))
_DIM, _BOLD, _RED, _YELLOW, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_COLOURS = {"warning": _YELLOW, "error": _RED, "critical": _RED, "debug": _DIM}
# The ids of the request that is being answered: every line that is logged meanwhile tells them.
requested: ContextVar[Mapping[str, str] | None] = ContextVar("requested", default=None)
# json.dumps makes a new one at each call that has a `default`.
_ENCODER = json.JSONEncoder(default=str)
_TRACES = logging.Formatter()


def configure_logging(settings: Settings) -> None:
    """Send every log call of this process to standard output, as `settings.log` and `settings.log_level` say; may be repeated.

    Libraries speak up from warnings on only: what they say below can hold texts, as SQLAlchemy's does.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    _HANDLER.setLevel(level)
    _HANDLER.shown = _Console(sys.stdout.isatty()) if for_people(settings) else _json
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if other is not _HANDLER] + [_HANDLER]
    root.setLevel(max(level, logging.WARNING))
    for name in ("tagger", "gunicorn"):
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=True)


def tell(logger: str, event: str, /, **known: Any) -> None:
    """Log what happens many times a second, of level info, with what is known of it: a record for loggers takes longer."""
    if _HANDLER.level <= logging.INFO:
        _HANDLER.tell("info", logger, event, known)


def for_people(settings: Settings) -> bool:
    """Tell whether standard output is written for a person to read, and not for a machine."""
    return settings.log == "console" or (settings.log == "auto" and sys.stdout.isatty())


class _Handler(logging.Handler):
    """Writes the lines of all loggers; nothing before it is told how they are shown."""

    def __init__(self) -> None:
        super().__init__(logging.CRITICAL + 1)
        self.shown: Callable[[Event], str] = _json

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            trace = {"exception": _TRACES.formatException(record.exc_info)} if record.exc_info and record.exc_info[0] else {}
            self.tell(record.levelname.lower(), record.name, record.getMessage(), trace)
        except Exception:
            # As the standard library's own handlers do: a bad call of a logger must not fail the caller.
            self.handleError(record)

    def tell(self, level: str, logger: str, event: str, known: Mapping[str, Any]) -> None:
        """Write what is known of an event, and of all events: the ids of the request, when, how grave, and who tells."""
        time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        first = {"time": time, "level": level, "event": event}
        _write(self.shown(_mask({**first, **(requested.get() or {}), **known, "logger": logger})))


def _write(line: str) -> None:
    """Write a line whole; no request fails because nobody reads the log any more."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return


def _mask(event: Event) -> Event:
    named = _SECRET_NAMES.intersection(event)
    if named or may_hold_secret("\n".join(map(str, event.values()))):
        for key, value in event.items():
            event[key] = "***" if key in named else _masked(value)
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        return {key: "***" if str(key).lower() in _SECRET_NAMES else _masked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    return mask(str(value))


def _json(event: Event) -> str:
    """Write all as ASCII: JSON then escapes whatever some reader takes for the end of a line."""
    try:
        return _ENCODER.encode(event)
    except (TypeError, ValueError, RecursionError):
        return _ENCODER.encode({key: value if isinstance(value, str) else repr(value) for key, value in event.items()})


class _Console:
    """Writes a line for a person: time, level, what happened, then what is known of it; tracebacks are indented."""

    def __init__(self, coloured: bool) -> None:
        self._coloured = coloured

    def __call__(self, event: Event) -> str:
        """Return the line, with every control character escaped."""
        clock, level = event.pop("time")[11:23], event.pop("level")
        trace = event.pop("exception", "").split("\n") if "exception" in event else []
        del event["logger"]
        said = _request(event) if event.get("event") == "request" else _escaped(str(event.pop("event", "")))
        known = " ".join(f"{_shown(key)}={_shown(value)}" for key, value in event.items())
        style = self._style
        line = f"{style(_DIM, clock)} {style(_COLOURS.get(level, ''), f'{level:8}')} {style(_BOLD, said)}  {style(_DIM, known)}"
        # Indented, so that no line of an exception's text can pass for a line of the log.
        return "\n".join([line.rstrip(), *(f"    {_escaped(each)}" for each in trace)])

    def _style(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._coloured and colour and text else text


def _request(event: Event) -> str:
    """Take out of a request's event what a person looks for first."""
    event.pop("event")
    words = [_shown(event.pop(key)) for key in ("method", "route", "status") if key in event]
    duration = event.pop("milliseconds", None)
    return " ".join([*words, f"{duration:.1f} ms"] if isinstance(duration, int | float) else words)


def _shown(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and text and not set(text) & set(" \"'=") else repr(text)


def _escaped(text: str) -> str:
    """Escape what moves the cursor, ends a line or turns the reading order; the text stays in its own letters."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


_HANDLER = _Handler()
