"""HTTP only: routes, what a request may hold, and every error as problem+json (RFC 9457). Decides nothing about tags."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from pydantic_core import from_json
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from tagger.answers import page_object, topics_object
from tagger.documents import Page
from tagger.errors import (
    DamagedReleaseError,
    InvalidDocumentError,
    InvalidReviewError,
    NoReleaseError,
    ReviewConflictError,
    StoreUnavailableError,
    TaggerError,
    UnreadablePageError,
)
from tagger.extract.page import read_page
from tagger.extract.parts import read_parts
from tagger.metrics import exposition
from tagger.recording import Recorder
from tagger.serving import Serving
from tagger.tags import tag_page

# What the caller can mend is 4xx; what ops must mend is 503.
_STATUS: dict[type[TaggerError], HTTPStatus] = {
    UnreadablePageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidDocumentError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidReviewError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ReviewConflictError: HTTPStatus.CONFLICT,
    NoReleaseError: HTTPStatus.SERVICE_UNAVAILABLE,
    DamagedReleaseError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}
# A database that restarts is back within seconds; a release that is missing needs somebody to act.
_RETRY_SECONDS: dict[type[TaggerError], int] = {StoreUnavailableError: 5}


def routes(serving: Serving, recorder: Recorder) -> Blueprint:
    """Return the routes, which answer with the release that `serving` holds when the request comes.

    What is answered goes to `recorder`, which keeps it for the review queue and for drift.
    """
    blueprint = Blueprint("api", __name__)

    @blueprint.post("/v1/tags")
    def tags() -> Response:
        evidence = _flag("evidence", default=True)
        release, page = serving.release(), _requested_page()
        tagged = tag_page(page, release.model, release.taxonomy, release.policy)
        recorder.put(tagged, release)
        return jsonify(page_object(page, tagged, release, evidence=evidence))

    @blueprint.get("/v1/topics")
    def topics() -> Response:
        release = serving.release()
        return jsonify(topics_object(release.taxonomy.topics, release))

    @blueprint.get("/livez")
    def livez() -> Response:
        return jsonify({"status": "alive"})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        release = serving.release()
        problems = {"problem": serving.state.problem, "reviews": recorder.problem}
        return jsonify({"status": "ready", "release": release.name, **{key: said for key, said in problems.items() if said}})

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(serving, recorder), content_type="text/plain; version=0.0.4; charset=utf-8")

    @blueprint.get("/")
    def index() -> Response:
        return jsonify({"service": "tagger", "routes": sorted(_offered())})

    return blueprint


def _offered() -> Iterator[str]:
    for rule in current_app.url_map.iter_rules():
        yield from (f"{method} {rule.rule}" for method in (rule.methods or set()) - {"HEAD", "OPTIONS"} if rule.rule != "/")


def register_errors(app: Flask) -> None:
    """Answer every error of the app, Flask's own included, as `application/problem+json`."""
    app.register_error_handler(TaggerError, _tagger_problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected_problem)


def _requested_page() -> Page:
    if request.mimetype == "application/json":
        return _json_page(read_json())
    if request.mimetype == "text/plain":
        return read_page(_decoded(read_body(), request.mimetype_params.get("charset", "utf-8")))
    raise UnsupportedMediaType(
        f"The Content-Type is {request.mimetype or 'missing'!r}: send `text/plain` (the text of a page) or "
        "`application/json` (its parts). With curl: -H 'Content-Type: text/plain' --data-binary @page.txt"
    )


def read_body() -> bytes:
    """Return the body, or refuse it: Werkzeug cuts one that is sent in chunks at the limit, without a word."""
    body = request.get_data()
    if len(body) > current_app.config["MAX_BODY_BYTES"]:
        raise RequestEntityTooLarge
    return body


def read_json() -> Any:
    """Return the JSON of the body, of any shape.

    Raises:
        BadRequest: it is no JSON, or no UTF-8.
    """
    try:
        return from_json(read_body())
    except ValueError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from error


def _json_page(record: Any) -> Page:
    if not isinstance(record, dict):
        raise InvalidDocumentError('The body must be a JSON object: the parts of a page, or {"page": "its raw text"}.')
    if "page" not in record:
        return read_parts(record)
    if not isinstance(record["page"], str):
        raise InvalidDocumentError("`page` must be a string: the raw text of a page.")
    return read_page(record["page"])


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset)
    except LookupError as error:
        raise UnsupportedMediaType(f"The charset {charset!r} is unknown: send UTF-8.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"The body is not {charset.upper()}: byte {error.start} cannot be read. Send UTF-8, or name the charset of the "
            "text: Content-Type: text/plain; charset=windows-1252"
        ) from error


def _flag(name: str, *, default: bool) -> bool:
    value = request.args.get(name, str(default)).lower()
    if value not in {"true", "false", "1", "0"}:
        raise BadRequest(f"`{name}` must be true or false, not {value!r}.")
    return value in {"true", "1"}


def _problem(status: int, title: str, detail: str) -> Response:
    record: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    response = jsonify(record)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def _tagger_problem(error: TaggerError) -> Response:
    status = _STATUS.get(type(error), HTTPStatus.UNPROCESSABLE_ENTITY)
    problem = _problem(status, status.phrase, str(error))
    if type(error) in _RETRY_SECONDS:
        problem.headers["Retry-After"] = str(_RETRY_SECONDS[type(error)])
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
    if isinstance(error, RequestEntityTooLarge):
        return f"The body is larger than {current_app.config['MAX_BODY_BYTES']} bytes: send less at a time."
    if error.code == HTTPStatus.NOT_FOUND:
        return f"There is nothing at {request.path}: GET / lists the routes."
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.path} does not answer {request.method}: use {', '.join(_allowed(error)) or 'another method'}."
    return error.description or error.name


def _allowed(error: HTTPException) -> list[str]:
    return sorted(set(getattr(error, "valid_methods", None) or ()) - {"HEAD", "OPTIONS"})


def _unexpected_problem(error: Exception) -> Response:
    current_app.logger.error("unexpected error on %s %s", request.method, request.path, exc_info=error)
    return _http_problem(InternalServerError("The tagger failed on this request; its log says why. Try again or tell ops."))
