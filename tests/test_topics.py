"""A newsroom's own topics: added, renamed, removed, each with its history."""

import threading
from pathlib import Path

import pytest

from tagger.taxonomy import Taxonomy
from tagger.topics import (
    LEDGER,
    TopicError,
    add_topic,
    changed,
    known_topics,
    read_changes,
    remove_topic,
    removed_topics,
    rename_topic,
)


def labels(taxonomy: Taxonomy) -> dict[str, str]:
    return {topic.id: topic.label for topic in taxonomy.topics}


def test_changes_apply_in_their_order(taxonomy: Taxonomy, tmp_path: Path) -> None:
    add_topic(tmp_path, taxonomy, "danse", "Danse", "Ballets et ballerines.")
    rename_topic(tmp_path, taxonomy, "velo", "Cyclisme")
    remove_topic(tmp_path, taxonomy, "cuisine")

    now = changed(taxonomy, read_changes(tmp_path))

    assert {"velo": "Cyclisme", "danse": "Danse"} == labels(now)
    assert f"{taxonomy.version}+3" == now.version
    assert {"cuisine"} == removed_topics(read_changes(tmp_path))
    assert {"cuisine", "velo", "danse"} == known_topics(tmp_path, taxonomy)


def test_history_is_kept(taxonomy: Taxonomy, tmp_path: Path) -> None:
    remove_topic(tmp_path, taxonomy, "velo")
    add_topic(tmp_path, taxonomy, "velo", "Vélo encore")

    assert [("removed", "velo"), ("added", "Vélo encore")] == [(c.kind, c.label) for c in read_changes(tmp_path)]
    assert frozenset() == removed_topics(read_changes(tmp_path))
    assert "Vélo encore" == labels(changed(taxonomy, read_changes(tmp_path)))["velo"]


def test_a_taxonomy_that_has_the_changes_already_stays_as_it_is(taxonomy: Taxonomy, tmp_path: Path) -> None:
    add_topic(tmp_path, taxonomy, "danse", "Danse")
    once = changed(taxonomy, read_changes(tmp_path))

    assert labels(once) == labels(changed(once, read_changes(tmp_path)))


@pytest.mark.parametrize("slug", ["", "Danse", "la danse", "été", "a--b", "-a", "a/b", "a" * 61])
def test_what_is_no_slug(slug: str, taxonomy: Taxonomy, tmp_path: Path) -> None:
    with pytest.raises(TopicError, match="is no slug"):
        add_topic(tmp_path, taxonomy, slug, "Danse")
    assert not (tmp_path / LEDGER).exists()


def test_contradictions_are_refused(taxonomy: Taxonomy, tmp_path: Path) -> None:
    with pytest.raises(TopicError, match="already"):
        add_topic(tmp_path, taxonomy, "velo", "Vélo")
    with pytest.raises(TopicError, match="no topic danse; there are cuisine, velo"):
        rename_topic(tmp_path, taxonomy, "danse", "Danse")
    with pytest.raises(TopicError, match="no topic danse"):
        remove_topic(tmp_path, taxonomy, "danse")
    with pytest.raises(TopicError, match="label of velo is empty"):
        rename_topic(tmp_path, taxonomy, "velo", "  ")
    remove_topic(tmp_path, taxonomy, "velo")
    with pytest.raises(TopicError, match="last topic"):
        remove_topic(tmp_path, taxonomy, "cuisine")


def test_the_same_topic_added_at_once_is_added_once(taxonomy: Taxonomy, tmp_path: Path) -> None:
    refused = []

    def add() -> None:
        try:
            add_topic(tmp_path, taxonomy, "danse", "Danse")
        except TopicError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (1, 5) == (len(read_changes(tmp_path)), len(refused))
