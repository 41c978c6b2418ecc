"""Who may ask, and how often: API keys with scopes, a rate for each key, and a slower one for who guesses keys."""

from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import TooManyRequests

from tagger.access.keyring import Keyring
from tagger.access.keys import Key, Scope
from tagger.access.rates import Allowance, RateLimit, Rates, header_fields, network
from tagger.api.observation import facts_of
from tagger.api.operations import Operation
from tagger.errors import MissingKeyError, MissingScopeError, TaggerError, UnknownKeyError
from tagger.metrics import Metrics
from tagger.settings import Settings

# So many wrong keys a minute from an address, or as many at once; then none is looked at for a while.
_GUESSES = RateLimit(per_minute=10, burst=10)
# Where an environment keeps what was found out, and what is left of the rate.
_REFUSAL, _ALLOWANCE = "tagger.refusal", "tagger.allowance"
_FAILURES = {MissingKeyError: "missing", UnknownKeyError: "unknown", MissingScopeError: "scope"}


class Guard:
    """Looks at each request before its body is read. While there never was a key, none is asked for, and nothing is counted."""

    def __init__(self, operations: Iterable[Operation], keyring: Keyring, settings: Settings, metrics: Metrics) -> None:
        self.scopes: dict[tuple[str, str], Scope | None] = {(each.method, each.path): each.scope for each in operations}
        self.keyring = keyring
        self.metrics = metrics
        limit = settings.rate_limit
        self.rates = Rates(settings.shared, RateLimit(limit, limit)) if limit else None
        self.guesses = Rates(settings.shared, _GUESSES, name="guesses")

    def stand_before(self, app: Flask) -> None:
        """Have every request of an app looked at, and every answer say what is left of the rate."""
        app.before_request(self._look)
        app.after_request(self._with_rate)

    def look(self, environ: dict[str, Any], rule: str) -> None:
        """Look at a request to a route, once: what is found out stays with it, and is raised again.

        Raises:
            TaggerError: it has no key that may do this.
            TooManyRequests: too many came before it.
        """
        if _REFUSAL not in environ:
            environ[_REFUSAL] = None
            try:
                self._admit(environ, rule)
            except (TaggerError, TooManyRequests) as refusal:
                environ[_REFUSAL] = refusal
        if (refused := environ[_REFUSAL]) is not None:
            raise refused

    def fields(self, environ: dict[str, Any]) -> dict[str, str]:
        """Return the fields of an answer that say what is left of the rate, where there is one."""
        taken = environ.get(_ALLOWANCE)
        return header_fields(*taken) if taken else {}

    def _look(self) -> None:
        self.look(request.environ, request.url_rule.rule if request.url_rule else "")

    def _admit(self, environ: dict[str, Any], rule: str) -> None:
        method = environ["REQUEST_METHOD"]
        scope = self.scopes.get(("GET" if method == "HEAD" else method, rule))
        if scope is None or not self.keyring.required:
            return
        key = self._identified(environ, scope)
        if self.rates is not None:
            self._take(environ, self.rates, key.id)

    def _identified(self, environ: dict[str, Any], scope: Scope) -> Key:
        """Return the key of the request, if it may do what is asked."""
        address = network(environ.get("REMOTE_ADDR", ""))
        guessing = self.guesses.peek(address)
        if not guessing.allowed:
            self.metrics.authentication_failed("guessing")
            environ[_ALLOWANCE] = guessing, self.guesses
            raise TooManyRequests(f"Too many wrong keys came from this address: {_again(guessing)}")
        try:
            key = self.keyring.identify(_token(environ))
            facts_of(environ)["client"] = key.name
            key.require(scope)
        except (MissingKeyError, UnknownKeyError, MissingScopeError) as error:
            self.metrics.authentication_failed(_FAILURES[type(error)])
            if isinstance(error, UnknownKeyError):
                self.guesses.take(address)
            raise
        return key

    def _take(self, environ: dict[str, Any], rates: Rates, subject: str) -> None:
        allowance = rates.take(subject)
        environ[_ALLOWANCE] = allowance, rates
        if not allowance.allowed:
            self.metrics.rate_limited()
            raise TooManyRequests(
                f"More than {rates.limit.per_minute} requests a minute came with this key: {_again(allowance)}"
            )

    def _with_rate(self, response: Response) -> Response:
        response.headers.update(self.fields(request.environ))
        return response


def _token(environ: dict[str, Any]) -> str | None:
    """Return the key of the request: `Authorization: Bearer …`, or `X-API-Key`."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else environ.get("HTTP_X_API_KEY")


def _again(allowance: Allowance) -> str:
    return f"try again in {allowance.retry_after:.0f} s."
