"""The benchmarks run, on toy data; what they measure is judged by who reads it, never here."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tagger.documents import joined
from tagger.registry import Release
from tagger.taxonomy import Taxonomy
from tests.conftest import DATA
from training.corpus import Example, read_examples
from training.speed.__main__ import main
from training.speed.archive import ArchiveError, growth, tag_all
from training.speed.fitting import Cost, linearity
from training.speed.limit import limiting_reader
from training.speed.memory import of_tree
from training.speed.page import Section, write
from training.speed.systems import LIMIT, OURS
from training.speed.tagging import Speed, aims
from training.speed.texts import ARTICLE_BYTES, articles, perturbed, plain
from training.speed.vocabulary import kept


@pytest.fixture(scope="module")
def examples(taxonomy: Taxonomy) -> list[Example]:
    return read_examples([DATA / "toy.jsonl"], taxonomy)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (["tagging", "--buckets", "100"], "| this release is faster than |"),
        (["vocabulary"], "| texts with the same tags |"),
        (["training", "--size", "60"], "| texts | counting, s |"),
        (["archive", "--texts", "50"], "50 short texts"),
        (["profile", "--no-perf"], "| read parts |"),
        (["profile", "--no-perf"], "NumPy copies as much"),
    ],
)
def test_each_part_reports(part: list[str], told: str, tiny_models: Path, tmp_path: Path) -> None:
    options = ["--models", str(tiny_models), "--corpus", str(DATA / "toy.jsonl"), "--taxonomy", str(DATA / "toy-taxonomy.json")]
    options += ["--report", str(tmp_path), "--documents", "4", "--rounds", "1"]

    done = CliRunner().invoke(main, [*options, *part], catch_exceptions=False)

    assert 0 == done.exit_code, done.output
    assert told in done.stdout
    assert told in (tmp_path / "speed.md").read_text()
    assert len(list(tmp_path.glob("*.svg"))) == (tmp_path / "speed.html").read_text().count("<svg")


def test_a_page_holds_all_sections_in_their_order(tmp_path: Path) -> None:
    write(Section("service", "## Service\n\n![service-a.svg](service-a.svg)\n", {"service-a.svg": "<svg>new</svg>"}), tmp_path)
    write(Section("tagging", "## Tagging\n"), tmp_path)

    page = (tmp_path / "speed.html").read_text()

    assert page.index("Tagging") < page.index("Service") < page.index("<svg>new</svg>")


def test_a_section_measured_anew_takes_the_place_of_the_old(tmp_path: Path) -> None:
    write(Section("archive", "## Old\n", {"archive-old.svg": "<svg>old</svg>"}), tmp_path)
    write(Section("archive", "## New\n"), tmp_path)

    assert "Old" not in (tmp_path / "speed.md").read_text()
    assert not (tmp_path / "archive-old.svg").exists()


def test_articles_are_of_one_length_where_there_is_text_enough(examples: list[Example]) -> None:
    long = articles(examples * 20, 5)
    short = articles(examples, 5)

    assert 5 == len(long)
    assert all(abs(len(plain(document).encode()) - ARTICLE_BYTES) < 4 for document in long)
    assert short
    assert all(0 < len(plain(document).encode()) < ARTICLE_BYTES for document in short)


def test_texts_made_of_ours_are_the_same_in_every_run(examples: list[Example]) -> None:
    first, again = ([e.document for e in perturbed(examples, 30)] for _ in range(2))

    assert first == again
    assert {word for d in first for word in joined(d.body).split()} <= {w for e in examples for w in plain(e.document).split()}


def test_an_aim_is_reached_or_missed() -> None:
    speeds = {OURS: Speed(1.0, 1.0), LIMIT: Speed(0.4, 0.4), "scikit-learn": Speed(20.0, 29.0)}

    assert [
        ["scikit-learn, in a batch", "20.00", "≥ 20", "reached"],
        ["scikit-learn, alone", "29.00", "≥ 30", "missed"],
        [f"{LIMIT}, in a batch", "0.40", "≥ 0.5", "missed"],
    ] == aims(speeds)


def test_the_limit_reads_and_finds_nothing(tiny_release: Release, examples: list[Example]) -> None:
    decisions, lengths = limiting_reader(tiny_release.model).decisions([example.document for example in examples])

    assert not decisions.any()
    assert not lengths.any()


def test_the_terms_kept_are_those_that_move_a_decision_most(tiny_release: Release) -> None:
    model = tiny_release.model
    strength = np.abs(model.weights).max(axis=1) * model.idf

    smaller = kept(model, 10)

    assert sorted(strength)[-10:] == pytest.approx(sorted(np.abs(smaller.weights).max(axis=1) * smaller.idf))
    assert [model.vocabulary[term] for term in smaller.terms] == sorted(model.vocabulary[term] for term in smaller.terms)


def test_growth_compares_the_last_quarter_with_the_second() -> None:
    flat = [(float(second), 100 + 900 * (second < 2)) for second in range(40)]
    growing = [(float(second), 100 if second < 30 else 150) for second in range(40)]

    assert 0 == growth(flat)
    assert 0.5 == growth(growing)


def test_linear_growth_has_the_power_of_one() -> None:
    costs = [Cost(n, n / 100, n / 200, 5, 1000 * n + 7, 7) for n in (10, 100, 1000)]

    assert "power of 1.00, memory with 1.00" in linearity(costs)


def test_memory_counts_what_a_process_started() -> None:
    """A child that holds 50 MB, below a shell that holds next to nothing."""
    held = "import sys; kept = b'a' * 50_000_000; print('ready', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {held!r}])"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        assert of_tree(process.pid) > 50_000_000
        assert of_tree(os.getpid()) > of_tree(process.pid)
        process.communicate()


def test_an_archive_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text('{"body": "Un texte"}\n')

    with pytest.raises(ArchiveError, match="failed with status 1: Error"):
        tag_all(tmp_path / "texts.jsonl", tmp_path / "tags.jsonl", tmp_path / "nowhere", [])
