"""A plug-in with one of each kind: its names are used from TOML, inline and on Ray, resumed, retrained and exported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import nas_tune
import search_spaces
from nas_tune.cli import listing
from nas_tune.config import SearchConfig
from nas_tune.config.self_search import SELF_SEARCHES
from nas_tune.schedulers import SCHEDULERS
from nas_tune.strategies import STRATEGIES
from search_spaces.catalogue import SPACES
from trainables.export import FORMATS
from trainables.networks import NETWORKS
from trainables.registry import TRAINABLES
from trainables.supernet import METHODS
from trainables.tasks.registry import TASKS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NAMES = {
    SPACES: "twig",
    NETWORKS: "twig",
    TASKS: "twig_task",
    TRAINABLES: "twig_trainable",
    STRATEGIES: "twig_strategy",
    SCHEDULERS: "twig_scheduler",
    METHODS: "twig_method",
    SELF_SEARCHES: "twig_search",
    FORMATS: "twig_format",
}
SEARCH = """
space = { name = "twig", widths = [1, 2, 3] }
strategy = { name = "twig_strategy", stream = 3 }
scheduler = { name = "twig_scheduler", last = 1 }
max_trials = 2
max_epochs = 3
"""
IMAGES = '[trainable]\nname = "image_classifier"\ndata = "digits"\nbatch_size = 512\n'


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The plug-in on the import path of this process, with what pip would write of its entry points."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    info = tmp_path / "site" / "nas_tune_twig-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n", encoding="utf-8")
    shutil.copytree(HERE / "nas_tune_twig", tmp_path / "site" / "nas_tune_twig")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield
    for module in [name for name in sys.modules if name.partition(".")[0] == "nas_tune_twig"]:
        del sys.modules[module]


@pytest.mark.usefixtures("installed")
def test_each_kind_is_found_with_its_origin() -> None:
    for registry, name in NAMES.items():
        assert registry.origin(name) == "nas-tune-twig", registry.kinds
        assert name in registry.names()
        assert registry.get(name) is not None
        assert not registry.broken()
    assert search_spaces.get("twig", widths=(1, 2, 3)).size == 6


@pytest.mark.usefixtures("installed")
def test_a_configuration_uses_its_names_and_a_resume_finds_them(tmp_path: Path) -> None:
    config = SearchConfig.from_toml(f'trainable = "twig_trainable"\nexecutor = "inline"\n{SEARCH}')
    run = nas_tune.search(**{**config.to_dict(), "run_dir": str(tmp_path / "run")})
    assert run.trials()["epochs"].tolist() == [1, 1]
    assert nas_tune.resume(run.path, max_trials=4).trials()["epochs"].tolist() == [1] * 4
    assert "code" not in run.meta or not run.meta["code"]


@pytest.mark.usefixtures("installed")
def test_a_method_is_a_strategy_and_its_settings_are_held_against_it() -> None:
    with pytest.raises(nas_tune.NasTuneError, match=r"warmpth is not a setting of 'twig_method'; did you mean 'warmth"):
        nas_tune.search("nb201", strategy={"name": "twig_method", "warmpth": 3.0}, max_trials=1, executor="inline")


@pytest.mark.usefixtures("installed")
def test_a_strategy_that_searches_by_itself_is_used_from_toml_resumed_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SearchConfig.from_toml(
        'space = { name = "twig", widths = [1, 2, 3] }\nstrategy = { name = "twig_search", widest = 2 }\n'
        'executor = "inline"\nmax_trials = 1\nmax_epochs = 3\n'
    )
    run = nas_tune.search(**{**config.to_dict(), "run_dir": str(tmp_path / "run")})
    again = nas_tune.resume(run.path, max_trials=2)
    assert [json.loads(text) for text in again.trials()["architecture"]] == [{"width": 2, "act": "relu"}] * 2
    listing.strategies()
    assert "twig_search" in (said := capsys.readouterr().out)
    assert "widest = 3" in said


def called(site: Path, *arguments: str, cwd: Path) -> str:
    """`nas-tune` where the plug-in is installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-m", "nas_tune", *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has installed the plug-in."""
    source, target = tmp_path_factory.mktemp("source") / "plugin", tmp_path_factory.mktemp("site")
    shutil.copytree(HERE, source)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True, text=True)
    return target


@pytest.mark.slow
@pytest.mark.ray
def test_installed_by_pip_it_is_searched_on_ray_resumed_retrained_and_exported(site: Path, tmp_path: Path) -> None:
    (tmp_path / "twig.toml").write_text(f'run_dir = "run"\n{SEARCH}{IMAGES}', encoding="utf-8")
    called(site, "search", "twig.toml", cwd=tmp_path)
    called(site, "resume", "run", "--set", "max_trials=3", cwd=tmp_path)
    rows = json.loads(called(site, "results", "run", "--format", "json", cwd=tmp_path))
    assert [row["epochs"] for row in rows] == [1, 1, 1]
    made = json.loads(called(site, "export", "run", "--format", "twig_format,safetensors", "--json", cwd=tmp_path))
    assert [one["problem"] for one in made["formats"]] == [None, None]
    assert {one["format"] for one in made["formats"]} == {"twig_format", "safetensors"}
    assert all(one["difference"] < 1e-5 for one in made["formats"])
    called(site, "retrain", "run", "--epochs", "1", "--seeds", "1", "--baselines", "0", cwd=tmp_path)


@pytest.mark.slow
def test_installed_by_pip_its_method_searches_and_all_are_listed(site: Path, tmp_path: Path) -> None:
    strategy = '{ name = "twig_method", channels = 1, cells = 1, batch_size = 512, warmth = 3.0 }'
    keys = f'space = "nb201"\nstrategy = {strategy}\nexecutor = "inline"\nmax_trials = 1\nmax_epochs = 1\n'
    keys += 'run_dir = "run"\n'
    (tmp_path / "method.toml").write_text(keys, encoding="utf-8")
    called(site, "search", "method.toml", cwd=tmp_path)
    assert "nas-tune-twig" in called(site, "spaces", cwd=tmp_path)
    assert called(site, "strategies", cwd=tmp_path).count("from nas-tune-twig") == 7
