"""The usual page in JSON is answered as Flask would answer it; everything else Flask does answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tagger.access.keys import add_key
from tagger.app import create_app
from tagger.settings import Settings
from tests.conftest import ROOT

FORMATS = ROOT / "tests" / "formats"
PAGE = {"title": "Le gratin du chef", "body": "Le chef épluche l’oignon et glisse la recette dans le four."}
RAW = {"page": "Le gratin du chef\n\nLe chef épluche l’oignon et glisse la recette dans le four."}


def app_of(models: Path, **more: Any) -> Flask:
    return create_app(Settings(models=models, follow=False, **more))


@pytest.fixture(scope="module")
def short(tiny_models: Path) -> Flask:
    return app_of(tiny_models)


@pytest.fixture(scope="module")
def whole(tiny_models: Path) -> Flask:
    """Pages of another origin are allowed, which is Flask's to tell, so that no request takes the shortcut."""
    return app_of(tiny_models, cors_origins=("https://cms.example",))


@pytest.fixture
def views(short: Flask) -> Iterator[list[str]]:
    """The requests that came to Flask."""
    came: list[str] = []
    view = short.view_functions["tags.tags"]
    short.view_functions["tags.tags"] = lambda: came.append("tags") or view()  # type: ignore[func-returns-value]
    yield came
    short.view_functions["tags.tags"] = view


def ask(app: Flask, body: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = app.test_client().post("/v1/tags", data=sent, headers=named)
    ids = ("X-Request-Id", "traceparent", "Access-Control-")
    fields = {name: value for name, value in answer.headers if not name.startswith(ids)}
    return answer.status_code, fields, answer.data


@pytest.mark.parametrize(
    "page",
    [
        PAGE,
        RAW,
        {**PAGE, "id": 7, "related": [PAGE, PAGE]},
        json.loads((FORMATS / "item.json").read_text()),
    ],
)
@pytest.mark.parametrize("accept", [{}, {"Accept": "*/*"}, {"Accept": "application/json"}])
def test_the_answer_is_that_of_flask(
    short: Flask, whole: Flask, views: list[str], page: dict[str, Any], accept: dict[str, str]
) -> None:
    assert ask(whole, page, **accept) == ask(short, page, **accept)
    assert [] == views


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"title": 1}', b'{"title": " "}', b"\xff", b"[" * 10_000])
def test_flask_refuses_what_is_wrong(short: Flask, whole: Flask, views: list[str], body: bytes) -> None:
    refused = ask(short, body)

    assert ask(whole, body) == refused
    assert refused[0] in {400, 422}
    assert ["tags"] == views


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/html"},
        {"Content_Type": "application/json; charset=utf-8"},
        {"Content_Encoding": "gzip"},
        {"If_None_Match": '"a"'},
    ],
)
def test_flask_answers_what_is_unusual(short: Flask, whole: Flask, views: list[str], headers: dict[str, str]) -> None:
    assert ask(whole, PAGE, **headers) == ask(short, PAGE, **headers)
    assert ["tags"] == views


def test_the_etag_of_an_answer_is_good_for_304(short: Flask) -> None:
    etag = ask(short, PAGE)[1]["ETag"]

    assert (304, b"") == ask(short, PAGE, If_None_Match=etag)[::2]


def test_a_request_counts_once_whoever_answers_it(tiny_models: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.jsonl"
    token = add_key(keys, "cms", ["tag"], by="ada").token
    app = app_of(tiny_models, keys=keys, rate_limit=100)

    left = [ask(app, body, Authorization=f"Bearer {token}")[1]["RateLimit"] for body in (PAGE, b"{", PAGE)]

    assert ["r=99", "r=98", "r=97"] == [field.split(";")[1] for field in left]
    assert (401, 401) == (ask(app, PAGE)[0], ask(app, PAGE, X_API_Key=token[:-1] + "x")[0])
