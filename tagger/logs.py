"""Log calls of ours, of gunicorn and of libraries -> one stream, standard output: JSON for machines, readable lines for people.

A call is a line, whatever a request puts into it, and no line holds a key or a password.
"""

import io
import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

from tagger.masking import mask, may_hold_secret
from tagger.settings import Settings

Event = MutableMapping[str, Any]

_SECRET_NAMES = frozenset({"authorization", "proxy-authorization", "cookie", "password", "secret", "token", "api_key"})
_PLAIN = (int, float, bool, type(None))
_DIM, _BOLD, _RED, _YELLOW, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_COLOURS = {"warning": _YELLOW, "error": _RED, "critical": _RED, "debug": _DIM}
# The ids of the request that is being answered: every line that is logged meanwhile tells them. One variable for both takes
# 0.4 µs a request, structlog's own, one for each, 1.6.
requested: ContextVar[Mapping[str, str] | None] = ContextVar("requested", default=None)
# One list that is changed in place: a logger that was used before keeps hold of it, and so follows.
_CHAIN: list[Any] = []


def configure_logging(settings: Settings) -> None:
    """Send every log call of this process to standard output, as `settings.log` and `settings.log_level` say; may be repeated.

    Libraries speak up from warnings on only: what they say below can hold texts, as SQLAlchemy's does.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    time = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
    before = [_of_request, time, structlog.stdlib.add_log_level, _logger_name]
    after = [structlog.processors.format_exc_info, _mask, _Console(sys.stdout.isatty()) if for_people(settings) else _json]
    _CHAIN[:] = [*before, *after]
    structlog.configure(
        processors=_CHAIN,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Output,
        cache_logger_on_first_use=True,
    )
    _take_over_standard_library(level, before, after)


def for_people(settings: Settings) -> bool:
    """Tell whether standard output is written for a person to read, and not for a machine."""
    return settings.log == "console" or (settings.log == "auto" and sys.stdout.isatty())


def _take_over_standard_library(level: int, before: list[Any], after: list[Any]) -> None:
    handler = _Handler()
    without_record = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[without_record, *after], foreign_pre_chain=before))
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, _Handler)] + [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in ("tagger", "gunicorn"):
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=True)


class _Output:
    """Writes lines for the loggers of structlog, which call it by the name of the level."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def msg(self, line: str) -> None:
        _write(line)

    debug = info = warning = error = critical = exception = msg


class _Handler(logging.Handler):
    """Writes the lines of loggers of the standard library."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            _write(self.format(record))
        except Exception:
            # As the standard library's own handlers do: a bad call of a logger must not fail the caller.
            self.handleError(record)


def _write(line: str) -> None:
    """Write a line whole; no request fails because nobody reads the log any more."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return


def _of_request(_logger: object, _method: str, event: Event) -> Event:
    ids = requested.get()
    return event if ids is None else {**ids, **event}


def _logger_name(logger: Any, _method: str, event: Event) -> Event:
    record = event.get("_record")
    name = record.name if record else getattr(logger, "name", None)
    if name:
        event["logger"] = name
    return event


def _mask(_logger: object, _method: str, event: Event) -> Event:
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


def _json(_logger: object, _method: str, event: Event) -> str:
    """Write all as ASCII: JSON then escapes whatever some reader takes for the end of a line."""
    first = {"time": event.pop("time"), "level": event.pop("level"), "event": event.pop("event", "")}
    try:
        return json.dumps({**first, **event}, default=str)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({**first, **{str(key): repr(value) for key, value in event.items()}}, default=str)


class _Console:
    """Writes a line for a person: time, level, what happened, then what is known of it; tracebacks are indented."""

    def __init__(self, coloured: bool) -> None:
        self._coloured = coloured

    def __call__(self, _logger: object, _method: str, event: Event) -> str:
        """Return the line, with every control character escaped."""
        clock, level = event.pop("time")[11:23], event.pop("level")
        trace = [event.pop(key) for key in ("exception", "stack") if key in event]
        event.pop("logger", None)
        said = _request(event) if event.get("event") == "request" else _escaped(str(event.pop("event", "")))
        known = " ".join(f"{_shown(key)}={_shown(value)}" for key, value in event.items())
        style = self._style
        line = f"{style(_DIM, clock)} {style(_COLOURS.get(level, ''), f'{level:8}')} {style(_BOLD, said)}  {style(_DIM, known)}"
        # Indented, so that no line of an exception's text can pass for a line of the log.
        return "\n".join([line.rstrip(), *(f"    {_escaped(each)}" for text in trace for each in str(text).split("\n"))])

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
