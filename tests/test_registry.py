"""Releases on disk: saving and loading are inverses; nothing missing, cut or altered is ever served."""

import json
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import DamagedReleaseError, NoReleaseError
from tagger.extract.parts import read_record
from tagger.promotions import champion_name
from tagger.registry import Release, load_release, save_release
from tagger.taxonomy import InvalidTaxonomyError, read_taxonomy, write_taxonomy


def save(models: Path, release: Release, *, golden_text: str = "Le four du chef") -> str:
    return save_release(
        models,
        release.model,
        release.policy,
        release.taxonomy,
        golden=[{"id": "g", "body": golden_text}],
        facts={"seed": 1},
        other_files={"card.md": b"# card\n"},
        utc="20250102T030405Z",
    )


def test_load_is_the_inverse_of_save(tiny_release: Release, tmp_path: Path) -> None:
    loaded = load_release(tmp_path, save(tmp_path, tiny_release))
    documents = [read_record(json.dumps({"body": text})) for text in ("Le four du chef", "Le col du peloton", "Rien")]

    np.testing.assert_array_equal(tiny_release.model.scores(documents), loaded.model.scores(documents))
    assert (tiny_release.policy, tiny_release.taxonomy) == (loaded.policy, loaded.taxonomy)


def test_the_same_content_has_the_same_name_and_bytes(tiny_release: Release, tmp_path: Path) -> None:
    names = {save(tmp_path / folder, tiny_release) for folder in ("a", "b")}

    (name,) = names
    files = sorted(path.name for path in (tmp_path / "a" / name).iterdir())
    assert files == sorted(path.name for path in (tmp_path / "b" / name).iterdir())
    assert all((tmp_path / "a" / name / f).read_bytes() == (tmp_path / "b" / name / f).read_bytes() for f in files)


def test_other_content_has_another_name(tiny_release: Release, tmp_path: Path) -> None:
    assert save(tmp_path, tiny_release) != save(tmp_path, tiny_release, golden_text="Le col du peloton")


def test_every_byte_counts(models: Path) -> None:
    """Whichever file is altered by one bit, cut short, or removed, loading says which and refuses."""
    folder = models / champion_name(models)
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        for damaged in (bytes(flipped), whole[:-1], b""):
            path.write_bytes(damaged)
            with pytest.raises(DamagedReleaseError, match=path.name.replace(".", r"\.")):
                load_release(models, folder.name)
        path.unlink()
        with pytest.raises(DamagedReleaseError, match=path.name.replace(".", r"\.")):
            load_release(models, folder.name)
        path.write_bytes(whole)
    load_release(models, folder.name)


@pytest.mark.parametrize("name", ["", "../elsewhere", "20250101T000000Z-00000000", "\ufffd", "latest"])
def test_a_name_of_no_release(models: Path, name: str) -> None:
    with pytest.raises(NoReleaseError, match="No release"):
        load_release(models, name)


def test_a_failed_save_leaves_nothing(tiny_release: Release, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_release(
            tmp_path,
            tiny_release.model,
            tiny_release.policy,
            tiny_release.taxonomy,
            golden=[],
            facts={},
            other_files={"a.txt": b"", "b.txt": None},  # type: ignore[dict-item]
            utc="20250102T030405Z",
        )
    assert list(tmp_path.iterdir()) == []


def test_golden_answers_are_replayed(models: Path, tiny_release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that scores otherwise than when it was made (another tokenizer, say) is refused."""
    monkeypatch.setattr("tagger.model.kernel", lambda: None)  # the compiled pass has endings of its own
    monkeypatch.setattr("tagger.text.stem", lambda folded: folded[:2])
    with pytest.raises(DamagedReleaseError, match="does not answer as it did"):
        load_release(models, tiny_release.name)


def test_a_taxonomy_is_read_as_it_was_written(tiny_release: Release) -> None:
    assert tiny_release.taxonomy == read_taxonomy(write_taxonomy(tiny_release.taxonomy))


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"version": "1", "topics": []}', '{"version": "1", "topics": [{"id": "a", "labels": {}, "description": ""}]}'],
)
def test_a_taxonomy_that_is_none(text: str) -> None:
    with pytest.raises(InvalidTaxonomyError, match="taxonomy"):
        read_taxonomy(text)
