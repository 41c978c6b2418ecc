"""What the service offers, as data: each operation's path, who may call it, what it takes and answers.

The routes stand beside their operations; the guard reads the scopes, the contract (OpenAPI) everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tagger.access.keys import Scope

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query or a header; `schema` is its JSON Schema."""

    name: str
    place: Literal["query", "header"]
    meaning: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the service does.

    scope: what an API key must be good for; None: asked of nobody. takes, answers: media type -> type of the body. statuses:
    those of a good answer with a body, beside the problems. example: a command that shows it.
    """

    method: Literal["GET", "POST"]
    path: str
    summary: str
    meaning: str
    scope: Scope | None
    answers: Mapping[str, Any]
    example: str
    takes: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    conditional: bool = False


EVIDENCE = Parameter("evidence", "query", "Whether to give the words behind each tag.", {"type": "boolean", "default": True})
