"""A page in JSON, asked for in the usual way -> its answer, without Flask, which takes 0.1 ms: as long as reading and tagging.

Flask answers whatever else is asked, and whatever goes wrong.
"""

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from pydantic_core import to_json

from tagger.answers.page import page_object
from tagger.api.bodies import read_json_page
from tagger.api.guard import Guard
from tagger.api.observation import facts_of, recognise
from tagger.api.operations import JSON
from tagger.api.tags import CONDITIONAL, TagRoutes, etag

_ROUTE = "/v1/tags"
_LENGTH = re.compile("[0-9]{1,9}")
_ACCEPTED = ("", "*/*", JSON)
# What only Flask's view reads.
_UNUSUAL = ("QUERY_STRING", "HTTP_CONTENT_ENCODING", "HTTP_IF_NONE_MATCH")
_Start = Callable[..., Any]
_Application = Callable[[dict[str, Any], _Start], Iterable[bytes]]


class Shortcut:
    """Stands before a Flask app, below the observation of requests, and answers as its view `routes.tags` would."""

    def __init__(self, app: _Application, routes: TagRoutes, guard: Guard) -> None:
        self.app = app
        self.routes = routes
        self.guard = guard

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        """Answer a request, as WSGI has it."""
        answered = self._answered(environ) if _is_usual(environ) else None
        if answered is None:
            return self.app(environ, start_response)
        content, fields = answered
        start_response("200 OK", list(fields.items()))
        return (content,)

    def _answered(self, environ: dict[str, Any]) -> tuple[bytes, dict[str, str]] | None:
        """Return the answer to a usual request and its fields; None: Flask must answer, and finds the body unread."""
        length = int(environ["CONTENT_LENGTH"])
        if length > self.routes.settings.max_page_bytes:
            return None
        recognise(environ, _ROUTE)
        body = None
        try:
            self.guard.look(environ, _ROUTE)
            body = environ["wsgi.input"].read(length)
            content, tag = self._content(environ, body)
        except Exception:
            # Whatever it is, Flask meets it too, and has an answer and a log for it.
            if body is not None:
                environ["wsgi.input"] = BytesIO(body)
            return None
        fields = {"Content-Type": JSON, "Content-Length": str(len(content)), "ETag": f'"{tag}"', **CONDITIONAL}
        return content, {**fields, **self.guard.fields(environ)}

    def _content(self, environ: dict[str, Any], body: bytes) -> tuple[bytes, str]:
        if len(body) < int(environ["CONTENT_LENGTH"]):
            raise EOFError("The client hung up.")
        release = self.routes.serving.release()
        page = read_json_page(body)
        tagged = self.routes.tagged(page, release, len(body), facts_of(environ))
        content = to_json(page_object(page, tagged, release))
        return content, etag(release, body, "", environ["CONTENT_TYPE"], environ.get("HTTP_ACCEPT", ""))


def _is_usual(environ: dict[str, Any]) -> bool:
    return (
        environ["PATH_INFO"] == _ROUTE
        and environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") == JSON
        and _LENGTH.fullmatch(environ.get("CONTENT_LENGTH", "")) is not None
        and environ.get("HTTP_ACCEPT", "") in _ACCEPTED
        and not any(map(environ.get, _UNUSUAL))
    )
