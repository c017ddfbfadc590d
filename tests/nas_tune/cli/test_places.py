"""A URL is not a folder: it is refused wherever a path is taken, with the remedy, and nothing is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.cli.places import run_folder
from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError
from search_spaces import NasTuneError, draw
from search_spaces.names import remote_problem
from tests.nas_tune.ledger.damage import change_meta
from tests.nas_tune.results.made import begun, make, trial
from tests.toys import climb, tiny_space
from trainables.drafts import draft_folder

URLS = ["s3://bucket/x", "gs://b/x", "hdfs://h:1/x", "S3://b", "s3:/bucket/x", "file:///tmp/x", "https://h/x"]


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_no_path(url: str) -> None:
    assert remote_problem(url)
    assert remote_problem(Path(url))


@pytest.mark.parametrize(
    "path", ["runs/x", "/tmp/s3:/x", "C:/runs", "C:\\runs", "a:b", "~/x", ".", "s3", "2026-11-28 10:00"]
)
def test_other_paths_are_paths(path: str) -> None:
    assert remote_problem(path) is None


@pytest.mark.parametrize("key", ["run_dir", "storage", "warm_start"])
def test_the_configuration_takes_no_url(key: str) -> None:
    value = ["s3://b/x"] if key == "warm_start" else "s3://b/x"
    with pytest.raises(ConfigError, match=rf"{key}: got 's3://b/x', a URL of remote storage, which is"):
        SearchConfig(space="nb201", max_trials=1, **{key: value})


USES: list[Callable[[nas_tune.Run], object]] = [
    lambda run: nas_tune.open_run("s3://b/x"),
    lambda run: nas_tune.resume("s3://b/x"),
    lambda run: nas_tune.search(tiny_space(), climb, max_trials=1, executor="inline", run_dir="s3://b/x"),
    lambda run: run.to_parquet("s3://b/x"),
    lambda run: nas_tune.report(run, Path("s3://b/x.html")),
    lambda run: draw(tiny_space().sample(0)).save("s3://b/x.svg"),
    lambda run: draft_folder(Path("s3://b"), "x").__enter__(),
]


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
def test_python_takes_no_url(
    use: Callable[[nas_tune.Run], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    make(tmp_path / "run", begun(), *trial(0, [0.5])).close()
    run = nas_tune.open_run(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NasTuneError, match="a URL of remote storage") as why:
        use(run)
    assert why.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["results", "s3://b/x"],
        ["results", "run", "--out", "s3://b/x.csv"],
        ["results", "run", "--out", "s3://b/x.parquet"],
        ["best", "run", "--draw", "s3://b/x.svg"],
        ["report", "run", "--out", "s3://b/x.html"],
        ["compare", "run", "s3://b/x"],
    ],
    ids=" ".join,
)
def test_no_command_takes_a_url(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    make(tmp_path / "run", begun(), *trial(0, [0.5])).close()
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2, done.output
    assert "a URL of remote storage" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_old_run_with_a_url_for_a_folder_is_read_and_goes_on_where_it_is(tmp_path: Path) -> None:
    run = nas_tune.search(tiny_space(), climb, max_trials=2, executor="inline", run_dir=tmp_path / "run")
    change_meta(run.path, "config", {**run.meta["config"], "run_dir": "s3://b/x", "storage": "gs://b"})
    old = nas_tune.open_run(run.path)
    assert (old.config.run_dir, old.config.storage) == (str(run.path), None)
    assert nas_tune.resume(run.path, max_trials=3, allow_code=True, trainable=climb).state.trials == 3
    with pytest.raises(ConfigError, match=r"storage: got 's3://b/x', a URL"):
        nas_tune.resume(run.path, storage="s3://b/x", allow_code=True, trainable=climb)


def test_a_folder_of_another_kind_does_not_hide_a_run_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("animals").mkdir()
    assert run_folder("animals") == Path("animals")
    make(Path("runs/animals"), begun()).close()
    assert run_folder("animals") == Path("runs/animals")
    make(Path("animals"), begun()).close()
    assert run_folder("animals") == Path("animals")
