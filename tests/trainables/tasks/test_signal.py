"""The task `signal`: what it learns, measures and says, of classes, numbers and forecasts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

import search_spaces
from trainables.controls import read_control
from trainables.errors import TrainableError
from trainables.tasks.learner import Learner
from trainables.tasks.registry import guessed, make_task
from trainables.tasks.signal_control import LINEAR

CPU = torch.device("cpu")
STEPS = np.arange(400)


@pytest.fixture
def tones(tmp_path):
    pitch = 1 + np.arange(60) % 3
    waves = np.sin(np.arange(240) * pitch[:, None] / 3) * 1000
    np.savez(tmp_path / "tones.npz", x=waves.astype("int16"), y=pitch)
    return str(tmp_path / "tones.npz")


@pytest.fixture
def waves(tmp_path):
    np.save(tmp_path / "waves.npy", 50 + 10 * np.sin(STEPS / 4))
    return str(tmp_path / "waves.npy")


def trained(space, epochs, **settings):
    made = Learner(task="signal", space=space, batch_size=8, device="cpu", **settings)
    made.setup(space.sample(2), seed=0, max_epochs=epochs)
    return made, [made.step() for _ in range(epochs)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chain1d", "spectrogram"])
def test_networks_of_every_space_for_signals_learn_tones(tones, name):
    small = {"chain1d": {"depths": (2, 2), "kernels": (9,), "widths": (16,)}, "spectrogram": {"bands": (8,)}}
    space = search_spaces.get(name, **small[name])
    size = {"channels": 4, "cells": 1} if name == "spectrogram" else {}
    made, reports = trained(space, 12, data=tones, sample_rate=4000, lr=0.01, **size)
    assert made.evaluate("test")["accuracy"] > 0.8
    assert reports[-1]["train_loss"] < reports[0]["train_loss"]
    data = made.task.load(CPU)
    with torch.no_grad():
        assert set(made.task.decode(made.network(data.normalize(data.test.waves)), data)) <= {"1", "2", "3"}


@pytest.mark.slow
def test_a_forecast_is_measured_in_the_units_of_the_series(waves):
    space = search_spaces.get("chain1d", depths=(1, 1), kernels=(5,), widths=(32,), summaries=("gru",))
    made, _ = trained(space, 8, data=waves, window=16, horizon=2, lr=0.01)
    found = made.evaluate("test")
    (control,) = made.task.controls()
    assert found["rmse"] < control.scores["test"]["rmse"]
    part = made.task.load(CPU).test
    shown, true = part.rows(torch.arange(len(part)))
    naive = float((shown[:, 0, -1:] - true).square().mean().sqrt())
    assert control.scores["test"]["rmse"] == pytest.approx(naive, rel=1e-5)
    data = made.task.load(CPU)
    with torch.no_grad():
        predicted = torch.tensor(made.task.decode(made.network(data.normalize(shown)), data))
    assert float((predicted - true).square().mean().sqrt()) == pytest.approx(found["rmse"], rel=1e-4)


def test_simple_models_stand_beside_a_classification(tones):
    task = make_task("signal", {"data": tones, "sample_rate": 4000})
    data = task.load(CPU)
    majority, linear = task.controls()
    often = data.train.targets.bincount()
    right = float((data.test.targets == often.argmax()).float().mean())
    assert majority.scores["test"]["accuracy"] == pytest.approx(right)
    shares = often.double() / often.sum()
    assert majority.scores["test"]["loss"] == pytest.approx(float(-shares[data.test.targets].log().mean()), rel=1e-5)
    assert set(majority.scores) == {"validation", "test"}
    assert linear.scores["test"]["accuracy"] > 0.9, "tones differ in their spectrum"
    assert linear.scores["test"]["loss"] < majority.scores["test"]["loss"]
    assert read_control(linear.line()).scores["test"]["accuracy"] == linear.scores["test"]["accuracy"]


def test_simple_models_stand_beside_numbers(tmp_path):
    pitch = np.linspace(0.05, 0.4, 80)
    waves = np.sin(2 * np.pi * pitch[:, None] * np.arange(200))
    np.savez(tmp_path / "pitch.npz", x=waves.astype(np.float32), y=100 * pitch)
    task = make_task("signal", {"data": str(tmp_path / "pitch.npz"), "kind": "regression"})
    data = task.load(CPU)
    mean, linear = task.controls()
    errors = data.test.targets - data.train.targets.mean()
    assert mean.scores["test"]["rmse"] == pytest.approx(float(errors.square().mean().sqrt()), rel=1e-4)
    assert linear.scores["test"]["rmse"] < mean.scores["test"]["rmse"] / 2


def test_short_signals_and_rare_classes_have_a_linear_model_too(tmp_path):
    waves = np.random.default_rng(0).normal(size=(30, 2, 3)) + (np.arange(30) % 3)[:, None, None]
    np.savez(tmp_path / "short.npz", x=waves.astype(np.float32), y=np.arange(30) % 3)
    (_, linear) = make_task("signal", {"data": str(tmp_path / "short.npz")}).controls()
    assert not linear.failure
    assert 0 <= linear.scores["test"]["accuracy"] <= 1


def test_the_target_decides_the_metrics(tones, waves):
    classes = make_task("signal", {"data": tones})
    assert classes.primary == "accuracy"
    assert [metric.name for metric in classes.metrics] == ["accuracy", "loss", "f1", "auc"]
    assert [control.name for control in classes.controls()] == ["majority class", LINEAR]
    # With the kind or a window in the settings nothing is read: a report needs no data.
    assert make_task("signal", {"data": "nowhere.npz", "kind": "regression"}).primary == "rmse"
    assert make_task("signal", {"data": "nowhere.npz", "window": 5}).primary == "rmse"
    assert make_task("signal", {"data": tones}).checksum() == classes.checksum()
    assert guessed({"data": tones})[0] == "signal"
    assert guessed({"data": waves, "window": 5})[0] == "signal"


def test_the_loss_is_that_of_classes_or_of_standardized_numbers(tones, waves):
    one = make_task("signal", {"data": tones, "label_smoothing": 0.2})
    logits = torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    wanted = functional.cross_entropy(logits, torch.tensor([2, 1]), label_smoothing=0.2)
    assert torch.equal(one.loss(logits, torch.tensor([2, 1]), one.load(CPU)), wanted)
    meter = one.meter(one.load(CPU), ["accuracy", "loss"])
    meter.add(logits, torch.tensor([2, 0]))
    plain = functional.cross_entropy(logits, torch.tensor([2, 0]))
    assert meter.result() == pytest.approx({"accuracy": 0.5, "loss": float(plain)})
    other = make_task("signal", {"data": waves, "window": 5})
    data = other.load(CPU)
    assert float(other.loss(torch.zeros(len(data.train), 1), data.train.targets, data)) == pytest.approx(1, abs=1e-4)


def test_other_spaces_and_signals_without_a_rate_are_refused(tones):
    with pytest.raises(TrainableError, match=r'nb201 take no signals; .*: chain1d, spectrogram; .*"of": "nb201"'):
        Learner(task="signal", data=tones, space="nb201")
    made = Learner(task="signal", data=tones, space="spectrogram")
    with pytest.raises(TrainableError, match="the signals have no sample rate"):
        made.cost(search_spaces.get("spectrogram").sample(0))


def test_what_is_exported_says_how_to_read_signals(tones):
    one = make_task("signal", {"data": tones, "sample_rate": 4000})
    found = one.exported(one.load(CPU))
    assert found["reading"] == {"sample_rate": 4000, "length": 240}
    assert (found["raw_dtype"], len(found["mean"])) == ("int16", 1)
    assert one.identity()["data.sample_rate"] == 4000
    assert one.full_recipe() == {"whole": True}
