"""A training killed by SIGKILL at random moments ends as if nothing had happened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the program forks its trainings")
@pytest.mark.parametrize("kills", [40, pytest.param(300, marks=pytest.mark.full)])
@pytest.mark.parametrize("how", ["epochs", "steps"])
def test_kills_change_not_a_bit(tmp_path, kills, how):
    program = Path(__file__).parent / "killed_training.py"
    run = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(kills), "0", how],
        capture_output=True,
        text=True,
        timeout=3600,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout.splitlines()[-1])
    assert report["kills"] == kills
    assert report["completed"] >= 2
    assert report["results"] == 1
