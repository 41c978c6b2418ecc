"""What a topic is called in the vocabularies of the trade."""

import json
from typing import Any

import pytest

from tagger.taxonomy import InvalidTaxonomyError, read_taxonomy
from tests.conftest import ROOT


def taxonomy(**topic: Any) -> str:
    return json.dumps({"version": "1", "topics": [{"id": "korea", **topic}]})


def test_codes_are_uris() -> None:
    (topic,) = read_taxonomy(taxonomy(mediatopic=["medtop:20000638"], wikidata=["Q423", "Q884"])).topics

    assert (
        "http://cv.iptc.org/newscodes/mediatopic/20000638",
        "http://www.wikidata.org/entity/Q423",
        "http://www.wikidata.org/entity/Q884",
    ) == topic.uris


def test_a_topic_of_the_newsrooms_own_has_none() -> None:
    assert () == read_taxonomy(taxonomy()).topics[0].uris


def test_every_topic_that_is_shipped_has_both() -> None:
    for topic in read_taxonomy((ROOT / "training/taxonomy.json").read_text(encoding="utf-8")).topics:
        assert topic.mediatopic
        assert topic.wikidata


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        ({"mediatopic": ["20000638"]}, "`mediatopic` of the topic 'korea' holds '20000638': write `medtop:`"),
        ({"mediatopic": "medtop:20000638"}, "holds 'm': write"),
        ({"wikidata": ["http://www.wikidata.org/entity/Q884"]}, "`wikidata` of the topic 'korea' holds"),
        ({"wikidata": [884]}, "holds 884: write `Q`"),
    ],
)
def test_a_code_that_would_lead_nowhere_is_refused(codes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidTaxonomyError, match=sentence):
        read_taxonomy(taxonomy(**codes))
