"""The one public door: its names, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import search_spaces

HEAVY = ("torch", "ray", "optuna", "pandas", "numpy", "nas_tune", "trainables")


def test_public_names_equal_all() -> None:
    public = {
        name
        for name, value in vars(search_spaces).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }
    assert public == set(search_spaces.__all__)
    assert list(search_spaces.__all__) == sorted(search_spaces.__all__)


def test_sampling_a_space_imports_nothing_heavy() -> None:
    code = (
        "import sys, search_spaces as s; x = s.get('nb201'); x.mutate(x.sample(0), 0).id; x.to_spec(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
