"""Answered documents -> which to ask an editor about next, and why. Pure: what was handed out before comes in as counts."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Reason = Literal["near_threshold", "rare_topic", "random"]
# Of the documents handed out: what teaches the model most, what it has seen least of, and what tells how good it is.
SHARES: dict[Reason, float] = {"near_threshold": 0.7, "rare_topic": 0.1, "random": 0.2}


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A document to ask an editor about, what the tagger last said of it, and why it was chosen."""

    document_id: str
    document: Mapping[str, str]
    release: str
    scores: Mapping[str, float]
    tags: tuple[str, ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that nobody reviewed and that was not handed out, as it was answered last."""

    document: str
    release: str
    scores: Mapping[str, float]
    tags: str


@dataclass(frozen=True, slots=True)
class Order:
    """Which candidates come first, for each reason."""

    thresholds: Mapping[str, float]
    reviewed: Counter[str]
    seed: int

    def margin(self, candidate: Candidate) -> float:
        """Return how near the nearest score is to its threshold."""
        return min(abs(score - self.thresholds[topic]) for topic, score in candidate.scores.items())

    def rarity(self, candidate: Candidate) -> tuple[int, float]:
        """Return how often the best topic was reviewed, and then how sure it is."""
        best = max(candidate.scores, key=lambda topic: candidate.scores[topic])
        return self.reviewed[best], -candidate.scores[best]

    def lot(self, candidate: Candidate) -> bytes:
        """Return what decides by chance, the same for the same seed."""
        return hashlib.sha256(f"{self.seed} {candidate.document}".encode()).digest()


def choose(candidates: Iterable[Candidate], quotas: Mapping[Reason, int], order: Order) -> list[tuple[Candidate, Reason]]:
    """Choose up to the quota of each reason, and what one reason lacks from another.

    A fifth of all documents, told by their id and so by nothing in them, is kept for the random sample: were the others
    taken out of it first, it would lack what is near a threshold and flatter every release measured on it.
    """
    kept: list[Candidate] = []
    others: list[Candidate] = []
    for candidate in candidates:
        (kept if is_kept_for_random(candidate.document) else others).append(candidate)
    ranked: dict[Reason, list[Candidate]] = {
        "rare_topic": sorted(others, key=order.rarity),
        "near_threshold": sorted(others, key=order.margin),
        "random": sorted(kept, key=order.lot),
    }
    chosen: dict[str, tuple[Candidate, Reason]] = {}
    limit = sum(quotas.values())
    for reason, number in (*((reason, quotas[reason]) for reason in ranked), ("near_threshold", limit), ("random", limit)):
        free = [candidate for candidate in ranked[reason] if candidate.document not in chosen]
        chosen |= {candidate.document: (candidate, reason) for candidate in free[: min(number, limit - len(chosen))]}
    return list(chosen.values())


def is_kept_for_random(identity: str) -> bool:
    """Tell whether a document belongs to the fifth that only the random sample draws from."""
    return int(identity[:8], 16) < SHARES["random"] * 2**32


def shares_due(limit: int, handed_out: Mapping[str, int]) -> dict[Reason, int]:
    """Divide `limit` so that all that was ever handed out comes closest to `SHARES`; with a limit of 1, reasons take turns."""
    total = sum(handed_out.values()) + limit
    due = {reason: share * total - handed_out.get(reason, 0) for reason, share in SHARES.items()}
    quotas: dict[Reason, int] = dict.fromkeys(SHARES, 0)
    for _ in range(limit):
        reason = max(due, key=lambda reason: due[reason])
        quotas[reason] += 1
        due[reason] -= 1
    return quotas
