"""The search learns, repeats itself, goes on from a checkpoint to the last bit, and says when it collapses."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
import torch

from search_spaces import Architecture
from search_spaces.errors import UnknownNameError
from tests.trainables.supernet.toys import SOFT
from trainables.errors import CheckpointError, DataError, EndOfTraining, TrainableError
from trainables.protocol import Evaluating, Searching, Telling, Trainable
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.image_classifier import ImageClassifier
from trainables.trial.session import TrialSession

NONE = Architecture({})
FAST = {"space": "edges", "batch_size": 128, "device": "cpu"}


def started(seed=0, max_epochs=3, architecture=NONE, **settings):
    search = DartsTrainable(**{**FAST, **settings})
    search.setup(architecture, seed=seed, max_epochs=max_epochs)
    return search


def epochs(search, count):
    return [search.step() for _ in range(count)]


def test_follows_the_protocols(edges):
    search = DartsTrainable(space=edges)
    assert all(isinstance(search, port) for port in (Trainable, Evaluating, Searching, Telling))
    assert search.architecture is None
    assert search.genotype == ""


def test_the_supernet_evaluates_whenever_it_is_looked_at(edges):
    search = started(batch_size=256)
    for work in (lambda: None, search.step, search.search.train_epoch, lambda: search.search.tune(1)):
        work()
        assert not any(module.training for module in search.supernet.modules())


def test_learns_digits_and_reports_what_it_promises(edges):
    search = started(max_epochs=3, lr=0.3, batch_size=32, augment=False)
    seen = epochs(search, 3)
    metrics = seen[-1]
    cosine = [0.001 + 0.299 * (1 + math.cos(math.pi * epoch / 3)) / 2 for epoch in (1, 2, 3)]
    assert [found["lr"] for found in seen] == pytest.approx(cosine)
    assert metrics["accuracy"] > 0.6
    assert set(metrics) == {
        "accuracy", "loss", "train_loss", "train_accuracy", "discrete_accuracy", "gap", "entropy", "skips",
        "collapsed", "changed", "lr", "parameters", "supernet_parameters",
    }  # fmt: skip
    assert {type(value) for value in metrics.values()} == {int, float}
    assert metrics["gap"] == metrics["accuracy"] - metrics["discrete_accuracy"]
    assert metrics["lr"] == pytest.approx(0.001)
    assert 0 < metrics["entropy"] < torch.tensor(2.0).log().item()
    assert search.supernet.space.contains(search.architecture)
    assert json.loads(search.genotype) == search.architecture.tree
    assert search.evaluate("test")["accuracy"] > 0.6
    with pytest.raises(EndOfTraining):
        search.step()


@pytest.mark.parametrize("order", ["first", "second", "exact"])
def test_architecture_learns_from_its_half_only_after_the_warmup(edges, order):
    search = started(order=order, warmup_epochs=1)
    before = [p.detach().clone() for p in search.supernet.architecture_parameters()]
    search.step()
    assert all(map(torch.equal, before, search.supernet.architecture_parameters()))
    search.step()
    assert not any(map(torch.equal, before, search.supernet.architecture_parameters()))


def test_gradients_of_the_weights_are_clipped(edges):
    settings = {"lr": 0.5, "grad_clip": 1e-3, "weight_decay": 0.0, "momentum": 0.0, "batch_size": 256}
    search = started(max_epochs=100, **settings)
    before = torch.nn.utils.parameters_to_vector(search.supernet.weight_parameters()).detach().clone()
    search.step()
    moved = (torch.nn.utils.parameters_to_vector(search.supernet.weight_parameters()) - before).norm().item()
    steps = len(search.search.data.train) // 256
    assert 0 < moved <= steps * 0.5 * 1e-3 * 1.001


RESUMED = {
    **{name: {"method": name} for name in SOFT if name != "pcdarts"},
    "pdarts": {"method": "pdarts", "method_settings": {"added": [0, 1, 1], "options": [2, 1]}},
    "second": {"order": "second"},
    "exact, beta": {"order": "exact", "regularizer": "beta", "regularization": 1.0},
    "perturbation": {"selection": "perturbation", "tune_steps": 1},
    "eigenvalue": {"eigenvalue": True, "stop_on_collapse": True, "collapse_share": 0.9},
}


@pytest.mark.parametrize("name", list(RESUMED))
def test_every_method_resumes_to_the_last_bit(edges, name, tmp_path):
    settings = {**RESUMED[name], "batch_size": 256}
    whole = started(**settings)
    epochs(whole, 2)
    whole.save(tmp_path)
    rest = whole.step()
    again = started(**settings)
    again.load(tmp_path)
    assert again.step() == rest
    assert again.architecture == whole.architecture
    for name, value in whole.supernet.state_dict().items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, again.supernet.state_dict()[name]), name


def test_the_seed_decides_every_number(edges):
    once, again, other = (started(seed=seed, method="snas").step() for seed in (5, 5, 6))
    assert once == again != other


@pytest.mark.slow
def test_pcdarts_searches_its_own_network(tmp_path):
    settings = {"space": "darts", "method": "pcdarts", "channels": 4, "layers": 3, "batch_size": 512}
    settings["network"] = {"nodes": 1, "operations": ["skip_connect", "max_pool_3x3"]}
    whole = started(max_epochs=2, warmup_epochs=0, **settings)
    assert whole.supernet.module.cells[0].nodes[0].layers[0].parts == 4
    whole.step()
    whole.save(tmp_path)
    again = started(max_epochs=2, warmup_epochs=0, **settings)
    again.load(tmp_path)
    assert again.step() == whole.step()
    assert again.genotype.startswith("Genotype(normal=[(")
    written = json.loads((tmp_path / "architecture.json").read_text())
    assert written["space"] == "darts"
    assert set(written["architecture"]) == {"normal", "reduce"}


def test_global_random_state_is_untouched(edges):
    before = torch.get_rng_state()
    search = started(method="drnas")
    search.step()
    search.evaluate("test")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_space_built_to_collapse_raises_the_alarm_and_ends_the_search(edges, tmp_path):
    settings = {"network": {"noisy": "linear"}, "architecture_lr": 0.1, "batch_size": 64}
    search = started(max_epochs=9, eigenvalue=True, **settings)
    seen = epochs(search, 3)
    assert [metrics["collapsed"] for metrics in seen] == [0, 1, 1]
    assert seen[-1]["skips"] == 4
    assert seen[-1]["entropy"] < seen[0]["entropy"]
    assert "eigenvalue" in seen[0]
    notes = search.notes()
    assert notes == ["the search has collapsed at epoch 2: 100% of the operations are skip connections"]
    assert search.notes() == []

    session = TrialSession(DartsTrainable(**{**FAST, **settings, "stop_on_collapse": True}), NONE, seed=0, max_epochs=9)
    outcomes = [session.advance() for _ in range(3)]
    assert [outcome.finished for outcome in outcomes] == [False, False, True]
    assert outcomes[1].notes[0].endswith("the search ends here")
    assert outcomes[2].failure is None


@pytest.mark.slow
def test_a_search_that_is_stopped_keeps_what_was_sound(edges, monkeypatch):
    settings = {"network": {"noisy": "linear"}, "architecture_lr": 5e-5, "collapse_share": 0.9, "batch_size": 64}
    plain, stopping = started(max_epochs=9, **settings), started(max_epochs=9, stop_on_collapse=True, **settings)
    seen = [(plain.step()["skips"], plain.architecture) for _ in range(7)]
    crowded = [skips == 4 for skips, _ in seen]
    first = crowded.index(True)
    assert first > 0
    assert crowded[first + 1]
    judged = []
    evaluate_member = stopping.search.evaluate_member
    monkeypatch.setattr(
        stopping.search, "evaluate_member", lambda found, split: judged.append(found) or evaluate_member(found, split)
    )
    for _ in range(first + 2):
        stopping.step()
    with pytest.raises(EndOfTraining):
        stopping.step()
    assert stopping.architecture == seen[first - 1][1] != seen[first][1]
    # What is reported is of that one, too.
    assert judged[-1] == stopping.architecture


def test_a_sound_space_raises_none(edges):
    found = epochs(started(network={"noisy": "skip_connect"}, architecture_lr=0.1, batch_size=64), 3)
    assert found[-1]["skips"] == 0
    assert not any(metrics["collapsed"] for metrics in found)


def test_the_network_found_and_the_supernet_are_counted_apart(edges):
    search = started(batch_size=64)
    report = search.step()
    linear = 16 * 16 + 16
    chosen = list(search.architecture.tree.values()).count("linear")
    assert report["supernet_parameters"] == sum(w.numel() for w in search.search.supernet.weight_parameters())
    assert report["parameters"] == report["supernet_parameters"] - (4 - chosen) * linear


def test_pdarts_grows_and_leaves_options_behind(edges):
    search = started(method="pdarts", method_settings={"added": [0, 1, 3], "options": [2, 1], "most_skips": 9})
    weights = [search.step()["supernet_parameters"] for _ in range(3)]
    step = 16 * 16 + 16
    assert [later - weights[0] for later in weights] == [0, step, 3 * step]
    kept = search.supernet.method.kept
    assert {len(left) for left in kept.values()} == {1}
    assert search.architecture.tree == {name: ("skip_connect", "linear")[left[0]] for name, left in kept.items()} | {
        name: value for name, value in search.architecture.tree.items() if name not in kept
    }
    with pytest.raises(TrainableError, match="2 epochs for the 3 stages"):
        started(method="pdarts", max_epochs=2)


def test_selection_by_perturbation_comes_in_the_end(edges):
    plain = started(max_epochs=2, lr=0.1, regularizer="l2", regularization=1.0)
    tuned = {"selection": "perturbation", "tune_steps": 1}
    other = started(max_epochs=2, lr=0.1, regularizer="l2", regularization=1.0, **tuned)
    assert plain.step() == other.step()
    assert other.step()["discrete_accuracy"] > 0
    assert other.supernet.space.contains(other.architecture)


def test_settings_may_come_as_an_architecture(edges):
    by_tree = started(architecture=Architecture({"method": "fairdarts", "architecture_lr": 0.01}))
    assert by_tree.step() == started(method="fairdarts", architecture_lr=0.01).step()
    with pytest.raises(TrainableError, match="takes no setting 'normal'"):
        started(architecture=Architecture({"normal": {}}))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"method": "dart"}, "did you mean 'darts'"),
        ({"method": "pcdarts"}, "needs a network with the setting 'partial'"),
        ({"method": "gdas", "eigenvalue": True}, "computes one"),
        ({"method": "gdas", "method_settings": {"temperatur": 1}}, "takes no setting"),
        ({"order": "third"}, "order is 'third'"),
        ({"lr": 0}, "lr is 0"),
        ({"warmup_epochs": -1}, "warmup_epochs is -1"),
        ({"selection": "best"}, "selection is 'best'"),
        ({"regularizer": "bta"}, "did you mean 'beta'"),
        ({"network": {"nope": 1}}, "takes no setting 'nope'"),
        ({"network": 3}, "network is 3; it must be settings by name"),
        ({"method_settings": [1]}, r"method_settings is \[1\]; it must be settings by name"),
        ({"method": "spos", "order": "second"}, "order is 'second', and spos has no gradients"),
        ({"space": "darts", "layers": 2}, "layers is 2; a search network of darts has cells of both kinds from 3"),
        ({"space": "chain"}, "chain has no supernet.*: darts, detnas, dints, enas_recurrent, mobilenetv3, nb201"),
        ({"space": "recurrent"}, "networks of recurrent take sequences of tokens and no images"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_loaded(edges, settings, match):
    with pytest.raises(TrainableError, match=match):
        DartsTrainable(**{**FAST, **settings})


def test_data_that_are_not_there_or_too_few_are_refused(edges, tmp_path):
    import numpy as np

    with pytest.raises(UnknownNameError):
        DartsTrainable(space="nowhere")
    with pytest.raises(DataError):
        DartsTrainable(**FAST, data="no/such/file.npz").check()
    np.savez(tmp_path / "few.npz", x=np.zeros((4, 8, 8), np.uint8), y=np.array([0, 0, 1, 1]))
    with pytest.raises(DataError, match="each split needs one"):
        started(data=str(tmp_path / "few.npz"))


@pytest.mark.slow
def test_what_is_found_is_trained_like_any_other():
    search = started(space="nb201", channels=2, cells=1, batch_size=512, max_epochs=1)
    search.step()
    training = ImageClassifier(space="nb201", channels=2, cells=1, batch_size=512, device="cpu")
    training.setup(search.architecture, seed=0, max_epochs=1)
    assert 0 < training.step()["accuracy"] <= 1


def test_checkpoints_of_other_searches_are_refused(edges, tmp_path):
    search = started()
    search.step()
    search.save(tmp_path)
    with pytest.raises(CheckpointError, match="its network is"):
        started(network={"count": 3}).load(tmp_path)
    with pytest.raises(CheckpointError, match="of another training: its space is 'edges', this one's 'nb201'"):
        started(space="nb201", channels=2).load(tmp_path)
    with pytest.raises(CheckpointError, match=r"start_from is .*; a search does not exist there"):
        started(start_from=str(tmp_path / "nowhere"))
    with pytest.raises(CheckpointError, match="its seed is 0"):
        started(seed=1).load(tmp_path)
    with pytest.raises(TrainableError, match="before setup"):
        DartsTrainable(**FAST).step()


@pytest.mark.slow
@pytest.mark.skipif("NAS_TUNE_DATA" not in os.environ, reason="CIFAR-10 is found through NAS_TUNE_DATA")
def test_cifar10_is_taken_where_it_is(edges):
    if not any(Path(os.environ["NAS_TUNE_DATA"]).glob("cifar10*")):
        pytest.skip("no CIFAR-10 below NAS_TUNE_DATA")
    DartsTrainable(data="cifar10").check()
