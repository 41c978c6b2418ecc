"""The layout of a release, an immutable folder of `models/`. Saving and loading are inverses.

models/<utc>-<digest8>/            utc: the date of the newest text it learned from; digest8: of manifest.json
    manifest.json                  SHA-256 of every other file, versions, corpus digest, metrics
    taxonomy.json policy.json gazetteer.tsv vocabulary.txt idf.npy weights.npy intercepts.npy calibration.npy
    golden.jsonl                   documents and the scores they must get, replayed before a release is served
    pipeline.joblib card.md        for training and people; never read here, only checked
"""

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagger.documents import Document
from tagger.encoded import Floats
from tagger.errors import DamagedReleaseError, NoReleaseError, TaggerError
from tagger.extract.parts import read_record
from tagger.gazetteer import Gazetteer
from tagger.model import TopicModel
from tagger.tags import Policy
from tagger.taxonomy import Taxonomy, read_taxonomy, write_taxonomy

FORMAT = 2
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_ARRAYS = ("idf", "weights", "intercepts", "calibration")
_SERVED = (
    "taxonomy.json",
    "policy.json",
    "gazetteer.tsv",
    "vocabulary.txt",
    "golden.jsonl",
    *(f"{name}.npy" for name in _ARRAYS),
)
# A score may differ in its last bits between processors (order of additions in BLAS); a wrong file moves it far more.
_GOLDEN_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Release:
    """A model, the policy that turns its scores into tags, its topics, and what is known about how it was made."""

    name: str
    model: TopicModel
    policy: Policy
    taxonomy: Taxonomy
    manifest: Mapping[str, Any]

    @property
    def corpus(self) -> str:
        """The digest of what it learnt from."""
        return str(self.manifest.get("corpus", {}).get("sha256", ""))


def is_release_name(name: object) -> bool:
    """Tell whether this could be the name of a release: `<utc>-<digest8>`."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


def load_release(models: Path, name: str) -> Release:
    """Load a release after checking every digest, and replay its golden documents.

    Raises:
        NoReleaseError: there is no such release.
        DamagedReleaseError: a file is missing or altered, does not fit the others, or a golden score differs.
    """
    folder = models / name
    if not is_release_name(name) or not folder.is_dir():
        raise NoReleaseError(f"No release: there is no {name!r} in {models}.")
    manifest, files = _checked_files(folder)
    try:
        release = _parse(name, manifest, files)
        golden = [json.loads(line) for line in files["golden.jsonl"].decode().splitlines()]
        documents = [read_record(json.dumps(record["document"])) for record in golden]
        expected = [[record["scores"][topic] for topic in release.taxonomy.ids] for record in golden]
        scores = release.model.scores(documents)
    except (ValueError, KeyError, TypeError, IndexError, TaggerError) as error:
        raise DamagedReleaseError(f"Release {name} cannot be used: {error!r}.") from error
    _compare(name, documents, scores, expected)
    return release


def _checked_files(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the manifest and every file it lists, each checked against its digest before anything looks inside."""
    try:
        raw = (folder / "manifest.json").read_bytes()
        if hashlib.sha256(raw).hexdigest()[:8] != folder.name.rpartition("-")[2]:
            raise DamagedReleaseError(f"Release {folder.name} is damaged: manifest.json is not the one it was saved with.")
        manifest = json.loads(raw)
        files = {file: (folder / file).read_bytes() for file in manifest["files"]}
    except OSError as error:
        raise DamagedReleaseError(f"Release {folder.name} is damaged: {error.filename} cannot be read.") from error
    for file, content in files.items():
        if hashlib.sha256(content).hexdigest() != manifest["files"][file]:
            raise DamagedReleaseError(f"Release {folder.name} is damaged: {file} is not the file it was saved with.")
    if missing := [file for file in _SERVED if file not in files]:
        raise DamagedReleaseError(f"Release {folder.name} is incomplete: it has no {', '.join(missing)}.")
    if manifest.get("format") != FORMAT:
        raise DamagedReleaseError(f"Release {folder.name} has format {manifest.get('format')}, this tagger reads {FORMAT}.")
    return manifest, files


