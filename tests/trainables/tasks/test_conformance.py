"""What every task does: those of the package, and one that a user wrote, on data of twenty to forty examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import search_spaces
from search_spaces import Space
from tests.registries import kept
from tests.sweeps import quick
from tests.trainables.data.boxes.files import drawn, parquet
from tests.trainables.data.tables.frames import small
from tests.trainables.tasks.numbers import turned
from tests.trainables.tasks.own_task import SPACE, Growth, build
from trainables import testing
from trainables.data.tables import frames_of
from trainables.errors import DataError, TrainableError
from trainables.export import export_network
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.tasks.learner import Learner
from trainables.tasks.predictor import folder_predictor, learner_predictor
from trainables.tasks.registry import TASKS


@dataclass(frozen=True)
class Case:
    """A task, with data that it learns from and data that it refuses."""

    task: Any
    settings: dict[str, Any]
    bad: dict[str, Any]
    space: Space
    scored: tuple[str, Callable[[Any, Any], float]] | None
    """A metric, and how it follows from the predictions and the targets of the test examples; None where an evaluation
    takes other examples, or carries a state from one to the next.
    """
    network: Any = None

    def all_settings(self, folder: Path) -> dict[str, Any]:
        """Those of the task and of the learner, with arrays written into a folder."""
        return {**_written(folder, self.settings), "batch_size": 8, "device": "cpu", **(self.network or {})}

    def learner(self, folder: Path) -> Learner:
        return Learner(task=self.task, space=self.space, **self.all_settings(folder))


IMAGES, NUMBERS = turned(40)
SEVERAL = np.stack([np.arange(40) % 2, np.arange(40) // 2 % 2, np.arange(40) % 5 > 2], 1).astype(np.int64)
"""Labels of three classes; an image has none to three of them."""
TAGS = {"round": np.arange(40) % 2, "red": np.arange(40) // 2 % 2}
"""Columns of classes that a row may have together."""
CELLS = search_spaces.get("nb201")
TEXT = "Now is the winter of our discontent\nmade glorious summer by this sun of York.\n" * 5
WAVES = np.sin(np.arange(160) / (2 + np.arange(40)[:, None] % 2))
MASKS = np.zeros((20, 6, 8, 7), dtype=np.uint8)
MASKS[:, 1:5, 2:6, 1:6] = 1
SCANS = (MASKS[:, None] * 100 + np.arange(20)[:, None, None, None, None]).astype(np.uint8)
SMALL = {"channels": 2, "cells": 1}


def _names(row: list[int]) -> list[str]:
    """The names of the classes of an image."""
    return [str(number) for number, one in enumerate(row) if one]


def _boxes(folder: Path) -> str:
    """A Parquet file of twenty pictures of shapes."""
    pictures, corners, labels = drawn(20)
    return str(parquet(folder / "boxes.parquet", corners, labels, pictures))


def _dice(found: Any, true: Any) -> float:
    """The mean Dice of class 1 over the cases."""
    ones = [(one == 1, mask == 1) for one, mask in zip(found, true, strict=True)]
    return float(np.mean([2 * (one & mask).sum() / (one.sum() + mask.sum()) for one, mask in ones]))


CASES = {
    "classification": Case(
        "classification",
        {"data": {"x": IMAGES, "y": np.arange(40) % 2}, "extra_metrics": ["f1", "auc"], "class_weights": "balanced"},
        {"data": {"x": IMAGES, "y": np.arange(40) * 2}},
        CELLS,
        (
            "accuracy",
            lambda values, targets: np.mean(
                [int(one) == true for one, true in zip(values, targets.tolist(), strict=True)]
            ),
        ),
        SMALL,
    ),
    "classification, several classes": Case(
        "classification",
        {"data": {"x": IMAGES, "y": SEVERAL}, "class_weights": "balanced"},
        {"data": {"x": IMAGES, "y": SEVERAL * 2}},
        CELLS,
        (
            "accuracy",
            lambda values, targets: np.mean(
                [found == _names(row) for found, row in zip(values, targets.tolist(), strict=True)]
            ),
        ),
        SMALL,
    ),
    "regression": Case(
        "regression",
        {"data": {"x": IMAGES, "y": NUMBERS}},
        {"data": {"x": IMAGES, "y": np.full(40, np.nan)}},
        CELLS,
        ("mae", lambda values, targets: np.abs(values - targets[:, 0].numpy()).mean()),
        SMALL,
    ),
    "regression, own loss and metric": Case(
        "regression",
        {
            "data": {"x": IMAGES, "y": NUMBERS},
            "loss": "torch.nn.functional:smooth_l1_loss",
            "metrics": {"error": {"metric": "tests.trainables.tasks.own_functions:error", "mode": "min", "low": 0}},
        },
        {"data": {"x": IMAGES, "y": np.full(40, np.nan)}},
        CELLS,
        ("error", lambda values, targets: np.abs(values - targets[:, 0].numpy()).mean()),
        SMALL,
    ),
    "language": Case(
        "language",
        {"data": TEXT, "context": 8, "epoch_tokens": 200},
        {"data": "Far too short\n"},
        search_spaces.get("transformer_lm", embeddings=(16, 32), depths=(1, 2)),
        None,
    ),
    "language, carried state": Case(
        "language",
        {"data": np.arange(400) % 7, "context": 8},
        {"data": np.arange(400) % 7 - 1},
        search_spaces.get("recurrent", nodes=2),
        None,
        {"network": {"embedding": 8, "hidden": 8}},
    ),
    "signal": Case(
        "signal",
        {"data": {"x": WAVES, "y": np.arange(40) % 2}, "sample_rate": 1000},
        {"data": {"x": WAVES * np.where(np.arange(40)[:, None] == 3, np.nan, 1), "y": np.arange(40) % 2}},
        search_spaces.get("chain1d", widths=(8, 16), depths=(1, 2), kernels=(3, 5)),
        (
            "accuracy",
            lambda values, targets: np.mean(
                [int(one) == true for one, true in zip(values, targets.tolist(), strict=True)]
            ),
        ),
    ),
    "signal, spectrogram": Case(
        "signal",
        {"data": {"x": WAVES, "y": np.arange(40) / 3}, "sample_rate": 1000},
        {"data": {"x": WAVES, "y": np.where(np.arange(40) == 3, np.nan, 0.5)}},
        search_spaces.get("spectrogram", bands=(8,), hops=(16,)),
        ("mae", lambda values, targets: np.abs(values - targets[:, 0].numpy()).mean()),
        SMALL,
    ),
    "segmentation": Case(
        "segmentation",
        {"data": {"x": SCANS, "y": MASKS}},
        {"data": {"x": SCANS, "y": MASKS * 2}},
        search_spaces.get("unet3d", widths=(8, 8), levels=(2, 2), blocks=(1, 1), norms=("instance",)),
        ("dice", lambda values, targets: _dice(values, targets.numpy())),
        {"network": {"width": 0.5}, "batch_size": 4},
    ),
    "table": Case(
        "table",
        {"data": small(40, price=np.arange(1.0, 41)).drop(columns="good"), "target": "price", "log_target": True},
        {"data": small(40), "target": "nothing"},
        search_spaces.get("mlp"),
        ("mae", lambda values, targets: np.abs(values - targets.numpy()).mean()),
    ),
    "table, several classes": Case(
        "table",
        {"data": small(40, **TAGS), "target": [*TAGS]},
        {"data": small(40, **TAGS), "target": ["round", "colour"]},
        search_spaces.get("mlp"),
        (
            "accuracy",
            lambda values, targets: np.mean(
                [
                    found == [name for name, one in zip(TAGS, row, strict=True) if one]
                    for found, row in zip(values, targets.tolist(), strict=True)
                ]
            ),
        ),
    ),
    "table, several numbers": Case(
        "table",
        {
            "data": small(40, price=np.arange(1.0, 41), rent=np.arange(1.0, 41)[::-1] ** 2),
            "target": ["price", "rent"],
            "log_target": True,
        },
        {"data": small(40, rent=[np.nan, *range(39)]), "target": ["size", "rent"]},
        search_spaces.get("mlp"),
        ("mae", lambda values, targets: np.abs(np.array(values) - targets.numpy()).mean()),
    ),
    "detection": Case(
        "detection",
        {"data": _boxes},
        {"data": "nowhere.parquet"},
        search_spaces.get(
            "detector", heads=["anchor_free"], max_width=16, max_blocks=1, max_pyramid_width=32, max_depth=1
        ),
        None,
    ),
    "own": Case(
        Growth,
        {},
        {"broken": True},
        SPACE,
        ("mae", lambda values, targets: np.abs(values[:, 0] - targets.numpy()).mean()),
    ),
}


def _written(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with arrays written to a file."""
    if callable(settings.get("data")):
        return {**settings, "data": settings["data"](folder)}
    if not isinstance(settings.get("data"), dict):
        return settings
    path = folder / "data.npz"
    np.savez(path, **settings["data"])
    return {**settings, "data": str(path)}


