"""Processes that train together end with one network, which is that of a process alone where nothing forbids it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from search_spaces import Architecture
from tests.trainables.training.together import together
from trainables import networks
from trainables.errors import GroupLostError, TrainableError
from trainables.networks.base import DropPath
from trainables.protocol import is_parallel
from trainables.tasks.image_classifier import ImageClassifier
from trainables.training.parallel import ALONE, Group
from trainables.trial.session import TrialSession

NORMED: dict[str, Any] = {"space": "normed", "batch_size": 254, "cutout": 2, "ema": 0.9, "whole": True}
PLAIN: dict[str, Any] = {"space": "plain", "batch_size": 97, "cutout": 2, "ema": 0.9}


class Plain(torch.nn.Module):
    """Two layers on the pixels, without any norm, and one that nothing goes through."""

    def __init__(self, architecture: object, num_classes: int, in_channels: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        pixels = in_channels * image_size[0] * image_size[1]
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(pixels, 16), torch.nn.ReLU(), torch.nn.Linear(16, num_classes)
        )
        self.dead = torch.nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(x.flatten(1))
        return logits


class Normed(Plain):
    """The same behind a batch norm, with drop path and an auxiliary head."""

    def __init__(self, architecture: object, num_classes: int, in_channels: int, image_size: tuple[int, int]) -> None:
        super().__init__(architecture, 9, in_channels, image_size)
        self.norm, self.drop = torch.nn.BatchNorm1d(9), DropPath(0.3)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(9, num_classes) for _ in range(2))

    def forward(self, x: torch.Tensor) -> Any:
        features = self.norm(super().forward(x))
        return (
            (self.heads[0](self.drop(features)), self.heads[1](features)) if self.training else self.heads[0](features)
        )


def joined(settings: dict[str, Any], kind: type[ImageClassifier] = ImageClassifier) -> ImageClassifier:
    """One of this group; in a process that lives for one test."""
    for builder in (Plain, Normed):
        networks.register(builder.__name__.lower(), builder, replace=True)
    made = kind(**settings)
    made.join(Group.here())
    return made


def weights(made: ImageClassifier) -> dict[str, list[float]]:
    return {name: tensor.flatten().tolist() for name, tensor in made.network.state_dict().items()}


def trained(settings: dict[str, Any], epochs: int, load: str = "", save: str = "") -> tuple[list[Any], Any]:
    """Reports of `epochs` more epochs and a test, and the weights then."""
    made = joined(settings)
    made.setup(Architecture({}), seed=0, max_epochs=3)
    if load:
        made.load(Path(load))
    reports = [made.step() for _ in range(epochs)]
    if save and Group.here().rank == 0:
        made.save(Path(save))
    return [*reports, made.evaluate("test")], weights(made)


def assert_close(some: list[dict[str, float]], others: list[dict[str, float]], apart: float) -> None:
    for one, other in zip(some, others, strict=True):
        assert one == pytest.approx(other, abs=apart)


@pytest.mark.slow
def test_without_batch_norm_two_train_what_one_does(tmp_path: Path) -> None:
    # Of 97 images one gets 48 and the other 49; each sees them as a process alone would.
    (one, of_one), (other, of_other) = together(tmp_path, trained, PLAIN, 2)
    ((alone, of_alone),) = together(tmp_path, trained, PLAIN, 2, size=1)
    assert one == other
    assert of_one == of_other
    assert_close(one, alone, 1e-5)
    for name, values in of_alone.items():
        assert values == pytest.approx(of_one[name], abs=1e-5)
    assert alone[0]["train_loss"] > alone[1]["train_loss"]


@pytest.mark.slow
def test_with_it_all_end_with_the_same_weights_and_statistics_and_a_resume_changes_nothing(tmp_path: Path) -> None:
    half = tmp_path / "half"
    half.mkdir()
    (whole, of_whole), (other, of_other) = together(tmp_path, trained, NORMED, 3)
    assert (whole, of_whole) == (other, of_other)
    assert any(name.endswith("running_var") for name in of_whole)
    together(tmp_path, trained, NORMED, 1, "", str(half))
    (rest, of_rest), (rest_of_other, _) = together(tmp_path, trained, NORMED, 2, str(half))
    assert rest == rest_of_other == whole[1:]
    assert of_rest == of_whole


@pytest.mark.slow
def test_a_checkpoint_of_two_is_one_of_a_process_alone_and_the_reverse(tmp_path: Path) -> None:
    ((whole, _),) = together(tmp_path, trained, PLAIN, 3, size=1)
    for first, second in ((2, 1), (1, 2)):
        folder = tmp_path / f"of-{first}"
        folder.mkdir()
        together(tmp_path, trained, PLAIN, 1, "", str(folder), size=first)
        for found, _ in together(tmp_path, trained, PLAIN, 2, str(folder), size=second):
            assert_close(found, whole[1:], 1e-5)


class Failing(ImageClassifier):
    """One of its processes raises in the second epoch, while the others wait for its gradients."""

    def step(self) -> dict[str, float | int]:
        if self._run.training.epoch == 1 and self._group.rank == 1:
            raise RuntimeError("one of us stumbled")
        return super().step()


def advanced(folder: str) -> list[tuple[int, str | None]]:
    """Epochs and failures of a session that goes on until it fails."""
    made, writes = joined(PLAIN, Failing), Group.here().rank == 0
    session = TrialSession(made, Architecture({}), seed=0, max_epochs=3, folder=Path(folder), writes=writes)
    outcomes = [session.advance()]
    while not outcomes[-1].finished:
        outcomes.append(session.advance())
    return [(one.epoch, None if one.failure is None else one.failure.kind) for one in outcomes]


@pytest.mark.slow
def test_one_that_fails_keeps_nobody_waiting_and_the_others_know_that_it_was_not_they(tmp_path: Path) -> None:
    first, second = together(tmp_path, advanced, str(tmp_path / "trial"))
    assert second == [(1, None), (1, "error")]
    assert first == [(1, None), (1, "lost")]
    assert [folder.name for folder in (tmp_path / "trial").iterdir()] == ["epoch-000001"]


def stepped() -> str:
    """What process 1 says where it stands one epoch behind."""
    group = Group.here()
    try:
        group.check_same("epoch", 5 - group.rank, torch.device("cpu"))
    except GroupLostError as error:
        return str(error)
    return ""


@pytest.mark.slow
def test_who_stands_elsewhere_does_not_go_on(tmp_path: Path) -> None:
    assert together(tmp_path, stepped) == ["", "process 1 has epoch 4, process 0 has 5; start anew"]


def of_three() -> tuple[list[Any], list[Any], list[Any]]:
    """A sum, a mean and the tensors of process 0, of three processes and several dtypes."""
    group = Group.here()
    summed = [torch.full((2, 2), float(group.rank)), torch.tensor(group.rank), torch.ones(3).bfloat16()]
    group.sum_(summed)
    mean = [torch.tensor([1.0, 2.0]) * group.rank]
    group.mean_(mean)
    first = [torch.tensor([True, False]) if group.rank == 0 else torch.tensor([False, False]), torch.tensor(group.rank)]
    group.equalize_(first)
    return tuple([tensor.tolist() for tensor in given] for given in (summed, mean, first))  # type: ignore[return-value]


@pytest.mark.slow
def test_sums_means_and_equal_tensors(tmp_path: Path) -> None:
    expected = ([[[3.0, 3.0], [3.0, 3.0]], 3, [3.0] * 3], [[1.0, 2.0]], [[True, False], 0])
    assert together(tmp_path, of_three, size=3) == [expected] * 3


@pytest.mark.parametrize(("count", "size"), [(97, 2), (512, 3), (4, 4), (2, 3)])
def test_shares_are_everything_once_and_even(count: int, size: int) -> None:
    parts = [list(range(count))[Group(rank, size).share(count)] for rank in range(size)]
    assert [one for part in parts for one in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert max(map(len, parts)) == math.ceil(count / size)


def test_what_cannot_be_trained_together_says_so() -> None:
    assert is_parallel(ImageClassifier())
    with pytest.raises(TrainableError, match=r"batch_size is 5, of which 3 devices .* give at least 6"):
        ImageClassifier(batch_size=5).join(Group(0, 3))
    with pytest.raises(TrainableError, match=r"device is 'cuda:1', and 2 processes .* one of auto, cpu, cuda"):
        ImageClassifier(device="cuda:1").join(Group(1, 2))
    ImageClassifier(device="cuda:1", batch_size=2).join(ALONE)
