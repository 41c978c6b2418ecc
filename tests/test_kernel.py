"""The compiled pass finds what the reference finds, whatever the text; it is kept, found again, and done without."""

import gc
import json
import os
import subprocess
import sys
import unicodedata
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tagger.documents import Document, Passage
from tagger.encoded import Encoded
from tagger.extract.parts import read_record
from tagger.features import term_counts
from tagger.gazetteer import Gazetteer, read_gazetteer
from tagger.kernel import cache, compiled, reading
from tagger.kernel.compiled import Kernel, kernel
from tagger.kernel.reading import counted
from tagger.model import TopicModel
from tagger.registry import Release
from tests.conftest import ROOT

# Names that begin, end and lie within one another, of one or several concepts, proper or not, longer and shorter than a term.
NAMES = """
kp\tCorée du Nord
kr\tCorée
kp\tKim Jong-un
war\tcorée nord sud
place\tNord
place\tnord-est
ship\tfrégate multimission
ship\tFrégate
both\tfrégate
long\tinternationalisation
long\tinternationalisations navales
cyrillic\tМосква
cyrillic\tМосквабад Москва
hangul\t평양
greek\tΟΔΟΣ
œuvre:d'art\tŒuvre
other\tÉtat-major
"""
KNOWN = (
    "coree nord sud kim fregat intern naval moskva москва 평 평양 οδος οδοσ oeuvre etat major a2 b1 drone ai i ss fi ffi æ "
    "char general arme @kp @kr @war @place @ship @both @long @cyrillic @hangul @greek @œuvre:d'art internationalisation @un"
).split()
# What folding, dividing and language decide on, and what rewrites text: whole words and single characters.
PIECES = (
    *"Corée corée du Nord nord sud-est Kim Jong-un frégate Frégate multimissions internationalisations".split(),
    *"navales État-major".split(),
    *"Москва МОСКВАБАД 평양 평양 ΟΔΟΣ ΟΔΟΣ' ΣΑΣ ς Σ İstanbul I ı ß ẞ œuvre ŒUVRES ﬁ ﬃ ǅ ŉ Ⅷ ² 2024 A2 b1 ½ ﾞ ｶﾞ ﷺ".split(),
    *"les the die que el il de het și &amp; &eacute; &Eacute;tat &#233; &#xE9; &#x301; &nbsp; &fjlig;".split(),
    *"& &x &; &#; q\u0301 e\u0301".split(),
    *"\u00ad \u200b \ufeff \ufe0f \u0301 \u0323 \u20dd \u034f \u1161 \u11a8 \u212b \u0958 ' ’ ʼ ` - _ . « » 🇫🇷 ⚠️".split(),
    *(" ", "  ", "\n", "\x00", "\u00a0", "\u2028", "a" * 40, "internationalisation" * 3, "é" * 30 + "s", "ǰ" * 20, "ﷺ" * 9),
    *(before + "eux" for before in ("", "a", "ab", "abc", "é", "2")),
    *("abc" + ending for ending in ("trices", "onnes", "ales", "ale", "aux", "x", "ss", "iere", "ives")),
)  # fmt: skip
TEXT = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(lambda text: unicodedata.normalize("NFD", text)),
    st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzéèœA 'ns"), max_size=60),
)
PASSAGES = st.lists(TEXT, max_size=3).map(lambda texts: tuple(Passage(text, 7 * n) for n, text in enumerate(texts)))
DOCUMENTS = st.builds(
    Document, st.just("article"), title=PASSAGES, lead=PASSAGES, body=PASSAGES, rubric=PASSAGES
)  # every field, some of several passages


def compiled_or_fail() -> Kernel:
    found = kernel()
    assert found is not None
    return found


def model(names: str = NAMES, terms: list[str] | None = None, topics: int = 3) -> TopicModel:
    compiled_or_fail()  # or the reference would be compared with itself
    terms = list(dict.fromkeys(KNOWN if terms is None else terms))
    random = np.random.default_rng(1)
    idf, weights = 1 + random.random(len(terms)), random.normal(size=(len(terms), topics))
    listed = "".join(f"{term}\n" for term in terms)
    return TopicModel(listed, idf, weights, random.normal(size=topics), np.ones((3, topics)), read_gazetteer(names))


MODEL = model()


def assert_same(expected: Encoded, found: Encoded) -> None:
    assert (expected.words, expected.known, expected.length) == (found.words, found.known, found.length)
    np.testing.assert_array_equal(expected.rows, found.rows)
    np.testing.assert_array_equal(expected.occurrences, found.occurrences)
    np.testing.assert_array_equal(expected.firsts, found.firsts)
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.decisions, expected.decisions, rtol=0, atol=1e-9)


