"""Figures measured with Keras 3.15.1 (PyTorch backend, float64): see `meta` in the file."""

import json
from pathlib import Path
from typing import Any

DATA: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "keras_reference.json").read_text()
)
