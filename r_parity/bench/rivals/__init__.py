"""Rival packages from PyPI, each in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RIVALS = {
    "mixedlm": ["mixedlm"],
    "interlace": ["interlace-lme"],
    "gpboost": ["gpboost", "pandas"],
    "statsmodels": ["statsmodels"],
}


def environment(rival: str, folder: Path) -> Path:
    """The rival's python; made on first use."""
    place = folder / rival
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "pandas", *RIVALS[rival]], check=True)
    return python
