"""A trained supernet scores architectures, hands out networks, and goes on with other images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import search_spaces
from search_spaces import Architecture, real
from search_spaces.errors import ArchitectureError
from search_spaces.nn import freeze
from trainables.data import Split
from trainables.errors import CheckpointError, EndOfTraining, TrainableError
from trainables.protocol import Deciding, Sharing
from trainables.registry import adapt
from trainables.supernet.estimator import Chosen, SharedWeights, spread_rows
from trainables.supernet.statistics import recalibrated
from trainables.supernet.trainable import DartsTrainable
from trainables.trial.checkpoint import write_tensors

NONE = Architecture({})
GOOD = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
BROKEN = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
SETTINGS = {
    "space": "nb201",
    "channels": 4,
    "cells": 1,
    "network": {"operations": ["none", "skip_connect", "nor_conv_3x3"]},
    "method": "spos",
    "method_settings": {"population": 2, "generations": 0},
    "batch_size": 32,
    "validation_share": 0.2,
    "lr": 0.05,
    "augment": False,
    "device": "cpu",
}
SPACE = search_spaces.get("nb201", operations=["none", "skip_connect", "nor_conv_3x3"])


@pytest.fixture(scope="module")
def trained():
    """The search in a supernet that saw the digits twice."""
    search = DartsTrainable(**SETTINGS)
    search.setup(NONE, seed=0, max_epochs=2)
    found = [search.step() for _ in range(2)][-1]
    assert SPACE.contains(search.architecture)
    assert found["discrete_accuracy"] > 0
    return search


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    """Its checkpoint."""
    made = tmp_path_factory.mktemp("supernet")
    trained.save(made)
    return made


@pytest.fixture
def shared(folder):
    return SharedWeights(checkpoint=str(folder), device="cpu")


def scored(shared, cell):
    shared.setup(SPACE.from_string(cell), seed=0, max_epochs=5)
    return shared.step()


@pytest.mark.slow
def test_scores_tell_good_from_broken_and_repeat_themselves(shared):
    first, broken, again = (scored(shared, cell) for cell in (GOOD, BROKEN, GOOD))
    assert first == again
    assert first["accuracy"] > 0.3 > 0.2 > broken["accuracy"]


def test_it_scores_by_the_weights_that_were_trained(trained, shared):
    own = trained.supernet.state_dict()
    assert len(own) > 20
    for name, weight in shared.scorer.supernet.named_parameters():
        assert torch.equal(weight, own[name]), name


def test_an_architecture_is_scored_once(shared):
    scored(shared, GOOD)
    with pytest.raises(EndOfTraining):
        shared.step()


def test_the_score_is_that_of_the_calibrated_frozen_network(shared):
    member = SPACE.from_string(GOOD)
    loss = scored(shared, GOOD)["loss"]
    data, supernet = shared.scorer.data, shared.scorer.supernet
    frozen = freeze(supernet.module, member)
    images, _ = data.train.rows(spread_rows(data.train, 256, data.device))
    with recalibrated(frozen, lambda: frozen(data.normalize(images))), torch.no_grad():
        expected = torch.nn.functional.cross_entropy(
            frozen(data.normalize(data.validation.images)), data.validation.labels
        )
    assert loss == pytest.approx(expected.item(), rel=1e-4)
    network = shared.network
    with torch.no_grad():
        logits = network(data.normalize(data.validation.images))
    assert torch.nn.functional.cross_entropy(logits, data.validation.labels).item() == pytest.approx(loss, rel=1e-4)


def test_some_images_score_and_all_evaluate(folder):
    few = SharedWeights(checkpoint=str(folder), images=40, device="cpu")
    first, again = scored(few, GOOD), scored(few, GOOD)
    data = few.scorer.data
    part, whole = (few.scorer.score(SPACE.from_string(GOOD), split) for split in (part_of(data), data.validation))
    assert first == again == {"accuracy": part["accuracy"], "loss": part["loss"]}
    assert first["loss"] != whole["loss"]
    assert few.evaluate("validation") == {"accuracy": whole["accuracy"], "loss": whole["loss"]}
    with pytest.raises(TrainableError, match="images is 0"):
        SharedWeights(checkpoint=str(folder), images=0)


def part_of(data):
    return Chosen(data.validation, spread_rows(data.validation, 40, data.device))


def test_images_are_spread_over_classes_that_are_in_order():
    labels = torch.arange(10).repeat_interleave(30)
    split = Split(torch.arange(300).view(300, 1, 1, 1), labels)
    rows = spread_rows(split, 40, torch.device("cpu"))
    assert labels[rows].bincount().tolist() == [4] * 10
    assert len(rows.unique()) == 40
    assert torch.equal(spread_rows(split, 1_000, torch.device("cpu")), torch.arange(300))


def test_one_reads_the_supernet_for_all(folder, tmp_path):
    expected = scored(SharedWeights(checkpoint=str(folder), device="cpu"), GOOD)
    read = SharedWeights(checkpoint=str(folder), device="cpu").load_shared()
    elsewhere = SharedWeights(checkpoint=str(tmp_path / "nowhere"), device="cpu")
    assert isinstance(elsewhere, Sharing)
    elsewhere.take_shared(read)
    elsewhere.check()
    assert scored(elsewhere, GOOD) == expected
    with pytest.raises(CheckpointError, match="does not exist"):
        SharedWeights(checkpoint=str(tmp_path / "nowhere")).load_shared()


def test_it_is_known_as_shared(folder):
    shared = adapt("shared", {"checkpoint": str(folder), "space": "nb201"})
    shared.check()
    shared.setup(SPACE.from_string(GOOD), seed=1, max_epochs=1)
    assert set(shared.step()) == {"accuracy", "loss"}
    assert set(shared.evaluate("test")) == {"accuracy", "loss"}


def test_what_is_no_supernet_is_refused_before_anything(folder, tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        SharedWeights(checkpoint=str(tmp_path)).check()
    with pytest.raises(CheckpointError, match="space nb201, and the architectures are of darts; train"):
        SharedWeights(checkpoint=str(folder), space="darts").check()
    write_tensors(tmp_path, "search", {"of": "something"})
    with pytest.raises(CheckpointError, match="holds no supernet"):
        SharedWeights(checkpoint=str(tmp_path)).check()


def test_no_member_of_the_supernets_space(shared):
    other = search_spaces.get("nb201").from_string(GOOD.replace("none", "avg_pool_3x3"))
    with pytest.raises(ArchitectureError, match="avg_pool_3x3"):
        shared.setup(other, seed=0, max_epochs=1)


def test_settings_of_a_training_that_the_space_decides_are_refused(folder):
    shared = SharedWeights(checkpoint=str(folder), space="nb201")
    shared.check_decisions(SPACE)
    assert isinstance(shared, Deciding)
    with pytest.raises(TrainableError, match=r"lr is decided by the space, .* leave lr out of the space, or take"):
        shared.check_decisions(SPACE.beside(lr=real(1e-3, 0.1, log=True)))


@pytest.fixture
def pictures(tmp_path):
    """Three classes of grey 8x8 images, and the folder that they are in."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    np.savez(
        tmp_path / "three.npz", x=(rng.random((120, 8, 8)) * 80 + 80 * labels[:, None, None]).astype("uint8"), y=labels
    )
    return tmp_path


