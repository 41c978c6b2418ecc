"""Corpus and reviews -> a new release, judged against the one that serves, promoted or refused."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tagger.extract.parts import read_record
from tagger.gazetteer import Gazetteer, read_gazetteer
from tagger.promotions import load_champion, locked, promote, reject, standing
from tagger.registry import load_release
from tagger.reviews.review import Conflict, Labelled, topics_by_document
from tagger.reviews.store import ReviewStore
from tagger.taxonomy import Taxonomy, read_taxonomy
from tagger.topics import Change, changed, removed_topics
from training.baselines import Keywords, read_keywords
from training.corpus import Example, corpus_digest, read_examples, split_of
from training.floors import NO_FLOORS, Floors, read_floors
from training.gate import Verdict, judge
from training.release import make_release, split
from training.report import Report

_PAGE = 1000


@dataclass(frozen=True)
class Syllabus:
    """What to learn and what a release of it must reach: topics, names, and what lies beside the taxonomy file.

    removed: topics that texts may still be labelled with.
    """

    taxonomy: Taxonomy
    gazetteer: Gazetteer
    removed: frozenset[str] = frozenset()
    keywords: Keywords | None = None
    floors: Floors = NO_FLOORS
    golden: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Sources:
    """What to learn from: examples, a digest of them, and where editors contradicted each other."""

    examples: list[Example]
    digest: str
    conflicts: tuple[Conflict, ...] = ()
    reviewed: int = 0


@dataclass(frozen=True)
class Outcome:
    """A release, its evaluation, what the gate says of it, and whether it is now the champion."""

    name: str
    report: Report
    verdict: Verdict | None
    champion: bool


def read_syllabus(taxonomy_path: Path, changes: Sequence[Change], names: Sequence[Path], keywords: Path) -> Syllabus:
    """Read the taxonomy with a newsroom's changes, and floors.json and golden.jsonl beside it, if they are there.

    names: gazetteer files.

    Raises:
        TaggerError, OSError: a file cannot be read.
    """
    removed = removed_topics(changes)
    taxonomy = changed(read_taxonomy(taxonomy_path.read_text(encoding="utf-8")), changes)
    floors, golden = taxonomy_path.parent / "floors.json", taxonomy_path.parent / "golden.jsonl"
    asked = read_floors(floors) if floors.is_file() else NO_FLOORS
    return Syllabus(
        taxonomy,
        read_gazetteer("".join(path.read_text(encoding="utf-8") for path in names)),
        removed,
        read_keywords(keywords),
        replace(asked, topics={topic: floor for topic, floor in asked.topics.items() if topic not in removed}),
        tuple(read_examples([golden], taxonomy, removed)) if golden.is_file() else (),
    )


def gather(paths: Sequence[Path], syllabus: Syllabus) -> Sources:
    """Read the corpus.

    Raises:
        CorpusError: a file cannot be used.
    """
    return Sources(read_examples(paths, syllabus.taxonomy, syllabus.removed), corpus_digest(paths))


def with_reviews(sources: Sources, store: ReviewStore, taxonomy: Taxonomy, since: str | None) -> Sources:
    """Add what editors said of documents; a document that was drawn at random is kept for the test, never learnt from.

    since: leave out reviews before this date, ISO 8601.

    Raises:
        StoreUnavailableError: the reviews cannot be read.
    """
    reviews, after = [], 0
    while page := store.reviews(after=after, limit=_PAGE, since=since):
        reviews += page
        after = page[-1].number
    labelled, conflicts = topics_by_document(reviews)
    examples = [_example(name, label, taxonomy) for name, label in sorted(labelled.items())]
    said = json.dumps([(e.id, sorted(e.topics), e.split) for e in examples]).encode()
    digest = hashlib.sha256(sources.digest.encode() + said).hexdigest() if examples else sources.digest
    return Sources([*sources.examples, *examples], digest, tuple(conflicts), len(examples))


def _example(name: str, label: Labelled, taxonomy: Taxonomy) -> Example:
    record = {"id": name, **label.document}
    held_out = "test" if label.sample == "random" else split_of(name)
    return Example(name, read_record(json.dumps(record)), label.topics & frozenset(taxonomy.ids), held_out, record)


def retrain(sources: Sources, syllabus: Syllabus, *, models: Path, utc: str, why: str, dry_run: bool = False) -> Outcome:
    """Make a release; promote it if the gate lets it pass, note the refusal otherwise. A dry run leaves nothing behind.

    A corpus too small to hold texts out cannot be judged: its release is promoted without a verdict (None).

    Raises:
        BusyError: another training is running in this folder.
        CorpusError, DamagedReleaseError, OSError: the release cannot be made; the champion goes on serving.
    """
    with locked(models, ".training", wait=False), tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if dry_run else models
        name, report = make_release(
            sources.examples,
            syllabus.taxonomy,
            syllabus.gazetteer,
            models=folder,
            utc=utc,
            digest=sources.digest,
            keywords=syllabus.keywords,
        )
        test = split(sources.examples)[1]
        verdict = _verdict(folder / name, models, test, syllabus) if test else None
        if dry_run:
            return Outcome(name, report, verdict, champion=False)
        if verdict is None or verdict.promoted:
            promote(models, name, why=why)
        else:
            reject(models, name, why=" ".join(failure.sentence for failure in verdict.failures))
        return Outcome(name, report, verdict, champion=standing(models).champion == name)


def _verdict(folder: Path, models: Path, test: Sequence[Example], syllabus: Syllabus) -> Verdict:
    challenger = load_release(folder.parent, folder.name)
    champion = load_champion(models) if standing(models).champion else None
    size = sum(path.stat().st_size for path in folder.iterdir())
    return judge(challenger, champion, test, syllabus.golden, syllabus.floors, release_bytes=size)
