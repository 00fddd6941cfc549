"""Lets the tests of this folder share `reference`, and keeps programs for others out of them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

collect_ignore = ["keras_peer.py", "killed_training.py"]
