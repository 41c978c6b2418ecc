"""The topics a release knows, in the order of its score columns. Data, not code: read from a JSON file."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from tagger.errors import TaggerError

MEDIA_TOPICS = "http://cv.iptc.org/newscodes/mediatopic/"
WIKIDATA = "http://www.wikidata.org/entity/"
_MEDIA_TOPIC = re.compile(r"medtop:(\d{8})")
_WIKIDATA_ITEM = re.compile(r"Q[1-9]\d{0,11}")


class InvalidTaxonomyError(TaggerError):
    """A taxonomy file is not one: wrong shape, no topic, or an id given twice."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: `id` (a slug), labels by language (`fr` always), description, IPTC Media Topic codes, Wikidata items."""

    id: str
    labels: dict[str, str]
    description: str
    mediatopic: tuple[str, ...] = ()
    wikidata: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The French label."""
        return self.labels["fr"]

    @property
    def uris(self) -> tuple[str, ...]:
        """What the topic is called in the vocabularies of the trade: its Media Topics, then its Wikidata items."""
        return tuple(
            [MEDIA_TOPICS + code.removeprefix("medtop:") for code in self.mediatopic]
            + [WIKIDATA + item for item in self.wikidata]
        )


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Topics in column order, under a version that changes with them."""

    version: str
    topics: tuple[Topic, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Topic ids in column order."""
        return tuple(topic.id for topic in self.topics)


def read_taxonomy(text: str) -> Taxonomy:
    """Read a taxonomy from JSON; inverse of `write_taxonomy`. A topic needs only its `id`: it is its own label then.

    Raises:
        InvalidTaxonomyError: the text is no JSON, lacks a part, or names a topic twice.
    """
    try:
        record = json.loads(text)
        taxonomy = Taxonomy(str(record["version"]), tuple(_topic(item) for item in record["topics"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidTaxonomyError(f"The taxonomy cannot be read: {error!r}.") from error
    if not taxonomy.topics or len(set(taxonomy.ids)) != len(taxonomy.ids):
        raise InvalidTaxonomyError("The taxonomy must hold at least one topic, and each id once.")
    return taxonomy


def _topic(item: dict[str, Any]) -> Topic:
    labels = {str(language): str(label) for language, label in item.get("labels", {"fr": item["id"]}).items()}
    if "fr" not in labels:
        raise KeyError("labels.fr")
    return Topic(
        str(item["id"]),
        labels,
        str(item.get("description", "")),
        _codes(item, "mediatopic", _MEDIA_TOPIC, "`medtop:` and eight digits, as in medtop:20000062"),
        _codes(item, "wikidata", _WIKIDATA_ITEM, "`Q` and a number, as in Q884"),
    )


def _codes(item: dict[str, Any], key: str, form: re.Pattern[str], said: str) -> tuple[str, ...]:
    """Return the codes that a topic has in a vocabulary: a wrong one would go out as a URI that leads nowhere."""
    codes = tuple(item.get(key, ()))
    for code in codes:
        if not (isinstance(code, str) and form.fullmatch(code)):
            raise InvalidTaxonomyError(f"`{key}` of the topic {item['id']!r} holds {code!r}: write {said}.")
    return codes


def write_taxonomy(taxonomy: Taxonomy) -> str:
    """Write a taxonomy as JSON, one way only, so that equal taxonomies are equal bytes."""
    return json.dumps(asdict(taxonomy), ensure_ascii=False, indent=1) + "\n"