@settings(max_examples=1000)
@given(DOCUMENTS)
@example(Document("article", body=(Passage("\u00adCorée\u00ad du\u00ad Nord\u00ad", 0), Passage("\u00adNord", 9))))
@example(Document("article", body=(Passage("ΑΣ\u00adΑ ΑΣ\u00ad ʰΣ ΑʰΣʰ Σ", 0),)))
@example(Document("article", body=(Passage("Corée &amp; Nord", 0),)))
def test_it_finds_what_the_reference_finds(document: Document) -> None:
    assert_same(MODEL.encode_plainly(document), MODEL.encode(document))


def test_every_letter_is_read_alike() -> None:
    """Alone, before and behind a letter, and on either side of a capital sigma; ideographs, of which many are alike, seldom."""
    characters = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
    tested = [c for c in characters if "IDEOGRAPH-" not in unicodedata.name(c, "") or ord(c) % 50 == 0]
    texts = [f"{c} a{c} {c}a ΑΣ{c} ΑΣ{c}Α {c}Σ" for c in tested]
    documents = [Document("article", body=(Passage(text, 0),)) for text in texts]

    assert [term_counts(document, Gazetteer()) for document in documents] == list(counted(documents, Gazetteer()))


@settings(max_examples=500)
@given(st.lists(DOCUMENTS, max_size=5))
def test_documents_read_together_are_read_as_alone(documents: list[Document]) -> None:
    expected = [term_counts(document, MODEL.gazetteer) for document in documents]

    assert [list(e.items()) for e in expected] == [list(c.items()) for c in counted(documents, MODEL.gazetteer)]
    np.testing.assert_array_equal(
        MODEL.scores(documents), [MODEL.score(MODEL.encode(d)) for d in documents] or np.zeros((0, 3))
    )


