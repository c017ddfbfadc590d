"""One training, of tasks that can be followed by hand: what it trains on, in which order, and what it reports."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.trainables.training.lines import CPU, Lines, Ordered, made
from trainables.errors import DivergedError
from trainables.training.loop import judged


class Scaled(nn.Module):
    """x to w x. It notes its inputs, and the mode that it is in."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weight]))
        self.seen: list[list[float]] = []
        self.modes: list[bool] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen.append(inputs.flatten().tolist())
        self.modes.append(self.training)
        return inputs * self.weight


class Summing(nn.Module):
    """A recurrent network: its state is the sum of what it has seen. It notes what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.seen: list[tuple[list[float], list[float] | None]] = []

    def unroll(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.seen.append((inputs.flatten().tolist(), None if state is None else state.flatten().tolist()))
        total = inputs + (0.0 if state is None else state)
        return total * self.weight, total

    def forward(self, inputs: Tensor) -> Tensor:
        return self.unroll(inputs)[0]


class TwoHeads(Lines):
    """The outputs of an auxiliary head stand beside those that count."""

    def heads(self, outputs: tuple[Tensor, Tensor]) -> tuple[Tensor, list[Tensor]]:
        return outputs[0], [outputs[1]]


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main, self.other = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        return inputs * self.main, inputs * self.other


def test_an_epoch_sees_each_example_once_but_for_a_rest_that_fills_no_batch() -> None:
    network = Scaled()
    training = made(network, Lines(), batch_size=4)
    training.train_epoch()
    (batch,) = network.seen
    assert len({*batch}) == 4
    whole = Scaled()
    made(whole, Lines(), batch_size=3).train_epoch()
    assert sorted(number for batch in whole.seen for number in batch) == [0, 1, 2, 3, 4, 5]
    large = Scaled()
    made(large, Lines(), batch_size=100).train_epoch()
    assert [sorted(one) for one in large.seen] == [[0, 1, 2, 3, 4, 5]], "a batch has at most all examples"


def test_it_learns_in_training_mode_and_is_handed_out_in_evaluation_mode() -> None:
    network = Scaled()
    training = made(network, Lines())
    assert not network.training
    found = training.train_epoch()
    assert {*network.modes} == {True}
    assert not network.training
    assert training.epoch == 1
    network.train()
    score = training.evaluate(training.data.test)
    assert not network.modes[-1]
    assert found["mae"] > score["mae"]
    assert score["mae"] == pytest.approx(2.5 * (2 - float(network.weight.detach())))
    assert score["loss"] == pytest.approx(55 / 6 * (2 - float(network.weight.detach())) ** 2)


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples() -> None:
    training = made(Scaled(), Lines(), batch_size=6, lr=1e-9)
    assert training.train_epoch() == pytest.approx({"loss": 55 / 6, "mae": 2.5})


def test_each_auxiliary_head_has_its_weight() -> None:
    network = Pair()
    training = made(network, TwoHeads(), batch_size=6, epochs=1, auxiliary=0.5, lr=0.001)
    found = training.train_epoch()
    assert found["loss"] == pytest.approx(55 / 6), "the loss that is told is that of the outputs that count"
    moved, beside = float(network.main.detach()) - 1, float(network.other.detach()) - 1
    assert moved == pytest.approx(0.001 * 2 * 55 / 6, rel=1e-4)
    assert beside == pytest.approx(moved / 2, rel=1e-4)


def test_the_rate_falls_with_the_epochs() -> None:
    training = made(Scaled(), Lines(), epochs=2)
    assert training.rate == pytest.approx(0.01)
    training.train_epoch()
    assert training.rate == pytest.approx(0.005)
    training.train_epoch()
    assert training.rate == pytest.approx(0.0, abs=1e-9)


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    with pytest.raises(DivergedError, match="the training loss is nan after epoch 1; lower lr, or clip gradients"):
        made(Scaled(), Lines(broken=True)).train_epoch()


def test_a_training_with_a_state_asks_for_examples_that_follow_each_other() -> None:
    network, task = Summing(), Ordered()
    training = made(network, task)
    training.train_epoch()
    assert network.seen == [([0.0, 3.0], None), ([1.0, 4.0], [0.0, 3.0]), ([2.0, 5.0], [1.0, 7.0])]
    assert task.asked == [True]


def test_a_network_without_a_state_learns_from_them_in_any_order() -> None:
    network, task = Scaled(), Ordered()
    made(network, task).train_epoch()
    assert task.asked == []
    assert sorted(number for batch in network.seen for number in batch) == [0, 1, 2, 3, 4, 5]


def test_an_evaluation_carries_the_state_of_a_network_that_has_one() -> None:
    network, task = Summing(), Ordered()
    data = task.load(CPU)
    judged(network, task, data, data.test)
    assert [state is None for _, state in network.seen] == [True, False, False]
    plain = Scaled()
    judged(plain, task, data, data.test)
    assert task.asked == [True, False]
    assert plain.seen == [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]