@pytest.fixture(autouse=True)
def _network() -> Iterator[None]:
    with kept(NETWORKS, TASKS):
        NETWORKS.register(SPACE.name, Family(build))
        yield


ONE_OF_EACH = [name for name in CASES if "," not in name]
"""What takes long is tried once with each task; with its other forms it is slow."""


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def begun(case: Case, folder: Path) -> Learner:
    return testing.begun(case.task, case.space, case.all_settings(folder))


def test_a_step_reports_what_the_task_declares(case: Case, tmp_path: Path) -> None:
    testing.check_reports(case.task, case.space, case.all_settings(tmp_path))


def test_an_unknown_split_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the splits are train, validation and test"):
        begun(case, tmp_path).evaluate("tset")


@pytest.mark.parametrize("case", quick(CASES, ONE_OF_EACH), indirect=True)
def test_a_training_continues_to_the_last_bit(case: Case, tmp_path: Path) -> None:
    testing.check_checkpoints(case.task, case.space, case.all_settings(tmp_path), tmp_path)


@pytest.mark.parametrize("case", quick(CASES, ONE_OF_EACH), indirect=True)
def test_costs_and_proxies_need_no_set_up(case: Case, tmp_path: Path) -> None:
    testing.check_costs(case.task, case.space, case.all_settings(tmp_path))
    learner = case.learner(tmp_path)
    example = learner.task.load(torch.device("cpu")).example()
    if case.task == "detection":
        with pytest.raises(TrainableError, match=r"the network gives dict for \d+ inputs"):
            learner.zero_cost(case.space.sample(0), "zico", seed=0)
        return
    if isinstance(example, torch.Tensor) and example.is_floating_point() and case.task != "segmentation":
        # What the proxies do to a network is tested with them; zico alone asks the task, for its loss.
        for proxy in ("naswot", "zico"):
            assert learner.zero_cost(case.space.sample(0), proxy, seed=0) < float("inf")
        return
    said = "so use 'parameters' or 'macs'" if isinstance(example, torch.Tensor) else "zico needs a network with one"
    with pytest.raises(TrainableError, match=said):
        learner.zero_cost(case.space.sample(0), "zico", seed=0)


