"""What a contributor touches: a space with its networks is two files and one line, all else one file and one line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebooks.pages import blocks_of
from tests.test_docstrings import ports, problems

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "tests" / "plugin" / "nas_tune_twig"
PACKAGES = ("search_spaces", "trainables", "nas_tune")
FILES = {
    "space": "search_spaces/catalogue/twig.py",
    "network": "trainables/networks/twig.py",
    "task": "trainables/tasks/twig.py",
    "self_search": "nas_tune/config/twig.py",
    "strategy": "nas_tune/strategies/twig.py",
    "scheduler": "nas_tune/schedulers/twig.py",
    "method": "trainables/supernet/methods/twig.py",
    "format": "trainables/export/twig.py",
}
LINES = {
    "search_spaces/catalogue/__init__.py": ('"vit": ', '"twig": "search_spaces.catalogue.twig:space",'),
    "trainables/tasks/registry.py": ('"table": ', '"twig": "trainables.tasks.twig:Twigs",'),
    "nas_tune/config/self_search.py": ("# None is ", '"twig_search": "nas_tune.config.twig:Search",'),
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
    "twig", task="twig", data="digits", trainable={"batch_size": 512}, strategy="twig", scheduler="twig",
    max_trials=1, max_epochs=2, executor="inline", run_dir="run",
)
assert (run.metric, run.mode) == ("error", "min")
(made,) = nas_tune.export(run, formats=["twig"]).formats
assert made.difference is not None and made.difference < 1e-5, made
assert not run.meta["code"]
run = nas_tune.search("twig", strategy="twig_search", max_trials=1, max_epochs=2, executor="inline", run_dir="itself")
assert list(run.trials()["arch.width"]) == [2] and not run.meta["code"]
"""


PAGE = ROOT / "notebooks" / "contributing.md"
OF_THE_PAGE = """
import search_spaces, trainables, nas_tune
from search_spaces.testing import check_space
from trainables.supernet import discretize, relax

check_space(search_spaces.get("ladder"))
run = nas_tune.search(
    "ladder", task="ordinal", data="digits", trainable={"batch_size": 512, "channels": 2}, strategy="greedy",
    scheduler="better", max_trials=2, max_epochs=2, executor="inline", run_dir="run",
)
assert (run.metric, run.mode) == ("distance", "min")
(made,) = nas_tune.export(run, formats=["half"]).formats
assert made.difference is not None and made.difference < 0.01, made
assert discretize(relax(trainables.build("nb201", None, channels=2, cells=1), method="cooling")) is not None
assert not run.meta["code"]
strategy = {"name": "climb", "data": "digits", "batch_size": 512, "channels": 2}
run = nas_tune.search("ladder", strategy=strategy, max_trials=1, max_epochs=2, executor="inline", run_dir="climb")
(made,) = nas_tune.export(run, formats=["safetensors"]).formats
assert made.difference == 0.0, made
assert not run.meta["code"]
"""


def packages_in(folder: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))


def run_in(house: Path, text: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(house)}
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the packages in which a contributor has been at work."""
    packages_in(tmp_path)
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
def test_a_contribution_is_its_files_and_a_line_of_a_table(house: Path) -> None:
    new, changed = touched(house)
    assert new == sorted(FILES.values())
    assert changed == dict.fromkeys(sorted(LINES), 1)
    run_in(house, USED)


def files_of_the_page() -> dict[str, str]:
    """The files of the walks, by the place that the page gives them."""
    return {block.marks["file"]: block.text for block in blocks_of(PAGE) if block.marks.get("file", "").endswith(".py")}


def lines_of_the_page() -> list[tuple[str, str, str]]:
    """Of each walk: the line, the module that it names, and the file of its table."""
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    found = re.findall(r'The line is `("\w+": "([\w.]+):\w+")` in `\w+` \(`([\w/]+\.py)`\)', text)
    return [(line, module, table) for line, module, table in found]


def test_the_page_counts_what_a_contributor_touches() -> None:
    rows = re.findall(r"^\| \[.+\]\(#.+\) \| (\d) \| `(.+)` \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [table for _, table in rows] == [table for _, _, table in lines_of_the_page()]
    assert {table for _, table in rows} == set(LINES)
    assert sum(int(count) for count, _ in rows) == len(FILES) == len(files_of_the_page())


def test_each_file_of_the_page_has_its_line() -> None:
    named = {module.rpartition(".")[2] for _, module, _ in lines_of_the_page()}
    assert {name.removesuffix(".py").partition("_")[0] for name in files_of_the_page()} == named
    assert len(named) == 7


@pytest.mark.slow
def test_the_walks_of_the_page_lead_to_what_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages_in(tmp_path)
    files = files_of_the_page()
    for line, module, table in lines_of_the_page():
        path = tmp_path / f"{module.replace('.', '/')}.py"
        name = path.stem if f"{path.stem}.py" in files else f"{path.stem}_space"
        path.write_text(files.pop(f"{name}.py"), encoding="utf-8")
        text = (tmp_path / table).read_text(encoding="utf-8")
        *_, last = re.finditer(r'^        ("\w+": "[\w.]+:\w+",|# None is .+)\n', text, flags=re.MULTILINE)
        (tmp_path / table).write_text(f"{text[: last.end()]}        {line},\n{text[last.end() :]}", encoding="utf-8")
    (tmp_path / "trainables" / "networks" / "ladder.py").write_text(files.pop("ladder_network.py"), encoding="utf-8")
    assert not files
    known = ports()
    monkeypatch.setattr("tests.test_docstrings.ROOT", tmp_path)
    written = [path for path in tmp_path.rglob("*.py") if not (ROOT / path.relative_to(tmp_path)).exists()]
    assert not [problem for path in written for problem in problems(path, known)]
    run_in(tmp_path, OF_THE_PAGE)
