"""HTTP: pages in, page objects out; every error is a problem+json that says what to change."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tagger.app import SettingError, Settings, create_app, read_settings
from tagger.promotions import LOG, champion_name
from tagger.registry import Release

PAGE = "Le gratin du chef\n\nLe chef épluche l’oignon et glisse la recette dans le four."


def post(client: FlaskClient, body: str | bytes, mimetype: str = "text/plain", query: str = "") -> Any:
    return client.post(f"/v1/tags{query}", data=body, content_type=mimetype)


def problem(response: Any, status: int) -> str:
    assert (status, "application/problem+json") == (response.status_code, response.mimetype)
    record = response.get_json(force=True)
    assert {"type", "title", "status", "detail"} == set(record)
    assert record["status"] == status
    return str(record["detail"])


def test_a_raw_page(client: FlaskClient, tiny_release: Release) -> None:
    answer = post(client, PAGE).get_json()

    assert tiny_release.name == answer["release"]
    (document,) = answer["documents"]
    assert (document["kind"], document["title"], document["abstained"]) == ("article", "Le gratin du chef", None)
    (tag,) = document["tags"]
    assert (tag["topic"], tag["label"]) == ("cuisine", "Cuisine")
    for piece in tag["evidence"]:
        assert piece["text"] == PAGE[piece["start"] : piece["end"]]


def test_parts_and_a_page_in_json_are_tagged_alike(client: FlaskClient) -> None:
    title, body = PAGE.split("\n\n")
    parts = post(client, json.dumps({"title": title, "body": body}), "application/json").get_json()
    page = post(client, json.dumps({"page": PAGE}), "application/json; charset=utf-8").get_json()

    assert parts["documents"][0]["tags"][0]["score"] == page["documents"][0]["tags"][0]["score"]


def test_evidence_can_be_left_out(client: FlaskClient) -> None:
    (document,) = post(client, PAGE, query="?evidence=false").get_json()["documents"]

    assert "evidence" not in document["tags"][0]


def test_french_is_answered_as_it_is_read(client: FlaskClient) -> None:
    assert "épluche l’oignon".encode() in post(client, PAGE).data


def test_another_charset_is_read_when_it_is_named(client: FlaskClient) -> None:
    answer = post(client, PAGE.encode("windows-1252"), "text/plain; charset=windows-1252").get_json()

    assert "épluche l’oignon" in answer["documents"][0]["body"]


def test_a_page_of_furniture_says_so(client: FlaskClient) -> None:
    answer = post(client, "Partager\nCommentaires").get_json()

    assert (answer["documents"], answer["abstained"]) == ([], "no_document")


def test_topics(client: FlaskClient) -> None:
    assert [topic["id"] for topic in client.get("/v1/topics").get_json()["topics"]] == ["cuisine", "velo"]


def test_health(client: FlaskClient, tiny_release: Release) -> None:
    assert client.get("/livez").get_json() == {"status": "alive"}
    ready = client.get("/readyz").get_json()
    assert ("ready", tiny_release.name) == (ready["status"], ready["release"])


@pytest.mark.parametrize(
    ("body", "mimetype", "status", "sentence"),
    [
        ("", "text/plain", 422, "The page is empty"),
        ("<html><p>a", "text/plain", 422, "HTML or XML source"),
        (b"caf\xe9", "text/plain", 400, "The body is not UTF-8: byte 3"),
        (b"a", "text/plain; charset=klingon", 415, "charset 'klingon' is unknown"),
        ("a=b", "application/x-www-form-urlencoded", 415, "send `text/plain`"),
        ("<p>", "text/html", 415, "send `text/plain`"),
        ('{"title": "Le', "application/json", 400, "The body is not valid JSON"),
        ("[" * 50_000, "application/json", 400, "The body is not valid JSON"),
        (b'{"title": "\xe9"}', "application/json", 400, "The body is not valid JSON"),
        ("[]", "application/json", 422, "must be a JSON object"),
        ("{}", "application/json", 422, "The page has no text"),
        ('{"page": 3}', "application/json", 422, "`page` must be a string"),
        ('{"title": ["a"]}', "application/json", 422, "`title`: input should be a valid string"),
        ("a" * 100_001, "text/plain", 413, "larger than 100000 bytes"),
    ],
)
def test_bad_input(client: FlaskClient, body: str | bytes, mimetype: str, status: int, sentence: str) -> None:
    assert sentence in problem(post(client, body, mimetype), status)


def test_a_long_body_in_chunks_is_refused_not_cut(client: FlaskClient) -> None:
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    stream = io.BytesIO(b"a" * 300_000)

    response = client.post("/v1/tags", input_stream=stream, content_type="text/plain", environ_overrides=chunked)

    assert "larger than 100000 bytes" in problem(response, 413)


def test_no_content_type(client: FlaskClient) -> None:
    assert "missing" in problem(client.post("/v1/tags", data=b"a"), 415)


def test_a_wrong_flag(client: FlaskClient) -> None:
    assert "`evidence` must be true or false" in problem(post(client, PAGE, query="?evidence=maybe"), 400)


def test_a_wrong_route_and_method(client: FlaskClient) -> None:
    assert "nothing at /v2/tags" in problem(client.get("/v2/tags"), 404)
    refused = client.get("/v1/tags")
    assert "use POST" in problem(refused, 405)
    assert "POST" in refused.headers["Allow"]


def test_an_unexpected_failure_is_a_problem_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("tagger.api.tag_page", broken)

    detail = problem(post(app.test_client(), PAGE), 500)

    assert "boom" not in detail


def test_without_a_release_it_lives_but_is_not_ready(tmp_path: Path) -> None:
    client = create_app(Settings(models=tmp_path, follow=False)).test_client()

    assert client.get("/livez").status_code == 200
    for answer in (client.get("/readyz"), client.get("/v1/topics"), post(client, PAGE)):
        assert "No release" in problem(answer, 503)


def test_a_damaged_release_is_not_served(tiny_models: Path, tmp_path: Path) -> None:
    name = champion_name(tiny_models)
    (tmp_path / name).mkdir()
    (tmp_path / LOG).write_bytes((tiny_models / LOG).read_bytes())
    for path in (tiny_models / name).iterdir():
        (tmp_path / name / path.name).write_bytes(path.read_bytes()[:-1])

    client = create_app(Settings(models=tmp_path, follow=False)).test_client()

    assert "is damaged" in problem(client.get("/readyz"), 503)
    assert "is damaged" in problem(post(client, PAGE), 503)


@given(
    body=st.binary(max_size=200), mimetype=st.sampled_from(["text/plain", "application/json", "", "text/plain; charset=utf-16"])
)
def test_no_body_makes_it_fail(body: bytes, mimetype: str, tiny_models: Path) -> None:
    client = create_app(Settings(models=tiny_models, follow=False)).test_client()

    assert post(client, body, mimetype).status_code < 500


@given(
    record=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["page", "title", "lead", "body", "related", "posts", "id", "kind"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    )
)
def test_no_json_makes_it_fail(record: object, tiny_models: Path) -> None:
    client = create_app(Settings(models=tiny_models, follow=False)).test_client()

    assert post(client, json.dumps(record), "application/json").status_code in {200, 400, 422}


def test_settings_come_from_the_environment() -> None:
    assert Settings(Path("/m"), 5) == read_settings({"TAGGER_MODELS": "/m", "TAGGER_MAX_BODY_BYTES": "5"})
    with pytest.raises(SettingError, match="TAGGER_MAX_BODY_BYTES must be a positive whole number"):
        read_settings({"TAGGER_MAX_BODY_BYTES": "1MB"})