def test_data_are_the_same_wherever_they_are_asked_for(case: Case, tmp_path: Path) -> None:
    testing.check_data(case.task, case.space, case.all_settings(tmp_path))


def test_what_is_deployed_answers_as_the_network_does(case: Case, tmp_path: Path) -> None:
    testing.check_deployment(case.task, case.space, case.all_settings(tmp_path))


_QUICK = [("own", "onnx"), *((name, "safetensors") for name in ONE_OF_EACH)]
_EXPORTS = [(name, kind) for name in CASES for kind in ("safetensors", "onnx", "pt2")]


@pytest.mark.parametrize(("name", "kind"), quick(_EXPORTS, _QUICK))
def test_an_exported_folder_predicts_as_the_network_was_evaluated(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    case = CASES[name]
    learner = begun(case, tmp_path)
    learner.step()
    made = export_network(learner.deployed(), tmp_path / "out", [kind])
    assert [(one.problem, one.inputs) for one in made] == [("", made[0].inputs)]
    part = learner.data.test
    raw, targets = part.rows(torch.arange(len(part)))
    x = raw
    if learner.task.name == "table":
        x = frames_of(learner.task.data)["test"].drop(columns=list(learner.task.data.targets))
    given = case.task if isinstance(case.task, type) else None
    if given is not None and kind == "safetensors":
        with pytest.raises(TrainableError, match="takes prepared inputs, and the task does not prepare them"):
            folder_predictor(tmp_path / "out", given)
        return
    predictor = folder_predictor(tmp_path / "out", given, allow_code=True)
    trained = learner_predictor(learner)
    found, wanted = predictor.predictions(x), trained.predictions(x)
    assert found.count == wanted.count == len(part)
    assert predictor.task == learner.task.name
    assert _same(found.values, wanted.values)
    if case.scored is None:
        return
    metric, scored = case.scored
    assert scored(found.values, targets) == pytest.approx(learner.evaluate("test")[metric], rel=1e-3)
    assert scored(wanted.values, targets) == pytest.approx(learner.evaluate("test")[metric], rel=1e-3)
    assert scored(trained.of_split("test").values, targets) == scored(wanted.values, targets)
    if found.probabilities is not None:
        np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-5)
        chances = predictor.predict_proba(x)
        assert ((chances >= 0) & (chances <= 1)).all()
        if targets.dim() == 1:
            assert chances.sum(1) == pytest.approx(1, abs=1e-5)
    else:
        with pytest.raises(TrainableError, match="has no probabilities of classes"):
            predictor.predict_proba(x)
    with pytest.raises(TrainableError, match="an exported folder has no split 'test'"):
        predictor.of_split("test")


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, np.ndarray) and found.dtype == np.uint8:
        return bool((found == wanted).mean() > 0.999)
    if isinstance(found[0], float | np.ndarray) or (
        isinstance(found[0], list) and isinstance(next(iter(found[0]), None), float)
    ):
        return bool(np.allclose(found, wanted, rtol=1e-4))
    return bool(found == wanted)


def test_images_that_were_scaled_before_are_warned_of(tmp_path: Path) -> None:
    learner = begun(CASES["regression"], tmp_path)
    trained = learner_predictor(learner)
    trained.predict(IMAGES)
    with pytest.warns(UserWarning, match="reach up to 1, and those of the training up to .*; give them as those were"):
        trained.predict(IMAGES / IMAGES.max())


def test_nothing_to_predict_from_is_refused(case: Case, tmp_path: Path) -> None:
    learner = begun(case, tmp_path)
    trained = learner_predictor(learner)
    none = learner.data.train.rows(torch.arange(0))[0]
    for x in (str(tmp_path / "missing"), object(), none):
        with pytest.raises(DataError, match=";"):
            trained.predict(x)


def test_bad_data_are_refused_before_the_first_trial(case: Case, tmp_path: Path) -> None:
    testing.check_bad_data(case.task, case.space, _written(tmp_path, case.bad))


def test_a_setting_that_the_task_does_not_take_is_refused(case: Case) -> None:
    testing.check_settings(case.task)
