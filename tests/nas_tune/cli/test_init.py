"""`nas-tune init`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from nas_tune.cli.app import app
from nas_tune.config import load_config
from nas_tune.config.starter import starter
from tests.trainables.data.boxes.files import parquet


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", *arguments])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_TUNE_DATA", raising=False)


def test_it_writes_a_configuration_and_says_what_to_do_next() -> None:
    done = call()
    assert (done.exit_code, done.stdout) == (0, "nas.toml\n")
    assert done.stderr == "run it with: nas-tune search nas.toml\n"
    assert Path("nas.toml").read_text(encoding="utf-8") == starter()
    assert load_config(Path("nas.toml")).max_trials == 24


def test_it_never_overwrites() -> None:
    Path("nas.toml").write_text("mine")
    Path("link.toml").symlink_to("nowhere.toml")
    for out in ("nas.toml", "link.toml"):
        refused = call("--out", out)
        assert refused.exit_code == 2
        assert f"--out {out}: exists, and is not overwritten; remove it, or give another name" in refused.stderr
    assert Path("nas.toml").read_text() == "mine"
    assert not Path("nowhere.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "clasification"], "did you mean 'classification'?"),
        (["--out", "missing/nas.toml"], "--out missing/nas.toml: cannot be written: No such file or directory"),
        (["--data", "digist"], "did you mean 'digits'?"),
        (["--data", ""], "data is ''; it must be text"),
        (["--task", "language"], "give a path by --data"),
        (["--task", "language", "--data", "x.txt", "--target", "y"], "the task language predicts no column"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(arguments: list[str], said: str) -> None:
    refused = call(*arguments)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert said in refused.stderr
    assert list(Path().iterdir()) == []


def test_images_are_read_and_described() -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        for number in range(10):
            path = Path("photos") / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(number).integers(0, 255, (40, 40 + number, 3), dtype=np.uint8)
            Image.fromarray(noise).save(path)
    done = call("--data", "photos")
    assert done.exit_code == 0, done.stderr
    assert "photos: 13 images to train on" in done.stderr
    assert "2 classes: cat, dog; 32 x 32 pixels, 3 channels" in done.stderr
    settings = load_config(Path("nas.toml")).trainable.settings
    assert (settings["data"], settings["resize"]) == ("photos", 32)


def test_the_task_is_guessed_from_the_data_and_told() -> None:
    Path("houses.csv").write_text("rooms,price\n" + "".join(f"{n % 5},{n}.5\n" for n in range(40)))
    untold = call("--data", "houses.csv")
    assert untold.exit_code == 2
    assert "no target is given" in untold.stderr
    assert "its columns: rooms, price" in untold.stderr
    done = call("--data", "houses.csv", "--target", "price")
    assert done.exit_code == 0, done.stderr
    assert "the task is table, since the data are rows without images" in done.stderr
    assert "target price: regression" in done.stderr
    config = load_config(Path("nas.toml"))
    assert (config.metric, config.mode, config.trainable.settings["target"]) == ("rmse", "min", "price")


def test_images_with_numbers_are_a_regression() -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (30, 8, 8), dtype=np.uint8)
    np.savez("ages.npz", x=pictures, y=np.linspace(0, 1, 30))
    done = call("--data", "ages.npz")
    assert done.exit_code == 0, done.stderr
    assert "the task is regression, since" in done.stderr
    assert load_config(Path("nas.toml")).metric == "rmse"


def test_a_data_set_that_is_fetched_needs_not_be_there() -> None:
    assert call("--data", "mnist").exit_code == 0
    assert load_config(Path("nas.toml")).trainable.settings["download"] is True


@pytest.mark.slow
@pytest.mark.ray
def test_the_search_that_it_writes_runs_as_it_stands() -> None:
    assert call().exit_code == 0
    done = CliRunner().invoke(app, ["search", "nas.toml", "--set", "max_trials=3"])
    assert done.exit_code == 0, done.stderr
    assert "best 3 of 3 architectures" in done.stdout


def test_images_with_boxes_of_several_sizes_get_one() -> None:
    pictures = [np.zeros((40 + 30 * (number % 2), 60, 3), np.uint8) for number in range(9)]
    parquet(Path("cells.parquet"), [[[1, 1, 9, 9]]] * 9, [[number % 3] for number in range(9)], pictures)
    done = call("--data", "cells.parquet")
    assert done.exit_code == 0, done.stderr
    assert load_config(Path("nas.toml")).trainable.settings["resize"] == [64, 64]


@pytest.mark.parametrize(("sides", "space"), [((8, 8), "unet2d"), ((8, 8, 8), "unet3d")])
def test_masks_of_images_and_of_volumes_get_the_space_that_fits(sides: tuple[int, ...], space: str) -> None:
    values = np.random.default_rng(0).integers(0, 200, (12, 1, *sides), dtype=np.uint8)
    np.savez("scans.npz", x=values, y=values[:, 0] > 150)
    done = call("--data", "scans.npz")
    assert done.exit_code == 0, done.stderr
    config = load_config(Path("nas.toml"))
    assert config.space.name == space
    assert config.space.settings["widths"] == [8, 16]
    assert config.trainable.settings["task"] == "segmentation"
