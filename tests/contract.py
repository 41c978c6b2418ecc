"""The contract, tried: schemathesis makes requests from the OpenAPI document, good and bad, and holds every answer against it.

python -m tests.contract [--calls 20000]

It serves a tiny release for itself. Exit status 1: an answer with 5xx, or one that the document does not allow.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tests.servers import ROOT, Served, served

# Not asked: positive_data_acceptance (a page may have the right shape and say nothing that can be read: 422 is right then).
_CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,ignored_auth"
)


def calls_of(server: Served) -> tuple[int, int]:
    """Return how many requests the service counted, and how many of them it failed on."""
    lines = server.ask("GET", "/metrics")[2].decode().splitlines()
    counted = [line for line in lines if line.startswith("tagger_http_requests_total{")]
    values = [(line, float(line.rpartition(" ")[2])) for line in counted]
    return int(sum(value for _, value in values)), int(sum(value for line, value in values if 'status="5' in line))


def try_contract(models: Path, folder: Path, calls: int, seed: int) -> tuple[bool, str]:
    """Serve the models and try so many calls; tell whether all was right, and what was found."""
    environment = {
        "TAGGER_RATE_LIMIT": "0",
        "TAGGER_REVIEWS": f"sqlite:///{folder / 'reviews.db'}",
        "TAGGER_LOG_LEVEL": "warning",
    }
    with served(models, folder, workers=2, **environment) as server:
        operations = len(
            [1 for methods in json.loads(server.ask("GET", "/openapi.json")[2])["paths"].values() for _ in methods]
        )
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{server.url}/openapi.json",
            "--seed",
            str(seed),
        ]
        command += ["--checks", _CHECKS, "--continue-on-failure", "--warnings", "off", "--phases", "examples,coverage,fuzzing"]
        command += ["--suppress-health-check", "all", "--workers", "2", "--no-shrink"]
        reports = ""
        counted = failed = 0
        good = True
        while counted < calls and good:
            left = max(10, (calls - counted) // operations)
            done = subprocess.run(
                [*command, "--max-examples", str(left)],
                env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.contract_hooks", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            reports += done.stdout + done.stderr
            good = done.returncode == 0
            before, (counted, failed) = counted, calls_of(server)
            click.echo(f"{counted} calls, {failed} answered with 5xx")
            if counted == before:
                break
            command[command.index("--seed") + 1] = str(int(command[command.index("--seed") + 1]) + 1)
    return good and failed == 0, reports


@click.command()
@click.option("--calls", default=20_000, show_default=True, help="How many requests to make at least.")
@click.option("--seed", default=1, show_default=True, help="The first seed.")
@click.option("--models", default=ROOT / "models", type=click.Path(path_type=Path), help="The models folder to serve.")
def main(calls: int, seed: int, models: Path) -> None:
    """Try the contract of a service."""
    with tempfile.TemporaryDirectory() as folder:
        good, reports = try_contract(models, Path(folder), calls, seed)
    if not good:
        click.echo(reports[-20_000:])
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
