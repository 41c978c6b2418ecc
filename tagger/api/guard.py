"""Who may ask, and how often: API keys with scopes, a rate for each key, and a slower one for who guesses keys."""

from collections.abc import Iterable

from flask import Flask, Response, g, request
from werkzeug.exceptions import TooManyRequests

from tagger.access.keyring import Keyring
from tagger.access.keys import Key, Scope
from tagger.access.rates import Allowance, RateLimit, Rates, header_fields, network
from tagger.api.observation import note
from tagger.api.operations import Operation
from tagger.errors import MissingKeyError, MissingScopeError, UnknownKeyError
from tagger.metrics import Metrics
from tagger.settings import Settings

# So many wrong keys a minute from an address, or as many at once; then none is looked at for a while.
_GUESSES = RateLimit(per_minute=10, burst=10)
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

    def _look(self) -> None:
        rule = request.url_rule.rule if request.url_rule else ""
        scope = self.scopes.get(("GET" if request.method == "HEAD" else request.method, rule))
        if scope is None:
            return
        if not self.keyring.required:
            return
        key = self._identified(network(request.remote_addr or ""), scope)
        if self.rates is not None:
            self._take(self.rates, key.id)

    def _identified(self, address: str, scope: Scope) -> Key:
        """Return the key of the request, if it may do what is asked."""
        guessing = self.guesses.peek(address)
        if not guessing.allowed:
            self.metrics.authentication_failed("guessing")
            g.allowance = guessing, self.guesses
            raise TooManyRequests(f"Too many wrong keys came from this address: {_again(guessing)}")
        try:
            key = self.keyring.identify(_token())
            note(client=key.name)
            key.require(scope)
        except (MissingKeyError, UnknownKeyError, MissingScopeError) as error:
            self.metrics.authentication_failed(_FAILURES[type(error)])
            if isinstance(error, UnknownKeyError):
                self.guesses.take(address)
            raise
        return key

    def _take(self, rates: Rates, subject: str) -> None:
        allowance = rates.take(subject)
        g.allowance = allowance, rates
        if not allowance.allowed:
            self.metrics.rate_limited()
            raise TooManyRequests(
                f"More than {rates.limit.per_minute} requests a minute came with this key: {_again(allowance)}"
            )

    @staticmethod
    def _with_rate(response: Response) -> Response:
        if (taken := g.get("allowance")) is not None:
            response.headers.update(header_fields(*taken))
        return response


def _token() -> str | None:
    """Return the key of the request: `Authorization: Bearer …`, or `X-API-Key`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key")


def _again(allowance: Allowance) -> str:
    return f"try again in {allowance.retry_after:.0f} s."