def test_a_supernet_goes_on_with_other_images(trained, folder, pictures, tmp_path):
    before = trained.supernet.state_dict()
    search = DartsTrainable(**{**SETTINGS, "data": "three.npz", "data_root": str(pictures), "start_from": str(folder)})
    search.setup(NONE, seed=1, max_epochs=1)
    after = search.supernet.state_dict()
    assert after["module.classifier.weight"].shape[0] == 3
    kept = [name for name in before if name.startswith("module.") and "classifier" not in name]
    assert all(torch.equal(after[name], before[name]) for name in kept)
    assert search.step()["train_loss"] < 1.5
    (tmp_path / "made").mkdir()
    search.save(tmp_path / "made")
    (tmp_path / "moved").mkdir()
    (tmp_path / "three.npz").rename(tmp_path / "moved" / "three.npz")
    moved = SharedWeights(checkpoint=str(tmp_path / "made"), data_root=str(tmp_path / "moved"), device="cpu")
    assert scored(moved, GOOD)["loss"] > 0


def test_an_equal_number_of_classes_gets_a_new_head_too(trained, folder):
    before = trained.supernet.module
    search = DartsTrainable(**{**SETTINGS, "start_from": str(folder)})
    search.setup(NONE, seed=1, max_epochs=1)
    after = search.supernet.module
    assert not torch.equal(after.classifier.weight, before.classifier.weight)
    assert torch.equal(after.stem[0].weight, before.stem[0].weight)


def test_another_network_is_no_start(folder, tmp_path):
    wide = DartsTrainable(**{**SETTINGS, "channels": 8, "start_from": str(folder)})
    with pytest.raises(CheckpointError, match=r"has the shape \(8, 1, 3, 3\) here and \(4, 1, 3, 3\) there"):
        wide.setup(NONE, seed=0, max_epochs=1)
    other = DartsTrainable(
        **{**SETTINGS, "network": {"operations": ["none", "nor_conv_1x1"]}, "start_from": str(folder)}
    )
    with pytest.raises(CheckpointError, match=r"is of another supernet: .*build both with the same space and network"):
        other.setup(NONE, seed=0, max_epochs=1)
    nothing = DartsTrainable(**{**SETTINGS, "start_from": str(tmp_path)})
    with pytest.raises(CheckpointError, match="does not exist"):
        nothing.setup(NONE, seed=0, max_epochs=1)


def test_the_command_by_which_options_were_measured_is_not_called_again(tmp_path):
    (tmp_path / "device.sh").write_text(f"touch {tmp_path / 'called'}\nprintf 0.5\n")
    device = {"engine": "command", "command": f"sh {tmp_path / 'device.sh'}"}
    search = DartsTrainable(
        **{**SETTINGS, "method": "proxylessnas", "method_settings": {"costs": "latency", "measured_on": device}}
    )
    search.setup(NONE, seed=0, max_epochs=1)
    assert (tmp_path / "called").exists()
    search.save(tmp_path)
    (tmp_path / "called").unlink()
    shared = SharedWeights(checkpoint=str(tmp_path))
    assert shared.scorer.supernet.method.table == search.supernet.method.table != {}
    assert not (tmp_path / "called").exists()
