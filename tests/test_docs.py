"""Documentation that cannot rot: README commands run against a real server, and nothing the project offers goes unnamed."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import click
import pytest

from tagger import cli
from tagger.app import Settings, create_app
from tests.conftest import ROOT
from training import __main__ as training

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.release


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`tagger serve` as a user starts it, on a free port, ready; what it is told is not kept in the checkout."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    reviews = f"sqlite:///{tmp_path_factory.mktemp('reviews') / 'reviews.db'}"
    environment = {**os.environ, "PORT": str(port), "WEB_CONCURRENCY": "1", "TAGGER_REVIEWS": reviews}
    command = [sys.executable, "-m", "tagger.cli", "serve"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{url}/readyz") as answer:  # noqa: S310 - our own server
                    assert json.load(answer)["status"] == "ready"
                break
            except OSError:
                assert process.poll() is None, process.stdout.read().decode() if process.stdout else ""
                time.sleep(0.1)
        yield url
        process.terminate()
        process.wait()
        assert process.stdout is not None
        assert f"curl -s {url}/v1/tags" in process.stdout.read().decode()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0][:40])
def test_readme_commands_run(block: str, server: str) -> None:
    """Each block exits 0, and everything that curl prints is an answer, not an error."""
    script = block.replace("http://127.0.0.1:8000", server).replace("curl -s", "curl -sS --fail-with-body")
    path = f"{ROOT / '.venv/bin'}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"  # noqa: PTH120

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607
        env={**os.environ, "PATH": path},
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=300,
    )

    shown = "" if "training" in block else done.stderr.decode()  # training names its steps there
    assert (0, "") == (done.returncode, shown), done.stdout.decode() + done.stderr.decode()
    assert done.stdout.strip()
    if block.startswith("curl") and "/v1/tags" in block:
        assert json.loads(done.stdout)["documents"]
    if "tests.clients" in block:
        assert '"failed": 0' in done.stdout.decode()


def test_there_are_readme_commands() -> None:
    assert len(BLOCKS) >= 5


def test_every_route_verb_target_and_setting_is_in_the_readme(tmp_path: os.PathLike[str]) -> None:
    app = create_app(Settings(models=tmp_path, follow=False))  # type: ignore[arg-type]
    routes = {rule.rule for rule in app.url_map.iter_rules()} - {"/"}
    verbs = {f"tagger {name}" for name in cli.main.commands} | {f"training {name}" for name in training.main.commands}
    targets = set(re.findall(r"^(serve|test|install|train|evaluate):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    settings = {"TAGGER_MODELS", "TAGGER_MAX_BODY_BYTES", "TAGGER_REVIEWS", "TAGGER_HOST", "PORT", "WEB_CONCURRENCY"}
    reasons = {"no_topic", "too_short", "not_french", "no_known_terms", "no_document"}

    offered = routes | verbs | {f"make {target}" for target in targets} | settings | reasons

    assert set() == {name for name in offered if name not in README}


def test_every_verb_teaches() -> None:
    for name, command in (cli.main.commands | training.main.commands).items():
        assert command.help, name
        assert all(option.help for option in command.params if isinstance(option, click.Option)), name


def test_every_file_of_the_house_is_in_the_readme() -> None:
    modules = {
        f"{path.parent.name}/{path.name}" for package in ("tagger", "training") for path in (ROOT / package).glob("*.py")
    }

    assert {"tagger/__init__.py", "training/__init__.py"} == {module for module in modules if f"`{module}`" not in README}


def test_procfile_image_and_make_start_the_same_way() -> None:
    assert "web: tagger serve\n" == (ROOT / "Procfile").read_text()
    assert 'CMD ["tagger", "serve"]\n' in (ROOT / "Dockerfile").read_text()
    assert "$(BIN)/tagger serve" in (ROOT / "Makefile").read_text()
