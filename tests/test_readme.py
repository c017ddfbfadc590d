"""The front door tells the truth: what README and the guides show, link and list is here, and README's examples run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import search_spaces

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = sorted({ROOT / path for path in re.findall(r"\]\((notebooks/guides/\w+\.md)", README)})
PAGES = [ROOT / "README.md", *GUIDES]
_PROMPT = re.compile(r"^(?: {4})?(?:\$ )?nas-tune (?P<line>.+)$|`nas-tune (?P<inline>[a-z][^`]*)`", flags=re.MULTILINE)
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def folders_of_the_tree() -> set[str]:
    """Paths of the tree's folders: a package stands at the left, its rooms are indented below it."""
    found, package = set(), ""
    for line in README.partition("## The tree")[2].splitlines():
        if top := re.match(r"    (\w+/) ", line):
            package = top[1]
        elif rooms := re.match(r"      ((?:\S+/ )+)", line):
            found.update(f"{package}{room}" for room in rooms[1].split())
    return found


def test_the_tree_names_every_room_and_no_other() -> None:
    packages = ("search_spaces", "trainables", "nas_tune")
    rooms = {
        f"{path.parent.parent.name}/{path.parent.name}/"
        for one in packages
        for path in ROOT.glob(f"{one}/*/__init__.py")
    }
    assert folders_of_the_tree() == rooms


def test_it_is_short_and_links_every_guide_of_its_own() -> None:
    assert len(README.splitlines()) <= 250
    linked = set(re.findall(r"\]\(notebooks/guides/(\w+)\.md", README))
    moved = {"cluster", "data", "measured", "results", "security", "spaces", "strategies", "supernets"}
    assert linked >= moved | {"limits", "winners"}
    assert "](notebooks/concepts/decisions/index.md)" in README


# Links


def prose(page: Path) -> str:
    """A page without its code: what stands in fences, and in lines indented by four."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^ {4}.*$", "", text, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@by_page
def test_what_it_shows_and_links_is_here(page: Path) -> None:
    text = prose(page)
    targets = re.findall(r'src="([^"]+)"', text) + re.findall(r"\]\(([^)\s]+)\)", text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.is_file(), f"{page.name}: {target}"
        if anchor and file.suffix == ".md" and "% generated:" not in file.read_text(encoding="utf-8"):
            assert anchor in anchors(file), f"{page.name}: {target}"
    if page.name == "README.md":
        assert len(targets) >= 30


# Commands


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each `nas-tune` command of a page, without what comes behind a pipe, `>`, `;` or `#`."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for found in _PROMPT.finditer(text):
        line = (found["line"] or found["inline"]).replace("nas-tune ", "")
        for one in re.split(r"\s[|>#](?!=)\s?.*$|; ", line):
            if words := shlex.split(one or "", comments=True):
                yield words


def known() -> dict[str, set[str]]:
    """The options of each command."""
    from typer.main import get_command

    from nas_tune.cli.app import app

    found: Any = get_command(app)
    return {
        name: {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
        for name, command in found.commands.items()
    }


@by_page
def test_every_command_and_option_that_it_types_is_one(page: Path) -> None:
    options = known()
    for name, *words in commands(page):
        if name == "COMMAND":
            continue
        assert name in options, f"{page.name}: nas-tune {name}"
        typed = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert typed <= options[name], f"{page.name}: nas-tune {name} {typed - options[name]}"


def test_every_command_is_shown() -> None:
    shown = {name for page in PAGES for name, *_ in commands(page)}
    assert set(known()) <= shown, "a command that neither the README nor a guide shows"


# Examples


def examples() -> list[str]:
    """The Python blocks of the README, in order."""
    return re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def example(sign: str) -> str:
    """The one block that has `sign` in it."""
    (found,) = [block for block in examples() if sign in block]
    return found


SIGNS = ('"data": "photos"', "class Net(", "def train(", "open_run(")


def test_every_example_is_run_by_a_test_below() -> None:
    assert sorted(map(example, SIGNS)) == sorted(examples())


def run_as_a_script(text: str, folder: Path) -> str:
    (folder / "example.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.ray
def test_the_example_of_an_own_training_runs_as_it_stands(tmp_path: Path) -> None:
    said = run_as_a_script(example("def train("), tmp_path)
    assert "accuracy" in said
    assert len(said.splitlines()) == 4
    assert (tmp_path / "runs" / "own" / "ledger.sqlite").is_file()


@pytest.mark.slow
@pytest.mark.ray
def test_the_example_of_own_images_runs_as_it_stands(tmp_path: Path) -> None:
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits(n_class=3)
    for number, (pixels, label) in enumerate(zip(digits.images[:150], digits.target[:150], strict=True)):
        path = tmp_path / "photos" / f"class {label}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15).astype("uint8")).save(path)
    said = run_as_a_script(example(SIGNS[0]), tmp_path)
    assert "parameters" in said
    assert "'accuracy': " in said
    assert (tmp_path / "runs" / "photos" / "ledger.sqlite").is_file()


def run_here(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    made: dict[str, Any] = {"__name__": "example"}
    exec(compile(text, "README.md", "exec"), made)
    return made


def test_the_example_of_results_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = run_here(example("open_run("), tmp_path, monkeypatch)
    assert len(made["run"].trials()) == 3
    assert "NB201Network(" in capsys.readouterr().out


def test_the_own_module_of_the_example_declares_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    declared, _, _ = example("class Net(").partition("options =")
    made = run_here(declared, tmp_path, monkeypatch)
    nn, net = made["nn"], made["Net"](10, 1)
    space = nn.space_of(net)
    assert space.size == 18
    assert nn.freeze(net, space.sample(0))(torch.rand(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.slow
def test_the_example_of_an_own_module_runs_as_it_stands(tmp_path: Path) -> None:
    said = run_as_a_script(example("class Net("), tmp_path)
    shown = README.partition("class Net(")[2].partition("```\n\n")[2].partition("\n\n")[0]
    assert said.split()[:4] == shown.split()[:4]
    assert len(said.splitlines()) == len(shown.splitlines()) == 4
    assert float(said.splitlines()[1].split()[2]) > 0.9


def test_the_module_with_choices_of_the_guide_runs_as_it_stands() -> None:
    import torch

    guide = (ROOT / "notebooks" / "guides" / "spaces.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```python\n(import search_spaces.nn as nn.*?)```", guide, flags=re.DOTALL)
    made: dict[str, Any] = {}
    exec(text, made)
    assert made["space"].size == 2 * 2 * 3 * 2
    assert made["network"](torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_the_number_of_ready_made_spaces_is_true() -> None:
    text = " ".join(README.split())
    said = re.search(r"take one of more than (\d+) ready-made spaces", text)
    assert said is not None
    assert len(search_spaces.names()) > int(said[1])  # not the number itself: a new space changes no README
