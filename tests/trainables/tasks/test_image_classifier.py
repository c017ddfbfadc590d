"""The classifier learns, repeats itself, and goes on from a checkpoint to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import search_spaces
from search_spaces import Architecture
from trainables.errors import CheckpointError, DataError, EndOfTraining, TrainableError
from trainables.networks.base import DropPath
from trainables.protocol import Evaluating, Trainable
from trainables.tasks.image_classifier import ImageClassifier
from trainables.training.optimization import Optimization, Optimizer
from trainables.trial.checkpoint import read_tensors, write_tensors
from trainables.trial.session import TrialSession

pytestmark = pytest.mark.usefixtures("few_digits")

CELL = search_spaces.get("nb201").from_string(
    "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
)
TINY = {"channels": 2, "cells": 1, "batch_size": 64}


def started(seed=0, max_epochs=3, architecture=CELL, **settings):
    classifier = ImageClassifier(**{**TINY, **settings})
    classifier.setup(architecture, seed=seed, max_epochs=max_epochs)
    return classifier


def epochs(classifier, count):
    return [classifier.step() for _ in range(count)]


def test_follows_the_protocol():
    assert isinstance(ImageClassifier(), Trainable)
    assert isinstance(ImageClassifier(), Evaluating)


class TwoHeads(torch.nn.Module):
    """Two linear heads on the pixels; drop path before the second, so that its probability can be read."""

    def __init__(self, pixels, num_classes):
        super().__init__()
        self.heads = torch.nn.ModuleList(torch.nn.Linear(pixels, num_classes) for _ in range(2))
        self.drop_path = DropPath(0.5)

    def forward(self, x):
        first, second = (head(x.flatten(1)) for head in self.heads)
        return (first, self.drop_path(second)) if self.training else first


def test_an_auxiliary_head_learns_by_its_weight_and_drop_path_grows(monkeypatch):
    from trainables import networks

    def two(architecture, *, num_classes, in_channels, image_size):
        return TwoHeads(in_channels * image_size[0] * image_size[1], num_classes)

    monkeypatch.setattr(networks.NETWORKS, "_registered", {"two": two})

    def trained(weight):
        classifier = ImageClassifier(space="two", auxiliary_weight=weight, weight_decay=0.0)
        classifier.setup(Architecture({}), seed=0, max_epochs=2)
        before = classifier.network.heads[1].weight.clone()
        probabilities = []
        for _ in range(2):
            classifier.step()
            probabilities.append(classifier.network.drop_path.probability)
        return probabilities, (classifier.network.heads[1].weight - before).norm().item()

    probabilities, moved = trained(0.4)
    assert probabilities == [0.0, 0.25]
    assert moved > 0
    assert trained(0.0)[1] == 0


def test_ends_after_the_last_epoch():
    classifier = started(max_epochs=1)
    classifier.step()
    with pytest.raises(EndOfTraining):
        classifier.step()


@pytest.mark.slow
def test_seed_decides_every_number():
    once, again, other = (epochs(started(seed=seed), 2) for seed in (5, 5, 6))
    assert once == again
    assert once != other


@pytest.mark.slow
def test_setup_again_is_a_new_training():
    classifier = started()
    first = epochs(classifier, 2)
    classifier.setup(CELL, seed=0, max_epochs=3)
    assert epochs(classifier, 2) == first


def test_global_random_state_is_untouched():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    classifier = started()
    classifier.step()
    classifier.evaluate("test")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
def test_foreign_random_numbers_change_nothing():
    quiet = epochs(started(), 2)
    classifier = started()
    noisy = []
    for _ in range(2):
        torch.rand(7)
        noisy.append(classifier.step())
    assert noisy == quiet


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "adamw", "lr": 0.01, "flip": True, "cutout": 2, "ema": 0.9, "whole": True},
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in ({"optimizer": "adamw", "lr": 0.01}, {"flip": True, "cutout": 2}, {"ema": 0.9, "whole": True})
        ),
    ],
)
def test_resumed_training_is_bit_identical(tmp_path, settings):
    uninterrupted, first, second = (started(**settings) for _ in range(3))
    whole = epochs(uninterrupted, 3)
    epochs(first, 1)
    first.save(tmp_path)
    torch.manual_seed(99)
    second.load(tmp_path)
    assert epochs(second, 2) == whole[1:]
    assert second.evaluate("test") == uninterrupted.evaluate("test")
    with pytest.raises(EndOfTraining):
        second.step()


def test_random_layers_go_on_from_their_own_state(tmp_path, monkeypatch):
    from trainables import networks

    def dropping(architecture, *, num_classes, in_channels, image_size):
        linear = torch.nn.Linear(in_channels * image_size[0] * image_size[1], num_classes)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5), linear)

    monkeypatch.setattr(networks.NETWORKS, "_registered", {"dropping": dropping})

    def fresh():
        classifier = ImageClassifier(space="dropping")
        classifier.setup(Architecture({}), seed=0, max_epochs=3)
        return classifier

    whole = epochs(fresh(), 3)
    first = fresh()
    epochs(first, 1)
    first.save(tmp_path)
    second = fresh()
    second.load(tmp_path)
    assert epochs(second, 2) == whole[1:]


def test_session_goes_on_where_a_killed_one_stopped(tmp_path):
    def session():
        return TrialSession(ImageClassifier(**TINY), CELL, seed=0, max_epochs=3, folder=tmp_path)

    whole = epochs(started(), 3)
    session().advance()
    second = session()
    assert second.advance().metrics == whole[0]
    assert second.advance().metrics == whole[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "its seed is 0"),
        ({"max_epochs": 9}, "its max_epochs is 3"),
        ({"channels": 3}, "its network"),
        ({"lr": 0.3}, "its optimization.lr is 0.05"),
        ({"ema": 0.5}, "its ema"),
        ({"whole": True}, "its data.whole is False"),
        ({"data_seed": 4}, "its data.seed is 0"),
        ({"architecture": search_spaces.get("nb201").sample(0)}, "its architecture"),
    ],
)
def test_checkpoint_of_another_training_is_refused(tmp_path, change, message):
    started().save(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        started(**change).load(tmp_path)


def test_damaged_and_missing_checkpoints_are_refused(tmp_path):
    classifier = started()
    with pytest.raises(CheckpointError):
        classifier.load(tmp_path)
    classifier.save(tmp_path)
    file = tmp_path / "classifier.safetensors"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(CheckpointError):
        classifier.load(tmp_path)


def test_checkpoint_holds_no_pickle(tmp_path):
    started().save(tmp_path)
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_an_average_of_the_weights_is_judged_used_and_kept(tmp_path):
    plain, averaged = started(), started(ema=0.999)
    (raw,), (metrics,) = epochs(plain, 1), epochs(averaged, 1)
    assert metrics["train_loss"] == raw["train_loss"]
    assert metrics["loss"] != raw["loss"]
    weights = [next(classifier.network.parameters()) for classifier in (plain, averaged)]
    assert not torch.equal(*weights)
    averaged.save(tmp_path)
    again = started(ema=0.999)
    again.load(tmp_path)
    assert torch.equal(next(again.network.parameters()), weights[1])
    assert again.evaluate("test") == averaged.evaluate("test")


def test_the_whole_is_trained_on_and_nothing_is_validated():
    part, whole = started(), started(whole=True)
    train, held = (part._run.training.data.split(name) for name in ("train", "validation"))
    data = whole._run.training.data
    assert len(data.train) == len(train) + len(held)
    assert torch.equal(data.test.images, part._run.training.data.test.images)
    metrics = whole.step()
    assert "train_loss" in metrics
    assert not {"accuracy", "loss"} & set(metrics)
    assert set(whole.evaluate("test")) == {"accuracy", "loss"}
    with pytest.raises(DataError, match="learns from them too"):
        whole.evaluate("validation")


def older(folder):
    """Give a checkpoint the identity that it had before identities had a version; that had no averages at first."""
    state = read_tensors(folder, "classifier")
    named = state["of"]
    state["of"] = {name: named[name] for name in ("space", "architecture", "seed", "max_epochs", "network")} | {
        "data": "DataSettings(data='digits', root=None, download=False, image_column=None, label_column=None, "
        "resize=None, validation_share=0.2, test_share=0.2, seed=0)",
        "training": f"({named['batch_size']}, 0.1, 0.4, Views(augment=True, shift=None, flip=False, cutout=0), "
        "Optimization(optimizer='sgd', lr=0.05, weight_decay=0.0005, momentum=0.9, warmup=0.03, grad_clip=5.0, "
        "amp=False, lr_min=0.0, nesterov=True))",
    }
    write_tensors(folder, "classifier", state)


def test_an_older_checkpoint_still_loads(tmp_path):
    classifier, again = started(), started()
    classifier.step()
    classifier.save(tmp_path)
    older(tmp_path)
    again.load(tmp_path)
    assert again.step() == classifier.step()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.3}, "its training"),
        ({"ema": 0.5}, "its ema"),
        ({"whole": True}, "its whole"),
        ({"seed": 1}, "its seed"),
    ],
)
def test_an_older_checkpoint_of_another_training_is_refused(tmp_path, change, message):
    started().save(tmp_path)
    older(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        started(**change).load(tmp_path)


def test_the_cost_of_a_network_is_known_without_training_it():
    classifier = ImageClassifier(**TINY)
    counted = classifier.cost(CELL)
    classifier.setup(CELL, seed=0, max_epochs=1)
    assert counted == classifier._run.cost
    assert classifier.image_shape() == (1, 8, 8)


def test_chain_with_its_settings():
    classifier = ImageClassifier(space="chain", network={"width": 1 / 16}, batch_size=512)
    classifier.setup(search_spaces.get("chain").sample(1), seed=0, max_epochs=1)
    assert np.isfinite(classifier.step()["loss"])


def test_space_may_be_an_object():
    assert started(space=search_spaces.get("nb201")).step() == started().step()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "sdg"}, "did you mean 'sgd'"),
        ({"lr": 0}, "lr is 0; it must be a number above 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr": "0.1"}, "lr is '0.1'"),
        ({"weight_decay": -1e-9}, "weight_decay is -1e-09; it must be a number at least 0"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"batch_size": 2.5}, "whole number"),
        ({"channels": 0}, "channels is 0"),
        ({"space": "chain", "cells": 3}, "no setting 'cells'"),
        ({"space": "nb20"}, "nb201"),
        ({"network": {"depth": 3}}, "no setting 'depth'"),
        ({"label_smoothing": 2}, "label_smoothing"),
        ({"momentum": 1}, "momentum"),
        ({"shift": -1}, "shift"),
        ({"flip": 1}, "true or false"),
        ({"amp": "yes"}, "amp"),
        ({"device": "gpu"}, "device is 'gpu'"),
        ({"validation_share": 1}, "validation_share"),
    ],
)
def test_wrong_settings_are_refused_at_once(settings, message):
    with pytest.raises((TrainableError, LookupError), match=message):
        ImageClassifier(**settings)


def test_construction_loads_no_data():
    classifier = ImageClassifier(data="no_such_data_set.npz")
    with pytest.raises(DataError, match="no_such_data_set"):
        classifier.setup(CELL, seed=0, max_epochs=1)


def test_absent_gpu_is_refused_at_setup():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(TrainableError, match="give cpu or auto"):
        started(device="cuda")


def test_use_before_setup_is_refused(tmp_path):
    for move in (lambda c: c.step(), lambda c: c.save(tmp_path), lambda c: c.evaluate("test")):
        with pytest.raises(TrainableError, match="setup"):
            move(ImageClassifier())


def test_mixed_precision_changes_nothing_on_a_cpu():
    assert epochs(started(amp=True, device="cpu"), 1) == epochs(started(device="cpu"), 1)


def test_mixed_precision_learns_on_cuda():
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA GPU here")
    classifier = started(max_epochs=4, amp=True, channels=8, batch_size=32)
    assert epochs(classifier, 4)[-1]["accuracy"] > 0.9


def test_learning_rate_rises_and_falls():
    settings = Optimization(lr=0.4, warmup=0.25)
    rates = [settings.rate(step / 100) for step in range(101)]
    assert rates[0] == 0
    assert max(rates) == rates[25] == 0.4
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)
    assert rates[100] == pytest.approx(0)
    assert Optimization(lr=0.4, warmup=0).rate(0) == 0.4


@pytest.mark.slow
def test_augmentation_is_off_where_asked():
    plain = epochs(started(augment=False), 1)
    assert plain == epochs(started(augment=False, shift=2, flip=True, cutout=3), 1)
    assert plain == epochs(started(shift=0), 1)
    assert plain != epochs(started(), 1)


def test_checksum_speaks_of_the_images_alone():
    assert ImageClassifier().data_checksum() == ImageClassifier(data_seed=3).data_checksum()


def test_the_cosine_ends_where_it_is_told():
    settings = Optimization(lr=0.4, warmup=0, lr_min=0.1)
    assert settings.rate(0.5) == pytest.approx(0.25)
    assert settings.rate(1) == pytest.approx(0.1)
    with pytest.raises(TrainableError, match=r"lr_min is 0\.5"):
        Optimization(lr=0.4, lr_min=0.5)


def test_steps_are_what_the_optimizer_will_do():
    layer = torch.nn.Linear(3, 2)
    settings = Optimization(lr=0.1, warmup=0, grad_clip=0, nesterov=False, weight_decay=0.01)
    optimizer = Optimizer(layer, settings, torch.device("cpu"))
    images = torch.rand(4, 3)
    for _ in range(3):
        loss = layer(images).square().sum()
        steps = optimizer.steps(list(torch.autograd.grad(loss, list(layer.parameters()), retain_graph=True)))
        expected = [weight - 0.1 * step for weight, step in zip(layer.parameters(), steps, strict=True)]
        optimizer.descend(loss, 0.0)
        assert all(map(torch.allclose, layer.parameters(), expected))
    assert Optimizer(layer, Optimization("adamw"), torch.device("cpu")).steps(expected) is expected
