"""The store's answers and reviews -> drift of the release that gave them."""

import json
from collections import Counter

from tagger.drift import Drift, Observation, drift, read_reference
from tagger.registry import Release
from tagger.reviews.store import ReviewStore

# Enough that a rate of 1 % is known to a tenth of itself; the newest ones count.
MOST_ANSWERS = 10_000
_PAGE = 1000


def measure_drift(release: Release, store: ReviewStore, since: str | None = None) -> Drift:
    """Compare what a release answered with what was usual when it was made.

    since: ISO 8601 with its zone; answers before it do not count.

    Raises:
        StoreUnavailableError: the answers cannot be read.
        InvalidReferenceError: the release has no reference.
    """
    answers = store.answers(since, MOST_ANSWERS, release=release.name, texts=False)
    observed = [Observation(a.scores, a.tags, a.abstained, a.unknown_share) for a in answers]
    usual = read_reference(json.dumps(release.manifest.get("reference")))
    return drift(usual, observed, _overrides(release, store, since))


def _overrides(release: Release, store: ReviewStore, since: str | None) -> dict[str, tuple[int, int]]:
    """Count by topic the verdicts that differ from the tags, and all of them."""
    changed: Counter[str] = Counter()
    reviewed: Counter[str] = Counter()
    after = 0
    while page := store.reviews(after=after, limit=_PAGE, since=since):
        after = page[-1].number
        for review in (stored.review for stored in page if stored.review.release == release.name):
            changed.update((*review.rejected, *review.added))
            reviewed.update((*review.accepted, *review.rejected, *review.added))
    return {topic: (changed[topic], reviewed[topic]) for topic in release.taxonomy.ids}
