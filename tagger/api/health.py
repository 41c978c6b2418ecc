"""HTTP for ops: is the process alive, has it started, should it get traffic; metrics. Health is never behind a key."""

from typing import Annotated, Literal, NotRequired

from flask import Blueprint, Response, current_app, jsonify
from pydantic import Field as Constraint
from typing_extensions import TypedDict

from tagger.access.keyring import Keyring
from tagger.api.operations import JSON, Operation
from tagger.metrics import CONTENT_TYPE, Metrics
from tagger.recording import Recorder
from tagger.serving import Serving


class AliveObject(TypedDict):
    """The process answers."""

    status: Literal["alive"]


class CheckObject(TypedDict):
    """One thing that was looked at; `problem` says what is wrong, for people."""

    status: Literal["ok", "failed"]
    problem: NotRequired[str]


class ChecksObject(TypedDict):
    """release: a verified one serves, the champion. reviews: the store takes reviews and answers. keys: they can be read."""

    release: CheckObject
    reviews: CheckObject
    keys: CheckObject


class ReadyObject(TypedDict):
    """Whether to send traffic here: it is enough that a verified release serves, so a failed check may stand beside `ready`."""

    status: Literal["ready", "not ready"]
    release: Annotated[str | None, Constraint(description="The release that answers.")]
    checks: ChecksObject


class LiveAnswer(TypedDict):
    """As the Open Inference Protocol has it."""

    live: bool


class ReadyAnswer(TypedDict):
    """As the Open Inference Protocol has it."""

    ready: bool


class IndexObject(TypedDict):
    """What there is."""

    service: str
    routes: list[str]
    documentation: str


def _open(path: str, summary: str, meaning: str, answer: object, problems: tuple[int, ...] = ()) -> Operation:
    return Operation(
        "GET", path, summary, meaning, None, {JSON: answer}, f"curl -s http://127.0.0.1:8000{path}", statuses=(200, *problems)
    )


_READY = "200 when a verified release serves, 503 when this worker should get no traffic; each check says what is wrong."
OPERATIONS = (
    _open("/livez", "Is the process alive?", "Restart it when this does not answer.", AliveObject),
    _open("/readyz", "Should it get traffic?", _READY, ReadyObject, (503,)),
    _open(
        "/startupz",
        "Has it started?",
        "As `/readyz`: a worker has started when it has loaded and verified a release.",
        ReadyObject,
        (503,),
    ),
    _open("/health", "Should it get traffic?", "Another name of `/readyz`.", ReadyObject, (503,)),
    _open("/v2/health/live", "Is the process alive?", "The name that the Open Inference Protocol has for it.", LiveAnswer),
    _open(
        "/v2/health/ready",
        "Should it get traffic?",
        "The name that the Open Inference Protocol has for it.",
        ReadyAnswer,
        (503,),
    ),
    Operation(
        "GET",
        "/metrics",
        "Metrics for Prometheus",
        "Added up over the workers.",
        "admin",
        {"text/plain": str},
        "curl -s http://127.0.0.1:8000/metrics",
    ),
    _open("/", "What there is", "The service, its routes and where its documentation is.", IndexObject),
)


def health_routes(serving: Serving, recorder: Recorder, keyring: Keyring, metrics: Metrics) -> Blueprint:
    """Return the routes; they read what the process knows already and wait for nothing."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/livez")
    def livez() -> Response:
        answer: AliveObject = {"status": "alive"}
        return jsonify(answer)

    def ready() -> tuple[Response, int]:
        state = serving.state
        is_ready = state.release is not None
        answer: ReadyObject = {
            "status": "ready" if is_ready else "not ready",
            "release": state.release.name if state.release else None,
            "checks": {
                "release": _check(state.problem),
                "reviews": _check(recorder.problem),
                "keys": _check(keyring.problem),
            },
        }
        return jsonify(answer), 200 if is_ready else 503

    for rule in ("/readyz", "/startupz", "/health"):
        blueprint.add_url_rule(rule, endpoint=rule.strip("/"), view_func=ready)

    @blueprint.get("/v2/health/live")
    def live() -> Response:
        answer: LiveAnswer = {"live": True}
        return jsonify(answer)

    @blueprint.get("/v2/health/ready")
    def inference_ready() -> tuple[Response, int]:
        answer: ReadyAnswer = {"ready": serving.state.release is not None}
        return jsonify(answer), 200 if answer["ready"] else 503

    @blueprint.get("/metrics")
    def exposition() -> Response:
        return Response(metrics.exposition(), content_type=CONTENT_TYPE)

    @blueprint.get("/")
    def index() -> Response:
        rules = [rule for rule in current_app.url_map.iter_rules() if rule.rule != "/"]
        routes = sorted(f"{method} {rule.rule}" for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"})
        answer: IndexObject = {"service": "tagger", "routes": routes, "documentation": "/docs"}
        return jsonify(answer)

    return blueprint


def _check(problem: str | None) -> CheckObject:
    return {"status": "failed", "problem": problem} if problem else {"status": "ok"}
