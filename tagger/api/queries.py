"""The parameters of a query -> values, or a refusal that names the parameter."""

from flask import request
from werkzeug.exceptions import BadRequest


def flag(name: str, *, default: bool) -> bool:
    """Return a parameter that is true or false.

    Raises:
        BadRequest: it is neither.
    """
    value = _once(name, str(default)).lower()
    if value not in {"true", "false", "1", "0"}:
        raise BadRequest(f"`{name}` must be true or false, not {value[:40]!r}.")
    return value in {"true", "1"}


def number(name: str, default: int, least: int, most: int) -> int:
    """Return a parameter that is a whole number.

    Raises:
        BadRequest: it is none, or out of range.
    """
    text = _once(name, str(default))
    # Twenty digits are more than any number here, and int() of a million digits takes long.
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise BadRequest(f"`{name}` must be a whole number from {least} to {most}, not {text[:40]!r}.")
    return int(text)


def _once(name: str, default: str) -> str:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise BadRequest(f"`{name}` is given {len(values)} times: give it once.")
    return values[0] if values else default
