"""What a contributor touches: a space with its networks is two files and one line, all else one file and one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "tests" / "plugin" / "nas_tune_twig"
PACKAGES = ("search_spaces", "trainables", "nas_tune")
FILES = {
    "space": "search_spaces/catalogue/twig.py",
    "network": "trainables/networks/twig.py",
    "strategy": "nas_tune/strategies/twig.py",
    "scheduler": "nas_tune/schedulers/twig.py",
    "method": "trainables/supernet/methods/twig.py",
    "format": "trainables/export/twig.py",
}
LINES = {
    "search_spaces/catalogue/__init__.py": ('"vit": ', '"twig": "search_spaces.catalogue.twig:space",'),
    "nas_tune/strategies/__init__.py": ('"tpe": ', '"twig": "nas_tune.strategies.twig:Strategy",'),
    "nas_tune/schedulers/__init__.py": ('"none": ', '"twig": "nas_tune.schedulers.twig:Scheduler",'),
    "trainables/supernet/methods/__init__.py": ('"spos": ', '"warm": "trainables.supernet.methods.twig:Method",'),
    "trainables/export/formats.py": ('"onnx": ', '"twig": "trainables.export.twig:FORMAT",'),
}
USED = """
import search_spaces, trainables, nas_tune
from pathlib import Path
from search_spaces import Space
from trainables.supernet.methods import METHODS

space = search_spaces.get("twig")
assert Space.from_spec(space.to_spec(), bare=True).fingerprint == space.fingerprint
assert METHODS.origin("warm") == "nas_tune" and METHODS.get("warm").__name__ == "Method"
run = nas_tune.search(
    "twig", {"name": "image_classifier", "data": "digits", "batch_size": 512}, strategy="twig", scheduler="twig",
    max_trials=1, max_epochs=2, executor="inline", run_dir="run",
)
(made,) = nas_tune.export(run, formats=["twig"]).formats
assert made.difference is not None and made.difference < 1e-5, made
assert not run.meta["code"]
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the packages in which a contributor has been at work."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for part, path in FILES.items():
        assert not (tmp_path / path).exists()
        shutil.copyfile(PLUGIN / f"{part}.py", tmp_path / path)
    for path, (before, line) in LINES.items():
        text = (tmp_path / path).read_text(encoding="utf-8")
        assert text.count(f"        {before}") == 1, path
        text = text.replace(f"        {before}", f"        {line}\n        {before}")
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def touched(house: Path) -> tuple[list[str], dict[str, int]]:
    """The new files of a copy, and how many lines of the others differ."""
    new, changed = [], {}
    for path in sorted(file for package in PACKAGES for file in (house / package).rglob("*.py")):
        name, before = path.relative_to(house).as_posix(), ROOT / path.relative_to(house)
        if not before.exists():
            new.append(name)
        elif before.read_bytes() != path.read_bytes():
            changed[name] = len(path.read_bytes().splitlines()) - len(before.read_bytes().splitlines())
    return new, changed


@pytest.mark.slow
def test_a_contribution_is_its_files_and_a_line_of_a_table(house: Path, tmp_path: Path) -> None:
    new, changed = touched(house)
    assert new == sorted(FILES.values())
    assert changed == dict.fromkeys(sorted(LINES), 1)
    environment = {**os.environ, "PYTHONPATH": str(house)}
    done = subprocess.run(
        [sys.executable, "-c", USED], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
