"""The contract: OpenAPI 3.1 made from the operations and from the types that validate and answer, and a page to read it on."""

from collections.abc import Iterable, Mapping
from functools import cache, partial
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response, jsonify, render_template
from pydantic import TypeAdapter

from tagger.api.operations import JSON, Operation
from tagger.api.problems import ProblemObject

_PROBLEM = "application/problem+json"
_STYLE_OF_DOCS = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_ABOUT = (
    "Topic tags for French news pages, each with the words that earned it. Errors are `application/problem+json`. Every answer "
    "has an `X-Request-Id`, taken up from the request or new, and a `traceparent`. Where keys are asked for, send "
    "`Authorization: Bearer …`."
)
OPERATIONS = (
    Operation(
        "GET",
        "/openapi.json",
        "This contract",
        "OpenAPI 3.1.",
        None,
        {JSON: dict[str, Any]},
        "curl -s http://127.0.0.1:8000/openapi.json",
    ),
    Operation(
        "GET",
        "/docs",
        "This contract, to read",
        "One page that needs no network and runs no script.",
        None,
        {"text/html": str},
        "curl -s http://127.0.0.1:8000/docs",
    ),
)


def contract_routes(operations: Iterable[Operation]) -> Blueprint:
    """Return the routes of the contract of these operations."""
    blueprint = Blueprint("contract", __name__, template_folder=".")
    # Made for the first who asks: it takes 26 ms, two thirds of what else a worker needs to be ready.
    document = cache(partial(openapi, tuple(operations)))

    @blueprint.get("/openapi.json")
    def contract() -> Response:
        return jsonify(document())

    @blueprint.get("/docs")
    def docs() -> Response:
        page = Response(render_template("docs.html", contract=document(), resolve=_resolver(document())))
        page.headers["Content-Security-Policy"] = _STYLE_OF_DOCS
        return page

    return blueprint


def openapi(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document of operations."""
    offered = tuple(operations)
    bodies = {id(kind): kind for each in offered for kind in (*each.takes.values(), *each.answers.values(), ProblemObject)}
    # Bodies sent are described as they are validated, answers as they are serialized; ours are the same either way.
    schemas, shared = TypeAdapter.json_schemas(
        [(key, "validation", TypeAdapter(kind)) for key, kind in bodies.items()], ref_template="#/components/schemas/{model}"
    )
    described = {key: schemas[key, "validation"] for key in bodies}
    paths: dict[str, dict[str, Any]] = {}
    for operation in offered:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, described)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tagger", "version": version("tagger"), "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": shared.get("$defs", {}),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "Made by `tagger keys add`."}},
        },
    }


def _operation(operation: Operation, described: Mapping[int, Any]) -> dict[str, Any]:
    problems = {*operation.problems, *({401, 403, 429} if operation.scope else ())} - set(operation.statuses)
    record: dict[str, Any] = {
        "operationId": f"{operation.method} {operation.path}",
        "summary": operation.summary,
        "description": operation.meaning,
        "x-example": operation.example,
        "parameters": [
            {"name": each.name, "in": each.place, "description": each.meaning, "required": False, "schema": dict(each.schema)}
            for each in operation.parameters
        ],
        "responses": {
            **{str(status): _answer(status, operation.answers, described) for status in operation.statuses},
            **({"304": {"description": "The answer is the one that `If-None-Match` names."}} if operation.conditional else {}),
            **{str(status): _answer(status, {_PROBLEM: ProblemObject}, described) for status in sorted(problems)},
        },
        # An empty alternative: while no key was ever made, none is asked for.
        "security": [{}, {"key": [operation.scope]}] if operation.scope else [],
    }
    if operation.conditional:
        record["parameters"].append(
            {"name": "If-None-Match", "in": "header", "description": "The `ETag` of an answer.", "schema": {"type": "string"}}
        )
    if operation.takes:
        record["requestBody"] = {"required": True, "content": _content(operation.takes, described)}
    return record


def _answer(status: int, kinds: Mapping[str, Any], described: Mapping[int, Any]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": _content(kinds, described)}


def _content(kinds: Mapping[str, Any], described: Mapping[int, Any]) -> dict[str, Any]:
    return {media: {"schema": described[id(kind)]} for media, kind in kinds.items()}


def _resolver(document: Mapping[str, Any]) -> Any:
    """Return a function from a schema to the name and the definition that it refers to."""

    def resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        return {"name": name, **document["components"]["schemas"][name]} if name else schema

    return resolve
