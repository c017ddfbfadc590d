"""What would fail in every trial is refused before the first, with the value, the rule and the remedy."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

import nas_tune
import search_spaces
from nas_tune.cli.app import app
from nas_tune.errors import InfeasibleError
from nas_tune.executors import ray_cluster
from nas_tune.executors.ray_cluster import TrialResources, cluster
from trainables.__main__ import main
from trainables.errors import DataError, DeviceError, TrainableError

GREY = np.arange(20, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
LABELS = np.arange(20) % 2
NO_IMAGES = {
    "chain1d": "signals",
    "dints": "images or volumes with a class for each pixel",
    "ft_transformer": "rows of numbers",
    "mlp": "rows of numbers",
    "resnet_mlp": "rows of numbers",
    "spectrogram": "signals",
    "transformer_lm": "sequences of tokens",
    "recurrent": "sequences of tokens",
    "enas_recurrent": "sequences of tokens",
    "unet2d": "images or volumes with a class for each pixel",
    "unet3d": "images or volumes with a class for each pixel",
}


def damaged_npz(folder: Path) -> dict[str, Any]:
    np.savez_compressed(folder / "a.npz", x=np.random.default_rng(0).integers(0, 255, (40, 8, 8)), y=np.arange(40) % 2)
    whole = bytearray((folder / "a.npz").read_bytes())
    whole[len(whole) // 3] ^= 0xFF
    (folder / "a.npz").write_bytes(whole)
    return {"data": str(folder / "a.npz")}


def few_of_a_class(folder: Path) -> dict[str, Any]:
    np.savez(folder / "a.npz", x=GREY, y=[0] * 19 + [1])
    return {"data": str(folder / "a.npz")}


def damaged_parquet(folder: Path) -> dict[str, Any]:
    file = folder / "a.parquet"
    parquet.write_table(pa.table({"image": [os.urandom(400) for _ in range(20)], "label": LABELS}), file)
    whole = bytearray(file.read_bytes())
    whole[200:4000] = bytes(3800)
    file.write_bytes(whole)
    return {"data": str(file)}


def wrong_label_column(folder: Path) -> dict[str, Any]:
    parquet.write_table(pa.table({"image": [b"x"] * 4, "label": [0, 1, 0, 1]}), folder / "a.parquet")
    return {"data": str(folder / "a.parquet"), "label_column": "labels"}


def label_column_of_images(folder: Path) -> dict[str, Any]:
    return {**wrong_label_column(folder), "label_column": "image"}


def no_images(folder: Path) -> dict[str, Any]:
    parquet.write_table(pa.table({"text": ["x"] * 4, "label": [0, 1, 0, 1]}), folder / "a.parquet")
    return {"data": str(folder / "a.parquet")}


def damaged_image(folder: Path) -> dict[str, Any]:
    for kind in "ab":
        (folder / kind).mkdir()
        (folder / kind / "0.png").write_bytes(b"\x89PNG no image")
    return {"data": str(folder)}


DATA = {
    damaged_npz: r"not a complete \.npz",
    few_of_a_class: "class 1 has 1 image",
    damaged_parquet: "damaged|not a complete",
    wrong_label_column: r"no column 'labels'; its columns are image, label",
    label_column_of_images: "label_column is 'image', which holds binary",
    no_images: "image_column=",
    damaged_image: "is not a complete image",
}


@pytest.mark.parametrize(("make", "message"), DATA.items(), ids=[make.__name__ for make in DATA])
@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_data_that_no_trial_could_read(tmp_path: Path, make: Any, message: str, executor: str) -> None:
    given = tmp_path / "given"
    given.mkdir()
    with pytest.raises(DataError, match=message) as caught:
        search(tmp_path, {"name": "image_classifier", **make(given)}, executor=executor)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()


def search(folder: Path, trainable: dict[str, Any], *, space: Any = "nb201", **more: Any) -> nas_tune.Run:
    return nas_tune.search(
        space,
        trainable,
        max_trials=1,
        max_epochs=1,
        scheduler="none",
        strategy="random",
        run_dir=folder / "run",
        **more,
    )


@pytest.mark.parametrize(("space", "takes"), NO_IMAGES.items())
@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_spaces_whose_networks_take_no_images(tmp_path: Path, space: str, takes: str, executor: str) -> None:
    with pytest.raises(TrainableError, match=f"networks of {space} take {takes} and no images") as caught:
        search(tmp_path, {"name": "image_classifier"}, space=space, executor=executor)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("space", ["recurrent", "enas_recurrent"])
def test_nor_does_a_supernet_of_them(tmp_path: Path, space: str) -> None:
    with pytest.raises(TrainableError, match=f"networks of {space} take sequences of tokens and no images"):
        nas_tune.search(space, strategy="darts", max_trials=1, run_dir=tmp_path / "run", executor="inline")


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps"])
@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_a_device_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, executor: str) -> None:
    without_gpus(monkeypatch)
    with pytest.raises(DeviceError, match=f"device is '{device}'.*give cpu or auto") as caught:
        search(tmp_path, {"name": "image_classifier", "device": device}, executor=executor)
    assert caught.value.exit_code == 6
    assert not (tmp_path / "run").exists()
    with pytest.raises(DeviceError):
        nas_tune.search(
            "nb201", {"name": "image_classifier", "device": device}, strategy="darts", max_trials=1,
            run_dir=tmp_path / "run", executor=executor,
        )  # fmt: skip


def without_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(ray_cluster, "_GPU_DRIVERS", ())


def test_a_cluster_may_have_what_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    without_gpus(monkeypatch)
    from nas_tune.config import SearchConfig
    from nas_tune.session.search_setup import SearchSetup

    trainable = {"name": "image_classifier", "device": "cuda", "data": "/nowhere"}
    recipe = SearchSetup.of(SearchConfig(space="nb201", trainable=trainable, max_trials=1, address="10.0.0.1:6379"))
    assert recipe.about() == []


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (TrialResources(gpus=1), "0 CPUs|1 GPUs, this machine has .*0 GPUs"),
        (TrialResources(gpus=0.5, devices=2), "1 GPUs, this machine has"),
        (TrialResources(cpus=100_000), "100000 CPUs and 0 GPUs, this machine has"),
    ],
)
def test_resources_that_are_not_here_are_refused_before_ray_starts(
    monkeypatch: pytest.MonkeyPatch, needs: TrialResources, said: str
) -> None:
    without_gpus(monkeypatch)
    monkeypatch.setattr(ray_cluster, "_connect", lambda address: pytest.fail("Ray was started"))
    with pytest.raises(InfeasibleError, match=said) as caught, cluster(None, 1, needs):
        pass
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        (["space=mlp"], 2, "rows of numbers"),
        (["trainable.device=cuda"], 6, "device is 'cuda'"),
        (["trainable.data=/nowhere"], 2, "/nowhere"),
        (["executor=ray", "resources.gpus=1"], 6, "this machine has"),
    ],
)
def test_the_command_line_says_so_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: list[str], code: int, said: str
) -> None:
    without_gpus(monkeypatch)
    run = str(tmp_path / "run")
    config = tmp_path / "config.toml"
    config.write_text(f'space = "nb201"\nmax_trials = 1\nrun_dir = "{run}"\n[trainable]\nname = "image_classifier"\n')
    more = [part for setting in settings for part in ("--set", setting)]
    done = CliRunner().invoke(app, ["search", str(config), *more])
    assert done.exit_code == code, done.output
    assert said in " ".join(done.output.split())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--space", "mlp"], 2, "rows of numbers"),
        (["--set", "device=cuda"], 6, "device is 'cuda'"),
        (["--data", "/nowhere"], 2, "/nowhere"),
    ],
)
def test_by_hand_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: list[str], code: int, said: str
) -> None:
    without_gpus(monkeypatch)
    space = more[1] if more[0] == "--space" else "nb201"
    tree = json.dumps(search_spaces.get(space).sample(0).tree)
    assert main(["train", "--arch", tree, *more]) == code
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_what_was_found_is_a_note_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.concatenate([GREY, GREY + 100])
    arrays = {"x_val": images[:6], "y_val": LABELS[:6], "x_test": images[:8], "y_test": LABELS[:8]}
    np.savez(tmp_path / "a.npz", x=images, y=np.arange(40) % 2, **arrays)
    data = {"data": str(tmp_path / "a.npz"), "channels": 2, "device": "cpu"}
    run = search(tmp_path, {"name": "image_classifier", **data}, executor="inline")
    told = [text for trial, text in run.state.notes if trial == -1 and "6 for validation as given" in text]
    assert len(told) == 1
    again = nas_tune.resume(run.path, max_trials=2)
    assert sum("6 for validation as given" in text for _, text in again.state.notes) == 1
    tree = json.dumps(search_spaces.get("nb201").sample(0).tree)
    settings = ["--set", "channels=2", "--epochs", "1", "--data", str(tmp_path / "a.npz")]
    assert main(["train", "--arch", tree, *settings]) == 0
    assert "note: " in (said := capsys.readouterr().err)
    assert "6 for validation as given" in said
