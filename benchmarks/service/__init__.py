"""The service under load: its own servers, its own processes, real sockets, no training."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The servers, the no-op worker and the checker are those of the tests.
sys.path.insert(0, str(ROOT / "tests"))
