"""The command line as a person and a script use it: run as a process, on files and on streams."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.registry import Release

TAGGER = [str(Path(sys.executable).parent / "tagger")]
PAGE = "Le gratin du chef\n\nLe chef épluche l’oignon et glisse la recette dans le four."


Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(tiny_models: Path) -> Run:
    def call(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*TAGGER, "--models", str(tiny_models), *arguments], input=stdin, capture_output=True, check=False
        )

    return call


def test_a_report_for_a_person(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text(PAGE, encoding="utf-8")

    done = run("tag", str(tmp_path / "page.txt"))

    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "ARTICLE" in shown
    assert "Cuisine" in shown
    assert "*oignon*" in shown
    assert "\x1b" not in shown


def test_the_page_object(run: Run, tiny_release: Release) -> None:
    answer = json.loads(run("tag", "--json", "-", stdin=PAGE.encode()).stdout)

    assert (tiny_release.name, "article") == (answer["release"], answer["documents"][0]["kind"])
    assert answer["documents"][0]["tags"][0]["topic"] == "cuisine"


def test_the_parts_of_a_page_in_a_json_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text(json.dumps({"title": "Le gratin", "related": [{"title": "Le peloton du col"}]}))

    answer = json.loads(run("tag", "--json", str(tmp_path / "page.json")).stdout)

    assert [document["kind"] for document in answer["documents"]] == ["article", "related"]


@pytest.mark.parametrize(
    ("name", "content", "layout"),
    [
        ("page.html", b"<meta charset=windows-1252><p>Le gratin dor\xe9 du chef sort du four, avec un oignon.", "html"),
        ("PAGE.HTM", b"<h1>Le gratin</h1><p>Le chef glisse la recette dans le four, avec un oignon.", "html"),
        (
            "feed.rss",
            b"<rss><channel><item><title>Le chef glisse le gratin dans le four</title></item></channel></rss>",
            "feed",
        ),
        (
            "feed.xml",
            b"<rss><channel><item><title>Le chef glisse le gratin dans le four</title></item></channel></rss>",
            "feed",
        ),
        (
            "item.json",
            b'{"standard": {"name": "ninjs"}, "headlines": [{"value": "Le chef glisse le gratin au four"}]}',
            "ninjs",
        ),
    ],
)
def test_the_name_of_a_file_tells_its_format(run: Run, tmp_path: Path, name: str, content: bytes, layout: str) -> None:
    (tmp_path / name).write_bytes(content)

    answer = json.loads(run("tag", "--json", str(tmp_path / name)).stdout)

    assert (layout, ["cuisine"]) == (answer["layout"], [tag["topic"] for tag in answer["documents"][0]["tags"]])


def test_html_under_another_name_is_refused_with_what_to_do(run: Run) -> None:
    done = run("tag", "-", stdin=b"<html><body>Le gratin</body></html>")

    assert (1, True) == (done.returncode, b"a file called *.html" in done.stderr)


def test_a_document_a_line(run: Run) -> None:
    """One line out for each line in, in order; a bad line gets its error in its place and the rest goes on."""
    lines = [
        '{"id": 7, "title": "Le gratin du chef", "body": "La recette demande un four et un oignon."}',
        "{",
        '{"id": "b", "body": "Le pont de la gare rouvre après la fête du village."}',
        '{"id": "c"}',
        '{"id": "d", "kind": "live_post", "body": "Le peloton monte le col, le maillot cède."}',
    ]

    done = run("tag", "--jsonl", "-", stdin="\n".join(lines).encode())

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [7, None, "b", None, "d"]
    assert {"id", "release", "tags", "abstained"} == set(answers[0])
    assert {"topic", "label", "score", "evidence"} == set(answers[0]["tags"][0])
    assert (answers[2]["tags"], answers[2]["abstained"]) == ([], "no_topic")
    assert [
        (answers[i]["line"], answers[i]["error"].split(":")[0].split(" at ")[0][: len(start)])
        for i, start in ((1, "This is not valid JSON"), (3, "The document has no text"))
    ] == [(2, "This is not valid JSON"), (4, "The document has no text")]
    assert done.returncode == 1
    assert b"line 2" in done.stderr


def test_lines_are_answered_as_they_come(tiny_models: Path) -> None:
    """The answer to a line is there before the next line is: nothing waits for the end of the input."""
    command = [*TAGGER, "--models", str(tiny_models), "tag", "--jsonl", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(f'{{"id": {number}, "body": "Le four du chef"}}\n'.encode())
            process.stdin.flush()
            assert number == json.loads(process.stdout.readline())["id"]
        process.stdin.close()
        assert process.wait() == 0


def test_a_closed_pipe_is_no_traceback(tiny_models: Path) -> None:
    command = [*TAGGER, "--models", str(tiny_models), "tag", "--jsonl", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        try:
            process.stdin.write(b'{"id": 1, "body": "Le four du chef"}\n' * 5000)
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The page is empty"),
        (b"<html><body>", "HTML or XML source"),
        (b"caf\xe9 cr\xe8me", "byte 3 is not UTF-8"),
        ("Le four".encode("utf-16"), "not UTF-8"),
        (b"a\x00" * 50, "full of NUL"),
    ],
)
def test_an_unreadable_file_is_named_and_the_rest_tagged(run: Run, tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    (tmp_path / "good.txt").write_text(PAGE, encoding="utf-8")

    done = run("tag", "--json", str(tmp_path / "bad.txt"), str(tmp_path / "nowhere.txt"), str(tmp_path / "good.txt"))

    assert done.returncode == 1
    assert sentence in done.stderr.decode()
    assert "nowhere.txt: cannot be read" in done.stderr.decode()
    assert str(tmp_path / "good.txt") == json.loads(done.stdout)["file"]


def test_ten_megabytes_are_one_page(run: Run) -> None:
    page = "Le gratin du chef\n\n" + "Le chef épluche l'oignon et glisse la recette dans le four.\n" * 170_000

    answer = json.loads(run("tag", "--json", "--no-evidence", "-", stdin=page.encode()).stdout)

    assert len(answer["documents"]) == 1


@pytest.mark.parametrize("arguments", [["tag"], ["tag", "--json", "--jsonl", "-"], ["tga"], ["tag", "--frobnicate", "-"]])
def test_wrong_usage_is_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert b"Usage: tagger" in done.stderr


def test_no_release_is_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run([*TAGGER, "--models", str(tmp_path), "tag", "-"], input=b"Bonjour", capture_output=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: No release: ")


def test_topics(run: Run) -> None:
    assert b"cuisine" in run("topics").stdout
    assert [topic["id"] for topic in json.loads(run("topics", "--json").stdout)["topics"]] == ["cuisine", "velo"]


def test_neither_serving_nor_tagging_imports_what_training_needs(tiny_models: Path) -> None:
    check = (
        "import sys; from tagger.app import Settings, create_app; import tagger.commands.tag; from pathlib import Path; "
        f"create_app(Settings(Path({str(tiny_models)!r}))).test_client().post('/v1/tags', data='Le four du chef', "
        "content_type='text/plain'); "
        "print([m for m in ('sklearn', 'scipy', 'joblib', 'pandas', 'training') if m in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", check], capture_output=True, check=True).stdout == b"[]\n"
