"""What texts are read with is made once and kept for all processes; nothing else than what was written is ever used."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tagger.extract.parts import read_parts
from tagger.kernel import cache, lexicon
from tagger.kernel.cache import Arrays, keep, kept, read
from tagger.kernel.compiled import kernel
from tagger.promotions import champion_name, load_champion
from tagger.registry import Release
from tests.conftest import ROOT

ARRAYS = {
    "letters": np.frombuffer("été".encode(), dtype=np.uint8),
    "none": np.zeros((0, 2), dtype=np.uint64),
    "numbers": np.arange(6, dtype=np.float64).reshape(2, 3),
}
TEXT = "L'étape des Alpes : le peloton attaque dans le col et le maillot jaune garde la tête de la course"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that there is for files; the compiled pass came from another."""
    assert kernel() is not None
    monkeypatch.setattr(cache, "_folders", lambda: (tmp_path / "cache",))
    return tmp_path / "cache"


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place below which nobody, whatever their rights, can make a folder or a file."""
    assert kernel() is not None
    (tmp_path / "file").touch()
    monkeypatch.setattr(cache, "_folders", lambda: (tmp_path / "file" / "cache",))
    return tmp_path


def unexpected() -> Arrays:
    raise AssertionError("it was made again")


def assert_same(expected: Arrays, found: Arrays) -> None:
    assert list(expected) == list(found)
    for name, array in expected.items():
        np.testing.assert_array_equal(array, found[name], strict=True)


def kept_by_us(of: str = "") -> Arrays:
    return kept("kind", of, lambda: read(keep("kind", of, ARRAYS)))


def test_what_was_made_is_found_again(folder: Path) -> None:
    assert_same(ARRAYS, kept_by_us())
    assert_same(ARRAYS, kept("kind", "", unexpected))
    assert [cache.file_name("kind", "")] == [path.name for path in folder.iterdir()]


@pytest.mark.usefixtures("folder")
def test_arrays_begin_with_a_cache_line_and_cannot_be_written_to() -> None:
    found = read(keep("kind", "", ARRAYS))

    assert [0, 0, 0] == [array.ctypes.data % 64 for array in found.values()]
    assert not any(array.flags.writeable for array in found.values())


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("damage", ["empty", "short", "cut", "longer", "one bit", "text"])
def test_what_is_not_as_it_was_written_is_made_anew(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    path = keep("kind", "", ARRAYS)
    whole = path.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "empty": b"",
        "short": whole[:7],
        "cut": whole[:-1],
        "longer": whole + b"\0",
        "one bit": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "text": b"[]" * 100,
    }
    path.write_bytes(damaged[damage])

    assert_same(ARRAYS, kept_by_us())
    assert "is made anew" in caplog.text
    assert_same(ARRAYS, read(path))


@pytest.mark.usefixtures("folder")
def test_of_several_processes_one_makes_it() -> None:
    """A process opens its own lock: threads that do so are kept apart as processes are."""
    made = []

    def make() -> Arrays:
        made.append(1)
        return read(keep("kind", "", ARRAYS))

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: kept("kind", "", make), range(4)):
            assert_same(ARRAYS, found)
    assert [1] == made


def test_of_two_services_that_start_at_once_one_makes_what_both_read(tiny_models: Path, tmp_path: Path) -> None:
    assert kernel() is not None
    compiled = cache.file_name("kernel", "")
    shutil.copy(next(folder / compiled for folder in cache._folders() if (folder / compiled).is_file()), tmp_path)
    code = f"""
from pathlib import Path
from tagger.kernel import cache, lexicon
from tagger.promotions import load_champion
keep = lexicon._keep
cache._folders = lambda: (Path({str(tmp_path)!r}),)
lexicon._keep = lambda *given: print("made") or keep(*given)
print(load_champion(Path({str(tiny_models)!r})).name)
"""
    started = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].split() for process in started]

    name = champion_name(tiny_models)
    assert [["made", name], [name]] == sorted(said, key=len, reverse=True)


@pytest.mark.usefixtures("read_only")
def test_where_nothing_can_be_written_each_process_has_its_own(tiny_models: Path, tiny_release: Release) -> None:
    documents = read_parts({"title": TEXT}).documents

    expected = tiny_release.model.scores(documents)
    np.testing.assert_array_equal(expected, load_champion(tiny_models).model.scores(documents))


@pytest.mark.usefixtures("read_only")
def test_who_must_write_is_told_that_nothing_can_be() -> None:
    with pytest.raises(OSError, match="no folder to keep kind-"):
        keep("kind", "", ARRAYS)


def test_a_folder_that_cannot_be_written_to_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(cache, "_folders", lambda: (tmp_path / "file" / "cache", tmp_path / "personal"))

    assert tmp_path / "personal" == keep("kind", "", ARRAYS).parent


def test_workers_have_a_folder_of_their_own_where_no_other_can_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/personal")
    monkeypatch.setenv("TAGGER_SHARED", "/shared")

    assert [Path("/personal/tagger"), Path("/shared")] == list(cache._folders()[1:])


def test_other_sources_and_other_releases_have_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {cache.file_name("kind", ""), cache.file_name("kind", "a"), cache.file_name("other", "")}
    monkeypatch.setattr(cache, "_sources", lambda: "changed")

    assert 4 == len(names | {cache.file_name("kind", "")})


def test_the_oldest_files_of_a_kind_are_removed_and_what_a_killed_process_left(folder: Path) -> None:
    for age, name in enumerate(["other-1", "kind-killed", *(cache.file_name("kind", str(n)) for n in range(4))]):
        folder.mkdir(exist_ok=True)
        (folder / name).touch()
        os.utime(folder / name, (1000 + age, 1000 + age))

    keep("kind", "new", ARRAYS)

    expected = {"other-1", *(cache.file_name("kind", of) for of in ("1", "2", "3", "new"))}
    assert expected == {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("folder")
def test_a_release_is_read_with_what_was_kept_and_nothing_is_made_again(
    tiny_models: Path, tiny_release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_champion(tiny_models)
    monkeypatch.setattr("tagger.gazetteer._names", lambda _: unexpected())
    monkeypatch.setattr(lexicon, "_keep", lambda *_: unexpected())
    again = load_champion(tiny_models).model

    (document,) = read_parts({"title": TEXT, "body": TEXT}).documents
    expected, found = tiny_release.model.encode(document), again.encode(document)
    np.testing.assert_array_equal(expected.occurrences, found.occurrences)
    np.testing.assert_array_equal(expected.decisions, found.decisions)
    assert list(tiny_release.model.strongest(expected, 0, 16)) == list(again.strongest(found, 0, 16))
