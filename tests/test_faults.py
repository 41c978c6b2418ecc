"""Kill -9 at 270 random points of training, promotion, reviews and keys: nothing acknowledged is lost, nothing half served."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(("work", "kills"), [("training", 70), ("promotion", 70), ("reviews", 80), ("keys", 50)])
def test_a_killed_process_loses_nothing_that_was_acknowledged(work: str, kills: int, tmp_path: Path) -> None:
    """The checks after each kill are in tests/killing.py."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.killing", work, str(tmp_path), str(kills), "20261121"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )

    assert 0 == done.returncode, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert kills == counts["kills"]
    # The kills fell into the work, neither all before it began nor all after it had ended.
    assert 0 < counts.get("finished before", counts.get("acknowledged", 0))
    assert counts.get("finished before", 0) < kills
