"""`tagger check`: the settings in effect, where each is from, and what is wrong with them on this machine."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from tagger.commands.checks import Finding, findings
from tagger.masking import mask
from tagger.settings import Reading, Settings, read_each, unknown_variables, with_value, written

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command(
    epilog="""\b
Examples:
  tagger check                              before the first start, and whenever something is odd
  TAGGER_HOST=0.0.0.0 PORT=80 tagger check  what would happen with these settings
  tagger check --json | jq .verdict         for machines: "ok", "warning" or "problem"

\b
Exit status: 0 all is well, or there are only warnings; 1 there is a problem."""
)
@click.option("--json", "as_json", is_flag=True, help="Print settings and findings as JSON.")
@click.pass_obj
def check(models: Path, *, as_json: bool) -> None:
    """Print the settings in effect, and find what is wrong with them before a service does.

    Every setting is a variable of the environment; NAME_FILE names a file that holds the value of NAME, as containers are given
    secrets. Passwords are printed as ***. Looks at the releases, the review store, the API keys, the address and port, the
    memory that workers share, and the clock; changes nothing.
    """
    given = read_each(os.environ)["models"].value
    environment = os.environ if models == (given or Settings().models) else with_value(os.environ, "models", str(models))
    readings = read_each(environment)
    rows, found = _rows(readings), _findings(environment, readings)
    click.echo(_json(rows, found) if as_json else _text(rows, found))
    sys.exit(1 if _verdict(found) == "problem" else 0)


def _findings(environment: Mapping[str, str], readings: Mapping[str, Reading]) -> list[Finding]:
    strange = [Finding("settings", "warning", sentence) for sentence in unknown_variables(environment)]
    wrong = [Finding("settings", "problem", reading.problem) for reading in readings.values() if reading.problem]
    if wrong:
        rest = Finding("others", "warning", "Nothing else was looked at: mend the settings first.")
        return [*wrong, *strange, rest]
    right = Finding("settings", "ok", "Every setting can be used.")
    return [*strange, *([] if strange else [right]), *findings(_settings(readings))]


def _settings(readings: Mapping[str, Reading]) -> Settings:
    return Settings(**{name: each.value for name, each in readings.items() if each.value is not None})


def _rows(readings: Mapping[str, Reading]) -> list[dict[str, str]]:
    """Return the variables in effect; those of the tagger for itself only where somebody set them."""
    settings = _settings(readings)
    return [
        {
            "variable": each.variable.name,
            "value": "cannot be used" if each.problem else mask(written(getattr(settings, name))),
            "source": each.source,
        }
        for name, each in readings.items()
        if each.source != "default" or not each.variable.internal
    ]


def _verdict(found: list[Finding]) -> str:
    verdicts = {finding.verdict for finding in found}
    return next(verdict for verdict in ("problem", "warning", "ok") if verdict in verdicts)


def _json(rows: list[dict[str, str]], found: list[Finding]) -> str:
    checks = [{"check": each.check, "verdict": each.verdict, "sentence": each.sentence} for each in found]
    record = {"verdict": _verdict(found), "settings": rows, "checks": checks}
    return json.dumps(record, ensure_ascii=False, indent=1)


def _text(rows: list[dict[str, str]], found: list[Finding]) -> str:
    name, value = (max(len(row[column]) for row in rows) for column in ("variable", "value"))
    lines = [f"{row['variable']:{name}}  {row['value']:{value}}  {row['source']}" for row in rows]
    return "\n".join([*lines, "", *(_line(each) for each in found)])


def _line(found: Finding) -> str:
    return f"{click.style(f'{found.verdict:8}', fg=_COLOURS[found.verdict])} {found.check:9} {found.sentence}"