def _parse(name: str, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Release:
    taxonomy = read_taxonomy(files["taxonomy.json"].decode())
    listed = files["vocabulary.txt"].decode()
    arrays: dict[str, Floats] = {
        array: np.load(io.BytesIO(files[f"{array}.npy"]), allow_pickle=False).astype(np.float64) for array in _ARRAYS
    }
    shapes = {array: value.shape for array, value in arrays.items()}
    n, k = listed.count("\n"), len(taxonomy.topics)
    if shapes != {"idf": (n,), "weights": (n, k), "intercepts": (k,), "calibration": (3, k)}:
        raise ValueError(f"{n} terms and {k} topics do not fit arrays of shapes {shapes}")
    policy = json.loads(files["policy.json"])
    thresholds = {topic: float(policy["thresholds"][topic]) for topic in taxonomy.ids}
    gazetteer = Gazetteer(files["gazetteer.tsv"].decode())
    model = TopicModel(listed, **arrays, gazetteer=gazetteer, kept=name)
    chosen_by = Policy(thresholds, int(policy["min_words"]), bool(policy["exclusive"]))
    return Release(name, model, chosen_by, taxonomy, manifest)


def _compare(name: str, documents: Sequence[Document], scores: Floats, expected: Sequence[Sequence[float]]) -> None:
    for document, row, golden in zip(documents, scores, expected, strict=True):
        if not np.allclose(row, golden, rtol=0, atol=_GOLDEN_TOLERANCE):
            raise DamagedReleaseError(
                f"Release {name} does not answer as it did when it was made: golden document {document.id} "
                f"scores {row.tolist()}, not {list(golden)}."
            )


def save_release(
    models: Path,
    model: TopicModel,
    policy: Policy,
    taxonomy: Taxonomy,
    *,
    golden: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    other_files: Mapping[str, bytes],
    utc: str,
) -> str:
    """Write a release folder and return its name; the same content always gives the same name and the same bytes.

    golden: JSON documents (`id, title, lead, body`). facts: what the manifest also says. utc: `YYYYMMDDTHHMMSSZ`.
    The folder appears whole or not at all; one that is there already is left as it is.
    """
    rows = model.scores([read_record(json.dumps(document)) for document in golden])
    records = [
        {"document": document, "scores": dict(zip(taxonomy.ids, row.round(7).tolist(), strict=True))}
        for document, row in zip(golden, rows, strict=True)
    ]
    files: dict[str, bytes] = {
        "taxonomy.json": write_taxonomy(taxonomy).encode(),
        "policy.json": _json(asdict(policy)),
        "gazetteer.tsv": model.gazetteer.text.encode(),
        "vocabulary.txt": model.listed.encode(),
        "golden.jsonl": "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode(),
        **{f"{array}.npy": _npy(getattr(model, array)) for array in _ARRAYS},
        **other_files,
    }
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in sorted(files.items())}
    files["manifest.json"] = _json({"format": FORMAT, **facts, "files": digests})
    name = f"{utc}-{hashlib.sha256(files['manifest.json']).hexdigest()[:8]}"
    if not (models / name).is_dir():
        _write_folder(models, name, files)
    return name


def _json(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def _npy(array: Floats) -> bytes:
    """Write numbers as float32: training puts them on a grid that float32 holds exactly."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, dtype=np.float32), allow_pickle=False)
    return buffer.getvalue()


def _write_folder(models: Path, name: str, files: Mapping[str, bytes]) -> None:
    models.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=models))
    try:
        for file, content in files.items():
            _write_synced(temporary / file, content)
        temporary.chmod(0o755)
        sync_folder(temporary)
        temporary.rename(models / name)
        sync_folder(models)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the disk confirm what was created, renamed or removed in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
