"""training/floors.json <-> `Floors`: what a release must reach. None of it is asked less of by accident.

The committed values are the worse ends of the champion's 95 % bootstrap intervals on the held-out texts, as `python -m training
floors` sets them, so that noise refuses nothing; size and speed allow about twice that release's.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from tagger.errors import TaggerError
from training.evaluate import Result

Share = Annotated[float, Field(ge=0, le=1)]
_CEILINGS = ("highest_false_tag_rate", "highest_ece", "largest_release_bytes", "slowest_against_champion")


class FloorsError(TaggerError):
    """Floors cannot be read, or would be lowered; the message names the file and the values."""


@dataclass(frozen=True, slots=True)
class Floors:
    """What a release must reach on the held-out texts; a topic that is not in `topics` is not checked.

    topics: lowest F1 by topic id. highest_ece: over all topics and texts. largest_release_bytes: of all files of the
    release. slowest_against_champion: highest ratio of the median times a document.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    topics: Mapping[str, Share]
    macro_f1: Share
    highest_false_tag_rate: Share
    highest_ece: Share
    largest_release_bytes: Annotated[int, Field(gt=0)]
    slowest_against_champion: Annotated[float, Field(gt=0)]


# For topics of one's own, for which nobody has set floors yet.
NO_FLOORS = Floors({}, 0.0, 1.0, 1.0, sys.maxsize, sys.float_info.max)


def read_floors(path: Path) -> Floors:
    """Read floors from JSON; inverse of `write_floors`.

    Raises:
        FloorsError: the file cannot be read, a value is missing, unknown or out of range.
    """
    try:
        return TypeAdapter(Floors).validate_json(path.read_bytes())
    except OSError as error:
        raise FloorsError(f"The floors {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise FloorsError(f"The floors {path} cannot be used: {place}: {first['msg']}.") from error


def write_floors(path: Path, floors: Floors, *, lower: bool) -> None:
    """Write floors as JSON. lower: any of the values that stand there may be made to ask less.

    Raises:
        FloorsError: a value would ask less than the one that stands there, and `lower` is false.
    """
    loosened = list(_loosened(read_floors(path), floors)) if path.exists() else []
    if loosened and not lower:
        raise FloorsError(f"Floors in {path} would be lowered: {', '.join(loosened)}. Say that they may be, or leave them.")
    path.write_text(json.dumps(asdict(floors), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def reached(result: Result, floors: Floors) -> Floors:
    """Return floors at the worse ends of a measured release's intervals, in hundredths; calibration, size and speed stay."""
    topics = {topic: math.floor(measured.f1.low * 100) / 100 for topic, measured in result.topics.items() if measured.texts}
    macro_f1 = math.floor(result.macro_f1.low * 100) / 100
    rate = math.ceil(result.false_tag_rate.high * 100) / 100
    return replace(floors, topics=topics, macro_f1=macro_f1, highest_false_tag_rate=rate)


def _loosened(before: Floors, after: Floors) -> Iterator[str]:
    """Yield the values that ask less than before, a removed topic among them."""
    for topic, floor in before.topics.items():
        if topic not in after.topics or after.topics[topic] < floor:
            yield f"{topic} from {floor} to {after.topics.get(topic, 'none')}"
    if after.macro_f1 < before.macro_f1:
        yield f"macro_f1 from {before.macro_f1} to {after.macro_f1}"
    for ceiling in _CEILINGS:
        old, new = getattr(before, ceiling), getattr(after, ceiling)
        if new > old:
            yield f"{ceiling} from {old} to {new}"
