"""The task `table`: metrics as scikit-learn has them, trainings of every space for tables, predictions in words."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics as known
from sklearn.ensemble import HistGradientBoostingRegressor

import search_spaces
from tests.trainables.data.tables.frames import small
from trainables.data.tables import Encoding
from trainables.errors import CheckpointError, TrainableError
from trainables.export import export_network
from trainables.tasks import table_metrics
from trainables.tasks.gathering import GatheringMeter
from trainables.tasks.learner import Learner
from trainables.tasks.registry import make_task
from trainables.tasks.table import TableTask

MLP = {"layers": [{"width": 16, "activation": "relu", "norm": "none", "dropout": 0.0}], "skip": False}
HOW = {"space": "mlp", "batch_size": 8, "optimizer": "adamw", "lr": 0.01, "device": "cpu"}
CPU = torch.device("cpu")


def task(frame=None, **settings):
    return make_task("table", {"data": small() if frame is None else frame, "target": "good", **settings})


def trained(epochs=2, frame=None, seed=0, architecture=MLP, **settings):
    frame = small() if frame is None else frame
    learner = Learner(task="table", **{"data": frame, "target": "good", **HOW, **settings})
    learner.setup(architecture, seed=seed, max_epochs=epochs)
    return learner, [learner.step() for _ in range(epochs)]


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_of_classes_are_those_of_scikit_learn(classes):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(60, classes, generator=generator).round(decimals=1)  # with ties
    true = torch.arange(60) % classes
    shares = logits.double().softmax(1).numpy()
    scores = logits[:, 1].double() - logits[:, 0].double() if classes == 2 else shares
    average = {"average": "binary" if classes == 2 else "macro"}
    assert table_metrics.accuracy(logits, true) == pytest.approx(known.accuracy_score(true, logits.argmax(1)))
    assert table_metrics.auc(logits, true) == pytest.approx(
        known.roc_auc_score(true, scores, multi_class="ovr"), abs=1e-6
    )
    assert table_metrics.log_loss(logits, true) == pytest.approx(known.log_loss(true, shares))
    assert table_metrics.f1(logits, true) == pytest.approx(known.f1_score(true, logits.argmax(1), **average))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_that_is_neither_predicted_nor_there_counts_as_scikit_learn_counts_it(classes):
    logits, true = torch.eye(classes)[[0, 0, 0]], torch.zeros(3, dtype=torch.int64)
    average = {"average": "binary" if classes == 2 else "macro"}
    assert table_metrics.f1(logits, true) == known.f1_score(true, logits.argmax(1), zero_division=0, **average)


def test_metrics_of_numbers_are_those_of_scikit_learn():
    true = torch.linspace(-3, 5, 20)
    predicted = true + torch.sin(true * 7)
    assert table_metrics.rmse(predicted, true) == pytest.approx(known.root_mean_squared_error(true, predicted))
    assert table_metrics.mae(predicted, true) == pytest.approx(known.mean_absolute_error(true, predicted))
    assert table_metrics.r2(predicted, true) == pytest.approx(known.r2_score(true, predicted))


def test_a_metric_without_a_value_is_left_out():
    meter = GatheringMeter({"auc": table_metrics.auc, "accuracy": table_metrics.accuracy})
    assert meter.result() == {}
    meter.add(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([1, 1]))
    assert meter.result() == {"accuracy": 0.5}
    assert table_metrics.r2(torch.ones(2), torch.ones(2)) is None


def test_the_target_decides_the_metrics():
    two, more, numbers = task(), task(target="level", categorical=[]), task(target="size")
    assert [one.primary for one in (two, more, numbers)] == ["auc", "accuracy", "rmse"]
    assert [metric.name for metric in two.metrics] == ["auc", "accuracy", "log_loss", "f1"]
    assert {metric.name: metric.mode for metric in numbers.metrics} == {"rmse": "min", "mae": "min", "r2": "max"}
    # With the kind in the settings nothing is read: a report needs no data.
    assert make_task("table", {"data": "nowhere.csv", "target": "y", "kind": "regression"}).primary == "rmse"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "resnet_mlp", "ft_transformer"])
def test_every_space_for_tables_learns_a_table(name):
    small_spaces = {"mlp": {"max_layers": 2}, "ft_transformer": {"widths": (16,), "depths": (1, 1)}}
    space = search_spaces.get(name, **small_spaces.get(name, {"max_width": 65, "depths": (1, 1)}))
    _, reports = trained(3, small(120), architecture=space.sample(1), space=name)
    assert reports[-1]["train_loss"] < reports[0]["train_loss"]
    assert {"auc", "accuracy", "log_loss", "f1", "parameters", "macs"} < set(reports[0])


@pytest.mark.slow
def test_it_learns_what_a_column_says():
    places = np.arange(200)
    frame = pd.DataFrame(
        {"a": np.array(["u", "v"])[places % 2], "b": places * 1.0, "y": np.array([3.0, 7.0])[places % 2]}
    )
    learner, _ = trained(20, frame, target="y", kind="regression")
    assert learner.evaluate("test")["rmse"] < 0.4
    data = learner.task.load(CPU)
    inputs, targets = data.test.rows(torch.arange(4))
    with torch.no_grad():
        predicted = learner.task.decode(learner.network(**learner.normalize(inputs)), data)
    assert predicted == pytest.approx(targets.tolist(), abs=0.8)


def test_the_loss_is_that_of_the_standardized_target_or_of_its_logarithm():
    frame = small(y=np.exp(np.arange(40) / 10))
    for log in (False, True):
        one = task(frame, target="y", log_target=log)
        data = one.load(CPU)
        true = data.train.targets
        scaled = true.double().log() if log else true.double()
        perfect = ((scaled - scaled.mean()) / scaled.std(correction=0)).float()[:, None]
        assert float(one.loss(perfect, true, data)) == pytest.approx(0, abs=1e-9)
        assert float(one.loss(torch.zeros_like(perfect), true, data)) == pytest.approx(1, abs=1e-5)
        assert one.decode(perfect, data) == pytest.approx(true.tolist(), rel=1e-5)


def test_classes_are_decoded_by_name():
    one = task()
    assert one.decode(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), one.load(CPU)) == ["yes", "no"]


@pytest.mark.slow
def test_a_training_continues_bit_for_bit_and_only_on_its_data(tmp_path):
    whole, reports = trained(2)
    first, _ = trained(2)
    again = Learner(task="table", data=small(), target="good", **HOW)
    again.setup(MLP, seed=0, max_epochs=2)
    again.step()
    again.save(tmp_path)
    first.setup(MLP, seed=0, max_epochs=2)
    first.load(tmp_path)
    assert first.step() == reports[1]
    assert first.evaluate("test") == whole.evaluate("test")
    other = Learner(task="table", data=small(size=1.0 + np.arange(40)), target="good", **HOW)
    other.setup(MLP, seed=0, max_epochs=2)
    with pytest.raises(CheckpointError, match=r"data\.data"):
        other.load(tmp_path)


class Half:
    """One of two processes, as a thread."""

    alone, size = False, 2

    def __init__(self, rank, sent, barrier):
        self.rank, self._sent, self._barrier = rank, sent, barrier

    def sum_(self, tensors):
        self._sent[self.rank] = [tensor.clone() for tensor in tensors]
        self._barrier.wait(5)
        for place, tensor in enumerate(tensors):
            tensor.copy_(self._sent[0][place] + self._sent[1][place])
        self._barrier.wait(5)


def test_processes_together_measure_what_one_alone_does():
    outputs, targets = torch.randn(7, 2, generator=torch.Generator().manual_seed(0)), torch.arange(7) % 2
    alone = GatheringMeter({"auc": table_metrics.auc})
    alone.add(outputs, targets)
    assert len({table_metrics.auc(outputs[own], targets[own]) for own in (slice(7), slice(3), slice(3, 7))}) == 3
    sent, barrier = [None, None], threading.Barrier(2)

    def measured(rank):
        meter, mine = GatheringMeter({"auc": table_metrics.auc}), slice(0, 3) if rank == 0 else slice(3, 7)
        meter.add(outputs[mine], targets[mine])
        meter.merge(Half(rank, sent, barrier), CPU)
        return meter.result()

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(measured, range(2))) == [alone.result()] * 2


def test_spaces_of_images_are_refused_and_own_ones_are_not():
    with pytest.raises(TrainableError, match=r"nb201 take no rows of a table; .*: ft_transformer, mlp, resnet_mlp"):
        Learner(task="table", data=small(), target="good", space="nb201")
    with pytest.raises(TrainableError, match=r"task table takes no setting 'tarrget'.*did you mean 'target'"):
        Learner(task="table", data=small(), tarrget="good", space="mlp")


def test_it_is_described_and_its_winner_trains_on_all_rows():
    one = task(small(one=1))
    assert one.about()[1].startswith("target good: classification into 2 classes: no, yes")
    assert one.full_recipe() == {"whole": True}
    assert isinstance(one, TableTask)
    assert len(one.checksum()) == 16


def test_boosted_trees_are_those_of_scikit_learn_on_the_same_rows():
    frame = small(200, y=np.arange(200) * 0.5 + np.arange(200) % 3)
    one = task(frame, target="y", drop=["good", "colour", "level"])
    (control,) = one.controls()
    data = one.load(CPU)
    model = HistGradientBoostingRegressor(random_state=0).fit(data.train.numbers.numpy(), data.train.targets.numpy())
    predicted = torch.from_numpy(model.predict(data.test.numbers.numpy()))
    assert control.scores["test"]["rmse"] == pytest.approx(table_metrics.rmse(predicted, data.test.targets))
    assert control.seconds > 0


@pytest.mark.slow
def test_boosted_trees_take_many_categories_and_logarithms():
    names = np.array([f"n{place % 300}" for place in range(1200)])
    one = task(small(1200, name=names, y=1.0 + np.arange(1200) % 300), target="y", log_target=True)
    (control,) = one.controls()
    assert control.scores["test"]["r2"] > 0.5
    whole = task(small(1200, name=names, split=["train", "test"] * 600), target="level", whole=True)
    assert set(whole.controls()[0].scores) == {"test"}


def test_boosted_trees_are_measured_by_own_metrics_too():
    error = {"metric": "tests.trainables.tasks.own_functions:error", "mode": "min"}
    data = small(80, y=np.arange(80) * 0.5 + np.arange(80) % 3)
    one = make_task("table", {"data": data, "target": "y", "metrics": {"error": error}})
    (control,) = one.controls()
    assert control.scores["test"]["error"] == pytest.approx(control.scores["test"]["mae"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["standard", "log", "quantile"])
def test_exported_files_take_numbers_as_they_are_and_say_how_columns_are_encoded(
    scale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    frame = small().assign(price=np.linspace(1, 500, len(small()))).drop(columns="good")
    frame.loc[::5, "size"] = np.nan
    learner = Learner(task="table", data=frame, target="price", space="mlp", log_target=True, numbers=scale)
    learner.setup(search_spaces.get("mlp").sample(3), seed=0, max_epochs=1)
    deployed = learner.deployed()
    (made,) = export_network(deployed, tmp_path, ["py"])
    assert (made.problem, made.inputs) == ("", "raw")
    assert deployed.pipeline == "tabular-regression"
    names = {"__name__": "model", "__file__": str(tmp_path / "model.py")}
    exec((tmp_path / "model.py").read_text(encoding="utf-8"), names)
    assert bool(deployed.raw["numbers"].isnan().any())
    with torch.no_grad():
        found = names["load"]()(**deployed.raw)[:, 0]
        outputs = learner.network(**deployed.inputs)
    data = learner.task.load(torch.device("cpu"))
    assert found.tolist() == pytest.approx(learner.task.decode(outputs, data), rel=1e-4)
    reading = json.loads(json.dumps(deployed.reading))
    assert data.encoding == Encoding.from_dict(reading["encoding"])


def test_a_misspelt_setting_of_the_training_gets_a_hint_too():
    with pytest.raises(TrainableError, match="table takes no setting 'repeat'; did you mean 'repeats'"):
        Learner(task="table", data=small(), target="good", space="mlp", repeat=3)
