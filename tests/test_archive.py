"""Archives: the same answers from any number of processes, in order, in bounded memory; what becomes of them when one dies."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO, FileIO
from itertools import islice
from pathlib import Path

import pytest

from tagger.archive import processes as module
from tagger.archive.blocks import SIZE, receive, send
from tagger.archive.processes import IN_FLIGHT, Archive, WorkerDiedError, cores
from tagger.registry import Release

TAGGER = [str(Path(sys.executable).parent / "tagger")]
JOBS = 2


def line(number: int) -> str:
    subject = ("Le chef épluche l’oignon et glisse la recette dans le four", "Le peloton monte le col, le maillot cède", "Rien")
    return json.dumps({"id": number, "title": subject[number % 3], "lead": f"Une ligne parmi d'autres, la n° {number}."})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some blocks of lines, with bad and blank ones among them, and no end of line at the end."""
    lines = [line(number) if number % 500 else ("{", "", '{"id": 1}')[number // 500 % 3] for number in range(10_000)]
    path = tmp_path_factory.mktemp("archive") / "lines.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert path.stat().st_size > 8 * SIZE
    return path


@pytest.fixture
def started(tiny_release: Release, tiny_models: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """An archive whose processes are there: it has answered a block alone."""
    monkeypatch.setattr(module, "ALONE", 1)
    with Archive(tiny_release, tiny_models, jobs=JOBS) as archive:
        with FileIO(file) as stream:
            next(archive.answers(stream))
        wait_for_all(archive)
        yield archive
    assert not any(map(is_running, archive.pids))


def wait_for_all(archive: Archive) -> None:
    while archive.ready < JOBS:
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def read(archive: Archive, path: Path) -> tuple[bytes, list[tuple[int, str]]]:
    with FileIO(path) as stream:
        answers = list(archive.answers(stream))
    return b"".join(a.lines for a in answers), [error for a in answers for error in a.errors]


@pytest.fixture(scope="module")
def alone(tiny_release: Release, tiny_models: Path, file: Path) -> tuple[bytes, list[tuple[int, str]]]:
    """What one process answers."""
    with Archive(tiny_release, tiny_models, jobs=1) as archive:
        answered = read(archive, file)
        assert not archive.pids
    return answered


def test_several_processes_answer_as_one_does(started: Archive, file: Path, alone: tuple[bytes, list[tuple[int, str]]]) -> None:
    answered = read(started, file)

    assert JOBS == len(started.pids)
    assert alone == answered


def test_a_line_each_in_order_and_bad_ones_with_their_number(alone: tuple[bytes, list[tuple[int, str]]]) -> None:
    answered, errors = alone

    answers = [json.loads(one) for one in answered.splitlines()]
    bad = [number + 1 for number in range(0, 10_000, 500) if number // 500 % 3 != 1]
    assert [number for number in range(10_000) if number % 500] == [a["id"] for a in answers if "error" not in a]
    assert bad == [a["line"] for a in answers if "error" in a] == [number for number, _ in errors]
    assert "valid JSON" in errors[0][1]


def test_little_starts_no_process(tiny_release: Release, tiny_models: Path, tmp_path: Path) -> None:
    (tmp_path / "few.jsonl").write_text("\n".join(map(line, range(1000))), encoding="utf-8")

    with Archive(tiny_release, tiny_models, jobs=JOBS) as archive:
        answered, _ = read(archive, tmp_path / "few.jsonl")
        assert () == archive.pids

    assert 1000 == answered.count(b"\n")


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\n  "])
def test_nothing_has_no_answer(tiny_release: Release, tiny_models: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "empty").write_bytes(content)

    with Archive(tiny_release, tiny_models) as archive:
        assert (b"", []) == read(archive, tmp_path / "empty")


def test_a_line_longer_than_a_block(started: Archive, tmp_path: Path) -> None:
    body = "Le chef épluche l'oignon et glisse la recette dans le four. " * (3 * SIZE // 60)
    lines = [line(1), json.dumps({"id": "long", "body": body}), line(2)]
    (tmp_path / "long.jsonl").write_text("\n".join(lines), encoding="utf-8")

    answered, errors = read(started, tmp_path / "long.jsonl")

    assert [1, "long", 2] == [json.loads(one)["id"] for one in answered.splitlines()]
    assert [] == errors


class Counted(FileIO):
    """A stream that tells how much was read from it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        """Read, and count."""
        piece = super().read(size)
        self.taken += len(piece)
        return piece


def test_no_more_is_read_than_is_tagged(started: Archive, file: Path) -> None:
    with Counted(file) as stream:
        answered = 0
        for answers in started.answers(stream):
            assert stream.taken - answered <= (IN_FLIGHT * JOBS + 1) * SIZE
            answered += answers.read


def test_what_trickles_is_answered_as_it_comes(started: Archive) -> None:
    """A line is answered when it is there, wherever its bytes were cut, however many processes wait for more."""
    out, into = os.pipe()
    with FileIO(out) as stream, FileIO(into, "w") as source:
        answers = started.answers(stream)
        for number in range(3):
            whole = line(number).encode() + b"\n"
            source.write(whole[:30] if number else whole)
            source.write(whole[30:] if number else b"")
            assert number == json.loads(next(answers).lines)["id"]
        source.write("".join(line(number) + "\n" for number in range(300)).encode())  # a burst, then nothing
        assert 300 == sum(a.count for a in islice(answers, 1))
        source.close()
        assert [] == list(answers)


def test_a_killed_process_is_an_error_and_what_came_before_is_right(
    started: Archive, file: Path, alone: tuple[bytes, list[tuple[int, str]]]
) -> None:
    answered: list[bytes] = []
    with FileIO(file) as stream:
        answers = started.answers(stream)
        answered.append(next(answers).lines)
        os.kill(started.pids[0], signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match=r"ended by SIGKILL, at line \d+ or one of the next.*--jobs"):
            answered.extend(some.lines for some in answers)

    assert alone[0].startswith(b"".join(answered))
    assert answered[0].endswith(b"\n")


def test_what_ends_in_the_middle_is_no_answer() -> None:
    """A process may be killed as it writes: half of its answers must not pass for all of them."""
    sent = BytesIO()
    send(sent, {"count": 2, "errors": []}, b"one\ntwo\n")

    assert ({"count": 2, "errors": []}, b"one\ntwo\n") == receive(BytesIO(sent.getvalue()))
    for end in range(len(sent.getvalue())):
        with pytest.raises(EOFError):
            receive(BytesIO(sent.getvalue()[:end]))


def test_when_all_are_killed_nothing_waits_for_ever(started: Archive, file: Path) -> None:
    for pid in started.pids:
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(WorkerDiedError):
        read(started, file)


def test_who_reads_no_further_leaves_no_process(started: Archive, file: Path) -> None:
    with FileIO(file) as stream:
        next(started.answers(stream))

    started.close()

    assert [False] * JOBS == [is_running(pid) for pid in started.pids]


def test_a_process_without_its_release_is_an_error(
    tiny_release: Release, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "ALONE", 1)
    with Archive(tiny_release, tmp_path, jobs=JOBS) as archive, FileIO(file) as stream:
        next(archive.answers(stream))
        with pytest.raises(WorkerDiedError, match="ended with status 1, before it could tag"):
            wait_for_all(archive)

    assert "No release" in capfd.readouterr().err


def test_all_cores_that_it_may_use() -> None:
    assert len(os.sched_getaffinity(0)) == cores()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, file: Path) -> Path:
    """So much that other processes are there long before its end."""
    path = tmp_path_factory.mktemp("large") / "large.jsonl"
    with path.open("wb") as out:
        for _ in range(60):
            out.write(file.read_bytes() + b"\n")
    return path


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for_children(pid: int) -> list[int]:
    while len(found := children(pid)) < JOBS:
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whoever_is_stopped_takes_its_processes_along(tiny_models: Path, large: Path, end: signal.Signals) -> None:
    command = [*TAGGER, "--models", str(tiny_models), "tag", "--jsonl", "--jobs", str(JOBS), str(large)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        started = wait_for_children(process.pid)
        process.send_signal(end)
        assert process.wait(60) == (1 if end == signal.SIGINT else -end)
        assert process.stderr is not None
        said = process.stderr.read()  # ends when nobody is left to write

    assert b"Traceback" not in said
    assert [False] * JOBS == [is_running_still(pid) for pid in started]


def is_running_still(pid: int) -> bool:
    """Tell whether a process runs that may be a moment from its end: an orphan is reaped by another than us."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.01)
    return True


def test_a_reader_that_hangs_up_is_no_traceback(tiny_models: Path, large: Path) -> None:
    command = [*TAGGER, "--models", str(tiny_models), "tag", "--jsonl", "--jobs", str(JOBS), str(large)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while len(children(process.pid)) < JOBS:
            assert process.stdout.read(1 << 16)
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(60) == 1

    assert [] == [one for one in said.decode().splitlines() if not one.startswith("tagger: ")]


def test_a_killed_process_is_a_sentence_on_the_command_line(tiny_models: Path, large: Path) -> None:
    command = [*TAGGER, "--models", str(tiny_models), "tag", "--jsonl", "--jobs", str(JOBS), str(large)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        os.kill(wait_for_children(process.pid)[1], signal.SIGKILL)
        assert process.stderr is not None
        said = process.stderr.read().decode().splitlines()
        assert process.wait(60) == 1

    assert "ended by SIGKILL" in said[-1]


@pytest.mark.parametrize("piped", [False, True])
def test_a_bar_on_a_terminal(tiny_models: Path, file: Path, tmp_path: Path, *, piped: bool) -> None:
    terminal, ours = pty.openpty()
    command = [*TAGGER, "--models", str(tiny_models), "tag", "--jsonl", "-" if piped else str(file)]
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(command, input=file.read_bytes() if piped else None, stdout=out, stderr=ours, check=False)
    os.close(ours)
    shown = b""
    try:
        while piece := os.read(terminal, 1 << 16):
            shown += piece
    except OSError:  # how the other end of a terminal says that it is closed
        pass
    os.close(terminal)

    assert 1 == done.returncode
    assert piped or b"100%" in shown
    assert b"lines/s" in shown
    assert b"line 1: This is not valid JSON" in shown
