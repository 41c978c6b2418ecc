"""HTTP: pages in, page objects out; every error is a problem+json that says what to change."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tagger.access.keys import add_key
from tagger.app import Settings, create_app
from tagger.promotions import LOG, champion_name
from tagger.registry import Release

PAGE = "Le gratin du chef\n\nLe chef épluche l’oignon et glisse la recette dans le four."


def post(client: FlaskClient, body: str | bytes, mimetype: str = "text/plain", query: str = "") -> Any:
    return client.post(f"/v1/tags{query}", data=body, content_type=mimetype)


@cache
def lasting(models: Path) -> FlaskClient:
    """Return one client for all examples of a property."""
    return create_app(Settings(models=models, follow=False)).test_client()


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
    for path in ("/readyz", "/startupz", "/health"):
        ready = client.get(path).get_json()
        assert ("ready", tiny_release.name, "ok") == (ready["status"], ready["release"], ready["checks"]["release"]["status"])
    assert client.get("/v2/health/live").get_json() == {"live": True}
    assert client.get("/v2/health/ready").get_json() == {"ready": True}


def test_an_answer_that_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    first = post(client, PAGE)
    again = client.post("/v1/tags", data=PAGE, content_type="text/plain", headers={"If-None-Match": first.headers["ETag"]})
    other = client.post(
        "/v1/tags", data=f"{PAGE}.", content_type="text/plain", headers={"If-None-Match": first.headers["ETag"]}
    )
    topics = client.get("/v1/topics")

    assert (304, b"", first.headers["ETag"]) == (again.status_code, again.data, again.headers["ETag"])
    assert 200 == other.status_code
    assert 304 == client.get("/v1/topics", headers={"If-None-Match": topics.headers["ETag"]}).status_code


def batch(client: FlaskClient, body: str, query: str = "") -> list[Any]:
    response = client.post(f"/v1/tags/batch{query}", data=body, content_type="application/x-ndjson")
    assert (200, "application/x-ndjson") == (response.status_code, response.mimetype)
    return [json.loads(line) for line in response.data.splitlines()]


def test_a_batch_answers_each_line_in_order_and_bad_ones_with_their_number(client: FlaskClient, tiny_release: Release) -> None:
    good = json.dumps({"id": 7, "title": "Le chef épluche l’oignon et glisse la recette dans le four"})
    answers = batch(client, "\n".join([good, "", "{", '{"id": 3}', good]))

    assert [7, None, None, 7] == [answer["id"] for answer in answers]
    assert [3, 4] == [answer["line"] for answer in answers[1:3]]
    assert "valid JSON" in answers[1]["error"]
    assert ("cuisine", tiny_release.name) == (answers[0]["tags"][0]["topic"], answers[0]["release"])
    assert answers[0] == answers[3]


def test_a_batch_of_many_lines(client: FlaskClient) -> None:
    answers = batch(client, "".join(f'{{"id": {n}, "title": "Le chef et son four"}}\n' for n in range(500)), "?evidence=false")

    assert list(range(500)) == [answer["id"] for answer in answers]


def test_a_batch_has_limits(tiny_models: Path) -> None:
    settings = Settings(
        tiny_models, max_batch_lines=2, max_batch_bytes=100, max_documents=1, request_seconds=1e-9, follow=False
    )
    limited = create_app(settings).test_client()

    late = batch(limited, '{"title": "a"}')
    too_many = limited.post("/v1/tags/batch", data="{}\n{}\n{}", content_type="application/x-ndjson")
    too_long = limited.post("/v1/tags/batch", data="x" * 101, content_type="application/x-ndjson")
    not_lines = limited.post("/v1/tags/batch", data="{}", content_type="application/json")
    two = limited.post("/v1/tags", json={"title": "a b", "related": [{"title": "c d"}]})

    assert "send from this line on again" in late[0]["error"]
    assert 1 == late[0]["line"]
    assert "3 lines: send at most 2" in problem(too_many, 413)
    assert "larger than 100 bytes" in problem(too_long, 413)
    assert "send `application/x-ndjson`" in problem(not_lines, 415)
    assert "2 documents: send at most 1" in problem(two, 413)


def test_the_formats_of_the_trade_are_answered_as_they_came(client: FlaskClient) -> None:
    title = "Le chef épluche l’oignon et glisse la recette dans le four"
    item = {"uri": "urn:a", "standard": {"name": "ninjs", "version": "3.1"}, "headlines": [{"value": title}]}
    feed = f"<rss version='2.0'><channel><title>a</title><item><title>{title}</title></item></channel></rss>"

    page = client.post(
        "/v1/tags",
        data=f"<html><body><article><h1>{title}</h1><p>{title}.</p></article></body></html>",
        content_type="text/html",
    )
    ninjs = client.post("/v1/tags", data=json.dumps(item), content_type="application/ninjs+json")
    parts = client.post(
        "/v1/tags", data=json.dumps(item), content_type="application/ninjs+json", headers={"Accept": "application/json"}
    )
    rss = client.post("/v1/tags", data=feed, content_type="application/rss+xml")

    assert "cuisine" == page.get_json()["documents"][0]["tags"][0]["topic"]
    assert ["cuisine"] == [subject["literal"] for subject in json.loads(ninjs.data)["subjects"]]
    assert ("application/ninjs+json", "application/json") == (ninjs.mimetype, parts.mimetype)
    assert "cuisine" == parts.get_json()["documents"][0]["tags"][0]["topic"]
    assert ("application/rss+xml", True) == (rss.mimetype, b"<category" in rss.data and b"Cuisine" in rss.data)


def test_a_request_keeps_its_ids(client: FlaskClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = client.get("/livez", headers={"X-Request-Id": "cms-7", "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    new = client.get("/livez", headers={"X-Request-Id": "a b"})

    assert "cms-7" == answer.headers["X-Request-Id"]
    assert f"00-{trace}-" == answer.headers["traceparent"][:36]
    assert "b7ad6b7169203331" not in answer.headers["traceparent"]
    assert "a b" != new.headers["X-Request-Id"]


def test_keys_that_cannot_be_read_let_nobody_in_and_health_says_so(tiny_models: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.jsonl").write_text("no key\n")
    guarded = create_app(Settings(tiny_models, keys=tmp_path / "keys.jsonl", follow=False)).test_client()

    assert 401 == guarded.get("/v1/topics").status_code
    assert "keys.jsonl" in guarded.get("/readyz").get_json()["checks"]["keys"]["problem"]


def test_every_route_is_in_the_contract_and_the_contract_in_the_documentation(app: Flask, client: FlaskClient) -> None:
    contract = client.get("/openapi.json").get_json()
    docs = client.get("/docs")
    routes = {
        (rule.rule, method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == {(path, method) for path, methods in contract["paths"].items() for method in methods}
    assert all(f"</span> {path}</h2>" in docs.text for path, _ in routes)
    assert all(f'<h3 id="{name}">' in docs.text for name in contract["components"]["schemas"])
    assert "<script" not in docs.text
    assert "http://" not in docs.text.replace("http://127.0.0.1:8000", "")


def test_another_origin_may_ask_only_where_it_is_named(tiny_models: Path, client: FlaskClient) -> None:
    open_to = create_app(Settings(tiny_models, cors_origins=("https://cms.example",), follow=False)).test_client()
    asked = {"Origin": "https://cms.example", "Access-Control-Request-Method": "POST"}

    assert "https://cms.example" == open_to.options("/v1/tags", headers=asked).headers["Access-Control-Allow-Origin"]
    assert "Access-Control-Allow-Origin" not in open_to.get("/livez", headers={"Origin": "https://evil.example"}).headers
    assert "Access-Control-Allow-Origin" not in client.options("/v1/tags", headers=asked).headers


def test_who_has_a_key_may_do_what_its_scopes_say(tiny_models: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.jsonl"
    token = add_key(keys, "cms", ["tag"]).token
    guarded = create_app(
        Settings(tiny_models, keys=keys, rate_limit=3, reviews=f"sqlite:///{tmp_path / 'r.db'}", follow=False)
    ).test_client()
    bearer = {"Authorization": f"Bearer {token}"}

    assert "WWW-Authenticate" in guarded.get("/v1/topics").headers
    assert 401 == guarded.get("/v1/topics", headers={"Authorization": "Bearer nothing"}).status_code
    assert 403 == guarded.get("/v1/reviews", headers=bearer).status_code
    assert 200 == guarded.get("/livez").status_code
    answers = [guarded.get("/v1/topics", headers={"X-API-Key": token}) for _ in range(4)]
    assert [200, 200, 200, 429] == [answer.status_code for answer in answers]
    assert '"default";r=2' in answers[0].headers["RateLimit"]
    assert 20 == int(answers[3].headers["Retry-After"])


@pytest.mark.parametrize(
    ("body", "mimetype", "status", "sentence"),
    [
        ("", "text/plain", 422, "The page is empty"),
        ("<html><p>a", "text/plain", 422, "HTML or XML source"),
        (b"caf\xe9", "text/plain", 400, "The body is not UTF-8: byte 3"),
        (b"a", "text/plain; charset=klingon", 415, "charset 'klingon' is unknown"),
        ("a=b", "application/x-www-form-urlencoded", 415, "send one of text/plain, application/json"),
        ("<p>", "text/html", 422, "The page has no text"),
        ("<rss><channel>", "application/rss+xml", 422, "feed"),
        ('{"standard": {"name": "ninjs"}}', "application/json", 422, "The ninjs item has no text"),
        ("[]", "application/ninjs+json", 422, "must be a JSON object: a ninjs item"),
        (b"a", "text/plain; charset=unicode_escape", 415, "charset 'unicode_escape' is unknown"),
        ('{"title": "Le', "application/json", 400, "The body is not valid JSON"),
        ("[" * 50_000, "application/json", 400, "The body is not valid JSON"),
        (b'{"title": "\xe9"}', "application/json", 400, "The body is not valid JSON"),
        ("[]", "application/json", 422, "must be a JSON object"),
        ("{}", "application/json", 422, "The page has no text"),
        ('{"page": 3}', "application/json", 422, "`page`: input should be a valid string"),
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

    monkeypatch.setattr("tagger.api.tags.tag_page", broken)

    detail = problem(post(app.test_client(), PAGE), 500)

    assert "boom" not in detail


def test_without_a_release_it_lives_but_is_not_ready(tmp_path: Path) -> None:
    client = create_app(Settings(models=tmp_path, follow=False)).test_client()

    assert client.get("/livez").status_code == 200
    for path in ("/readyz", "/startupz", "/health", "/v2/health/ready"):
        assert client.get(path).status_code == 503
    assert "No release" in client.get("/readyz").get_json()["checks"]["release"]["problem"]
    for answer in (client.get("/v1/topics"), post(client, PAGE)):
        assert "No release" in problem(answer, 503)


def test_a_damaged_release_is_not_served(tiny_models: Path, tmp_path: Path) -> None:
    name = champion_name(tiny_models)
    (tmp_path / name).mkdir()
    (tmp_path / LOG).write_bytes((tiny_models / LOG).read_bytes())
    for path in (tiny_models / name).iterdir():
        (tmp_path / name / path.name).write_bytes(path.read_bytes()[:-1])

    client = create_app(Settings(models=tmp_path, follow=False)).test_client()

    ready = client.get("/readyz")
    assert (503, True) == (ready.status_code, "is damaged" in ready.get_json()["checks"]["release"]["problem"])
    assert "is damaged" in problem(post(client, PAGE), 503)


@given(
    body=st.binary(max_size=200), mimetype=st.sampled_from(["text/plain", "application/json", "", "text/plain; charset=utf-16"])
)
def test_no_body_makes_it_fail(body: bytes, mimetype: str, tiny_models: Path) -> None:
    assert post(lasting(tiny_models), body, mimetype).status_code < 500


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
    assert post(lasting(tiny_models), json.dumps(record), "application/json").status_code in {200, 400, 422}
