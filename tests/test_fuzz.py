"""The search for inputs that are read wrongly: a short round of it, and that it finds what is wrong and makes it small."""

import re

import pytest

from tagger.documents import Document, Page, Passage
from tagger.errors import UnreadablePageError
from tests.fuzz import READERS, Reader, an_input, judge, minimised, size_of
from tests.fuzz_inputs import a_text

EXISTING = [name for name, reader in READERS.items() if reader.exists]


def read_badly(text: str) -> Page:
    """Read text as no reader should."""
    if "refuse" in text:
        raise UnreadablePageError("The page is refused.")
    if "fail" in text:
        raise ValueError("failed")
    start = 1 if "shift" in text else 0
    return Page("article", (Document("article", body=(Passage(text, start),)),))


def made_of(function: str) -> Reader:
    return Reader(f"tests.test_fuzz.{function}", a_text, lambda text, *_: text)


BAD = made_of("read_badly")


@pytest.mark.parametrize("name", EXISTING)
def test_random_inputs_are_read_or_refused(name: str) -> None:
    inputs = ((number, an_input(READERS[name], 1, number)) for number in range(1000))

    assert [] == [
        f"input {number}: {problem:.300}"
        for number, content in inputs
        if (problem := judge(READERS[name], content, timed=False).problem)
    ]


def test_an_input_is_the_same_for_its_seed_and_number() -> None:
    assert an_input(BAD, 7, 3) == an_input(BAD, 7, 3)
    assert len({str(an_input(BAD, 7, number)) for number in range(50)}) > 25


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a fine page", None),
        ("refuse", None),
        ("please fail", "ValueError: failed"),
        ("a shifted page", "offset: body of document 0"),
    ],
)
def test_what_is_wrong_is_found(text: str, problem: str | None) -> None:
    found = judge(BAD, text, timed=False).problem

    assert found is None if problem is None else re.match(problem, found or "")


@pytest.mark.parametrize(
    ("content", "least"),
    [
        ("un texte qui fail au milieu", "fail"),
        (b"octets fail octets", b"fail"),
        ({"title": "a", "related": [{"body": "il fail ici"}, {}]}, {"related": [{"body": "fail"}]}),
        ((b"deux fail arguments", None), (b"fail", None)),
    ],
)
def test_the_least_that_fails_is_kept(content: object, least: object) -> None:
    assert least == minimised(content, lambda less: "fail" in str(less))


def test_a_size_is_that_of_the_bytes_sent() -> None:
    assert (2, 3, 2, 13) == tuple(map(size_of, ("é", b"abc", (b"ab", None), {"title": 42})))


def test_a_format_without_code_is_left_out() -> None:
    assert not Reader("tagger.extract.no_such_format.read", a_text, lambda text, *_: text).exists
