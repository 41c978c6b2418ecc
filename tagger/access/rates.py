"""How many requests a subject may send: one limit for all workers of a gunicorn, kept in a file that they map into memory.

In: a subject (a key's id, a client's network). Out: whether it may go on, and the HTTP fields that say so.
"""

# No library does this: limits and throttled-py share between processes through a server only; pyrate-limiter (4.5.1) through
# SQLite and a file lock, a table for each subject and a row for each request: 37 us a call at 100 a minute, 190 at 6000, where
# this takes 4 to 6; and it cannot ask without waiting since filelock 4.2.

import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tagger.access.rate_table import RateTable

_NANOSECONDS = 10**9


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests a minute, evenly; and so many at once after a pause."""

    per_minute: int
    burst: int

    def __post_init__(self) -> None:
        if self.per_minute < 1 or self.burst < 1:
            raise ValueError(f"A limit allows at least one request, not {self.per_minute} a minute and {self.burst} at once.")

    @property
    def interval(self) -> int:
        """Nanoseconds from one request to the next, rounded up: whole numbers, so that no error of rounding ever adds up."""
        return -(-60 * _NANOSECONDS // self.per_minute)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a subject may do now.

    limit: requests at once after a pause. remaining: requests at once, now. reset_seconds: until there is one more than
    `remaining`; 0 when nothing is used. retry_after: seconds until a refused request would be allowed; 0 when it was.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: float
    retry_after: float


class Rates:
    """A limit for each subject, by the generic cell rate algorithm: it keeps when a subject will have paid off its requests.

    shared: a folder that only the workers can write to; None keeps the numbers in this process. name: that of the limit, in the
    folder and in HTTP fields. clock: nanoseconds that never go back and that all processes agree on. CLOCK_MONOTONIC is such:
    Linux counts it for the machine, from its start. Make one in each process: a copy in a forked child would share its lock.
    """

    def __init__(
        self,
        shared: Path | None,
        limit: RateLimit,
        *,
        name: str = "default",
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.limit, self.name = limit, name
        self._clock = clock
        self._table = RateTable(shared / f"{name}.rates" if shared else None)

    def take(self, subject: str) -> Allowance:
        """Count a request of a subject, unless it is one too many."""
        return self._judge(subject, take=True)

    def peek(self, subject: str) -> Allowance:
        """Tell what `take` would, and count nothing: a guesser is refused before his next key is looked at."""
        return self._judge(subject, take=False)

    def _judge(self, subject: str, *, take: bool) -> Allowance:
        limit, interval = self.limit, self.limit.interval
        hashed = self._table.hashed(subject)
        with self._table:
            now = self._clock()
            slot, paid_off = self._table.find(hashed)
            debt = max(paid_off - now, 0)
            # More than a limit lets anyone owe: the file has outlived a restart of the machine, or the limit was higher.
            debt = 0 if debt > limit.burst * interval else debt
            allowed = debt <= (limit.burst - 1) * interval
            if allowed and take:
                debt += interval
                self._table.write(slot, hashed, now + debt)
        return _allowance(limit, debt, allowed=allowed)


def _allowance(limit: RateLimit, debt: int, *, allowed: bool) -> Allowance:
    used = -(-debt // limit.interval)
    reset = (debt - max(used - 1, 0) * limit.interval) / _NANOSECONDS
    return Allowance(allowed, limit.burst, limit.burst - used, reset, 0.0 if allowed else reset)


def header_fields(allowance: Allowance, rates: Rates) -> dict[str, str]:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-11 that tell a client how to go on; `Retry-After` on a refusal.

    q and w: so many requests are won back in so many seconds. r and t: no more than r within the next t seconds, then there is
    one more. Seconds are whole and rounded up: who waits as long as they say is not refused.
    """
    limit = rates.limit
    fields = {
        "RateLimit-Policy": f'"{rates.name}";q={limit.burst};w={-(-limit.burst * limit.interval // _NANOSECONDS)}',
        "RateLimit": f'"{rates.name}";r={allowance.remaining};t={math.ceil(allowance.reset_seconds)}',
    }
    return fields if allowance.allowed else {**fields, "Retry-After": str(math.ceil(allowance.retry_after))}


def network(address: str) -> str:
    """Return the subject that a client's address stands for: itself, or the /64 of an IPv6 address: a client has all of it."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))
