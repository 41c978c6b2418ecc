"""Documentation that cannot rot: README commands run against a real server, and nothing the project offers goes unnamed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tagger import cli
from tagger.app import Settings, create_app
from tagger.settings import VARIABLES, written
from tests.conftest import ROOT
from tests.servers import served
from training import __main__ as training

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.release


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The champion, served as a user starts it; what it is told is not kept in the checkout."""
    folder = tmp_path_factory.mktemp("readme")
    with served(ROOT / "models", folder, TAGGER_REVIEWS=f"sqlite:///{folder / 'reviews.db'}") as running:
        yield running.url
        assert f"curl -s {running.url}/v1/tags" in running.log.read_text(encoding="utf-8")


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
    if block.startswith("curl") and "/v1/tags" in block and "ninjs" not in block:
        assert json.loads(done.stdout)["documents"]
    if "tests.clients" in block:
        assert '"failed": 0' in done.stdout.decode()


def _commands(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command}


def test_there_are_readme_commands() -> None:
    assert len(BLOCKS) >= 5


def test_every_route_verb_target_and_setting_is_in_the_readme(tmp_path: os.PathLike[str]) -> None:
    app = create_app(Settings(models=tmp_path, follow=False))  # type: ignore[arg-type]
    routes = {rule.rule for rule in app.url_map.iter_rules()} - {"/"}
    verbs = {f"tagger {name}" for name in _commands(cli.main)} | {f"training {name}" for name in _commands(training.main)}
    targets = set(re.findall(r"^(serve|test|install|train|evaluate):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    settings = {
        f"| `{variable.name}` | {variable.default or written(getattr(Settings(), field))} | {variable.meaning} |"
        for field, variable in VARIABLES.items()
        if not variable.internal
    }
    reasons = {"no_topic", "too_short", "not_french", "no_known_terms", "no_document"}

    offered = routes | verbs | {f"make {target}" for target in targets} | settings | reasons

    assert set() == {name for name in offered if name not in README}


def test_every_verb_teaches() -> None:
    for name, command in (_commands(cli.main) | _commands(training.main)).items():
        assert command.help, name
        assert all(option.help for option in command.params if isinstance(option, click.Option)), name


def test_every_file_of_the_house_is_in_the_readme() -> None:
    modules = {
        f"{path.parent.name}/{path.name}" for package in ("tagger", "training") for path in (ROOT / package).glob("*.py")
    }

    assert {"tagger/__init__.py", "training/__init__.py"} == {module for module in modules if f"`{module}`" not in README}


def test_every_endpoint_has_a_command_in_the_readme(tmp_path: os.PathLike[str]) -> None:
    app = create_app(Settings(models=tmp_path, follow=False))  # type: ignore[arg-type]
    asked = {path.partition("?")[0] for block in BLOCKS for path in re.findall(r"http://127\.0\.0\.1:8\d+(/[\w/.?=&]*)", block)}

    assert set() == {rule.rule for rule in app.url_map.iter_rules()} - asked


def test_procfile_image_and_make_start_the_same_way() -> None:
    assert "web: tagger serve\nrelease: tagger check\n" == (ROOT / "Procfile").read_text()
    assert 'CMD ["tagger", "serve"]\n' in (ROOT / "Dockerfile").read_text()
    assert "$(BIN)/tagger serve" in (ROOT / "Makefile").read_text()
