"""Every failure -> `application/problem+json` (RFC 9457) with a sentence in `detail` that says what to change."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from flask import Flask, Response, current_app, request
from pydantic_core import to_json
from typing_extensions import TypedDict
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound, RequestEntityTooLarge

from tagger.errors import (
    DamagedKeysError,
    DamagedReleaseError,
    InvalidReviewError,
    MetricsBusyError,
    MissingKeyError,
    MissingScopeError,
    NoReleaseError,
    ReviewConflictError,
    StoreUnavailableError,
    TaggerError,
    UnknownKeyError,
)

# What the caller can mend is 4xx; what ops must mend is 503.
_STATUS: Mapping[type[TaggerError], HTTPStatus] = {
    InvalidReviewError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ReviewConflictError: HTTPStatus.CONFLICT,
    MissingKeyError: HTTPStatus.UNAUTHORIZED,
    UnknownKeyError: HTTPStatus.UNAUTHORIZED,
    MissingScopeError: HTTPStatus.FORBIDDEN,
    DamagedKeysError: HTTPStatus.SERVICE_UNAVAILABLE,
    NoReleaseError: HTTPStatus.SERVICE_UNAVAILABLE,
    DamagedReleaseError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    MetricsBusyError: HTTPStatus.SERVICE_UNAVAILABLE,
}
# A database that restarts is back within seconds; a release that is missing needs somebody to act.
_HEADERS: Mapping[type[TaggerError], tuple[str, str]] = {
    StoreUnavailableError: ("Retry-After", "5"),
    MetricsBusyError: ("Retry-After", "5"),
    MissingKeyError: ("WWW-Authenticate", 'Bearer realm="tagger"'),
    UnknownKeyError: ("WWW-Authenticate", 'Bearer realm="tagger", error="invalid_token"'),
}
_log = logging.getLogger(__name__)


class ProblemObject(TypedDict):
    """Why a request was not answered: `detail` says what to change."""

    type: str
    title: str
    status: int
    detail: str


def register_errors(app: Flask) -> None:
    """Answer every error of the app, Flask's own included, as a problem."""
    app.register_error_handler(TaggerError, _tagger_problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected_problem)


def _problem(status: int, title: str, detail: str) -> Response:
    record: ProblemObject = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    # A detail may quote what was sent, down to half a surrogate pair, which is no UTF-8.
    content = to_json({**record, "detail": detail.encode(errors="replace").decode()})
    return Response(content, status, content_type="application/problem+json")


def _tagger_problem(error: TaggerError) -> Response:
    status = _STATUS.get(type(error), HTTPStatus.UNPROCESSABLE_ENTITY)
    problem = _problem(status, status.phrase, str(error))
    if header := _HEADERS.get(type(error)):
        problem.headers[header[0]] = header[1]
    return problem


def _http_problem(error: HTTPException) -> Response:
    code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    problem = _problem(code, error.name, _detail(error))
    for key, value in error.get_headers():
        if key.lower() in {"allow", "location", "retry-after", "www-authenticate"}:
            problem.headers[key] = value
    return problem


def _detail(error: HTTPException) -> str:
    """Say what to change, with the route or the limit that the caller needs to know."""
    if isinstance(error, NotFound):
        return f"There is nothing at {request.path}: GET / lists the routes."
    if isinstance(error, MethodNotAllowed):
        return f"{request.path} does not answer {request.method}: use {', '.join(_allowed(error)) or 'another method'}."
    if isinstance(error, RequestEntityTooLarge) and error.description == RequestEntityTooLarge.description:
        return f"The body is larger than {current_app.config['MAX_CONTENT_LENGTH']} bytes: send less at a time."
    return error.description or error.name


def _allowed(error: MethodNotAllowed) -> list[str]:
    return sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"})


def _unexpected_problem(error: Exception) -> Response:
    _log.error("unexpected error on %s %s", request.method, request.path, exc_info=error)
    return _http_problem(InternalServerError("The tagger failed on this request; its log says why. Try again or tell ops."))