def corpus() -> Iterator[Document]:
    for path in sorted((ROOT / "training/corpus").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            body = record.get("body") or record.get("text")
            yield read_record(json.dumps({"title": record.get("title"), "lead": record.get("lead"), "body": body}))


def test_the_corpus_is_read_alike_with_the_shipped_release(shipped: Release) -> None:
    documents = list(corpus())[::10]
    for document in documents:
        assert_same(shipped.model.encode_plainly(document), shipped.model.encode(document))


@pytest.mark.parametrize("count", [1, 2, 1023, 1024, 1025, 4095, 4097, 10_000])
def test_a_term_may_occur_any_number_of_times(count: int) -> None:
    document = Document("article", title=(Passage("Corée " * (count // 2), 0),), body=(Passage("char " * (count % 2 + 1), 0),))

    assert_same(MODEL.encode_plainly(document), MODEL.encode(document))


@pytest.mark.parametrize("topics", [1, 2, 11, 40])
def test_any_number_of_topics(topics: int) -> None:
    many = model(topics=topics)
    document = Document("article", body=(Passage("La Corée du Nord et la frégate multimissions", 0),))

    assert_same(many.encode_plainly(document), many.encode(document))


@pytest.mark.parametrize("names", ["", "kp\tCorée", NAMES])
@pytest.mark.parametrize("terms", [[], ["coree"], KNOWN])
def test_no_names_and_no_vocabulary_are_allowed(names: str, terms: list[str]) -> None:
    small = model(names, terms)
    document = Document("article", body=(Passage("Corée, Corée du Nord, Internationalisation navale", 0),))

    assert_same(small.encode_plainly(document), small.encode(document))


def test_keys_tell_terms_apart_that_share_a_place_in_the_table() -> None:
    """Thousands of terms of one to six letters of three alphabets: each is counted by itself."""
    letters = "abyzбя한éα0"
    text = " ".join(f"{a}{b}{c}{d}" for a in letters for b in letters for c in letters for d in letters)
    document = Document("article", body=(Passage(text, 0),))

    assert [term_counts(document, Gazetteer())] == list(counted([document], Gazetteer()))


def test_what_is_remembered_of_earlier_texts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for four words, and for the unknown terms of one text: what comes later takes the place of what came before."""
    for room, size in (("_LEAST_ROOM", 16), ("_MEANINGS", 4), ("_UNKNOWN", 1)):
        monkeypatch.setattr(f"tagger.kernel.reading.{room}", size)
    small = model()
    random = np.random.default_rng(0)

    for _ in range(300):
        text = " ".join(random.choice(PIECES, random.integers(1, 40)))
        document = Document("article", body=(Passage(text, 0),))
        assert_same(small.encode_plainly(document), small.encode(document))


def test_what_was_read_with_is_gone_with_its_model() -> None:
    """Without a search for garbage: a worker spares the release that it began with from that."""
    small = model()
    small.scores([Document("article", body=(Passage("Corée", 0),))])
    reader = weakref.ref(small.__dict__["_reader"])
    gc.collect()
    gc.disable()
    try:
        del small
        assert reader() is None
    finally:
        gc.enable()


def test_long_words_that_begin_alike_are_told_apart() -> None:
    """A word of sixteen letters is remembered by all of them, a longer one not at all."""
    words = [f"internationalis{'e' * n}{ending}" for n in range(5) for ending in ("", "s", "r", "\u0153", "\u00e9")]
    document = Document("article", body=(Passage(" ".join(words + words), 0),))

    assert_same(MODEL.encode_plainly(document), MODEL.encode(document))


@given(DOCUMENTS, st.integers(1, 20))
def test_the_strongest_terms_are_those_of_the_reference(document: Document, most: int) -> None:
    encoded = MODEL.encode_plainly(document)
    by_value = [encoded.values[encoded.rows == row][0] * MODEL.weights[row] for row in encoded.rows[encoded.rows >= 0]]

    for topic in range(3):
        expected = sorted((value[topic] for value in by_value if value[topic] > 0), reverse=True)[:most]
        found = list(MODEL.strongest(MODEL.encode(document), topic, most))
        np.testing.assert_allclose([added for _, added in found], expected, rtol=0, atol=1e-12)
        places = [place for place, _ in found]
        added = encoded.values[places] * MODEL.weights[encoded.rows[places], topic]
        np.testing.assert_allclose([value for _, value in found], added, rtol=0, atol=1e-12)


def test_of_terms_that_add_the_same_the_first_by_name_comes_first() -> None:
    listed = ["char", "arme", "drone", "naval"]
    same = replace(model(terms=listed), idf=np.ones(4), weights=np.ones((4, 3)))
    encoded = same.encode(Document("article", body=(Passage("drone naval char arme", 0),)))

    assert ["arme", "char", "drone"] == [same.terms[encoded.rows[place]] for place, _ in same.strongest(encoded, 0, 3)]


def test_threads_read_at_the_same_time() -> None:
    documents = list(islice(corpus(), 200))
    expected = MODEL.scores(documents)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: MODEL.scores(documents), range(8)):
            np.testing.assert_array_equal(expected, found)


def test_lone_surrogates_are_no_letters() -> None:
    document = Document("article", body=(Passage("Corée\ud800 du \udc00Nord", 0),))

    assert_same(MODEL.encode_plainly(document), MODEL.encode(document))


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, cwd=ROOT, capture_output=True, text=True, check=True
    )


def test_the_service_tags_without_numba(tmp_path: Path) -> None:
    """It costs 65 MB and a fifth of a second in each worker."""
    compiled_or_fail()
    code = (
        "import sys; from tagger.app import create_app, Settings; "
        f"app = create_app(Settings(reviews='sqlite:///{tmp_path}/reviews.db', follow=False));"
        "answer = app.test_client().post('/v1/tags', data='La Corée du Nord tire un missile', content_type='text/plain');"
        "print(answer.status_code,"
        "'llvmlite' in sys.modules, [name for name in sys.modules if name.split('.')[0] == 'numba'])"
    )

    assert "200 True []\n" == run(code).stdout


def test_the_reference_reads_where_it_is_told_to() -> None:
    assert "None\n" == run("from tagger.kernel.compiled import kernel; print(kernel())", TAGGER_KERNEL="reference").stdout


def test_the_reference_counts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [
        Document("article", body=(Passage(text, 0),)) for text in ("Corée du Nord, deux Corées", "", "un missile tiré")
    ]
    expected = list(counted(documents, MODEL.gazetteer))
    monkeypatch.setenv("TAGGER_KERNEL", "reference")
    monkeypatch.setattr(reading, "kernel", kernel.__wrapped__)

    assert expected == list(counted(documents, MODEL.gazetteer))


def test_where_nothing_can_be_built_the_reference_reads_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(cache, "_folders", lambda: (tmp_path,))
    monkeypatch.setattr(sys, "executable", "/bin/false")

    assert kernel.__wrapped__() is None
    assert "read by the reference" in caplog.text


def test_a_damaged_pass_is_built_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiled_or_fail()
    name = cache.file_name("kernel", "")
    whole = next(folder / name for folder in cache._folders() if (folder / name).is_file())
    (tmp_path / name).write_bytes(whole.read_bytes()[:5000])
    monkeypatch.setattr(cache, "_folders", lambda: (tmp_path,))
    monkeypatch.setattr(compiled, "_built_elsewhere", lambda: cache.read(whole))

    assert kernel.__wrapped__() is not None
