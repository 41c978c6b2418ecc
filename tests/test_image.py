"""The Dockerfile, without Docker: it passes its linter, and its steps, run as they stand in a folder, give a service."""

import os
import platform
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Return the instructions, each with its words on one line."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in text.splitlines() if line]


def test_the_linter_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        if os.environ.get("CI") and platform.machine() == "x86_64" and sys.platform == "linux":
            pytest.fail("hadolint must run in CI")
        pytest.skip("hadolint has no wheel for this machine")

    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stdout)


def test_the_last_stage_has_no_build_tools_and_no_privileges() -> None:
    last = instructions()[[index for index, (name, _) in enumerate(instructions()) if name == "FROM"][-1] :]

    assert "RUN" not in {name for name, _ in last}
    assert ("USER", "10001:10001") in last
    assert all(words.startswith("[") for name, words in last if name == "CMD")
    assert re.search(r'HEALTHCHECK .* CMD \["', DOCKERFILE)


def test_what_is_copied_is_there() -> None:
    copied = [words.split()[:-1] for name, words in instructions() if name == "COPY" and "--from" not in words]

    for source in [source for sources in copied for source in sources if not source.startswith("--")]:
        assert (ROOT / source).exists(), source


def test_the_service_starts_where_only_models_can_be_written(tmp_path: Path) -> None:
    """The files of the last stage, read-only, as another user if we may be one; packages are those of this environment."""
    app = tmp_path / "app"
    for source in ("tagger", "training", "models", "pyproject.toml", "gunicorn.conf.py"):
        path = ROOT / source
        if path.is_dir():
            shutil.copytree(path, app / source, ignore=shutil.ignore_patterns("__pycache__", "*.db*", ".*", "*.egg-info"))
        else:
            shutil.copy(path, app / source)
    for path in app.rglob("*"):
        if "models" not in path.relative_to(app).parts:
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    script = (
        "import sys; sys.path.insert(0, '.'); import tagger.settings as s, tagger.app, pathlib; "
        "assert pathlib.Path(s.__file__).is_relative_to(pathlib.Path.cwd()); "
        "client = tagger.app.create_app(s.Settings(follow=False)).test_client(); "
        "print(client.get('/readyz').get_json()['status'])"
    )

    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        cwd=app,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "ready" in done.stdout, done.stderr
