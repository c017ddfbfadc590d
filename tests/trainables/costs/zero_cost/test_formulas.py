"""Each proxy against its definition, worked out by hand or by loops on networks of a few weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainables.costs import zero_cost
from trainables.errors import TrainableError

LABELS = torch.tensor([0, 2, 1, 1])


@pytest.fixture
def images() -> Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def rectified() -> nn.Sequential:
    """3 inputs, 5 rectifiers, 3 classes."""
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 3))
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(torch.randn(value.shape, generator=generator))
    return network


def linear(rows: list[list[float]]) -> nn.Linear:
    layer = nn.Linear(len(rows[0]), len(rows), bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(rows))
    return layer


def loss_gradient(weight: Tensor, images: Tensor, labels: Tensor) -> Tensor:
    """Of the mean cross-entropy of a linear classifier, by its well-known formula."""
    errors = (images @ weight.T).softmax(1) - nn.functional.one_hot(labels, len(weight))
    return errors.T @ images / len(images)


def test_synflow_is_the_sum_over_all_paths_once_for_each_layer(images: Tensor) -> None:
    network = nn.Sequential(linear([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]]), linear([[-2.0, 1.0]]))
    # |2| * (1 + 2 + 0.5) + |1| * (0 + 3 + 1) = 11, and each of the two layers carries all of it.
    assert zero_cost.synflow(network, images, LABELS) == pytest.approx(math.log(2 * 11))


def test_synflow_looks_through_normalisations(images: Tensor) -> None:
    layers = [linear([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]]), linear([[-2.0, 1.0]])]
    plain = zero_cost.synflow(nn.Sequential(*layers), images, LABELS)
    for norm in (nn.BatchNorm1d(2), nn.LayerNorm(2)):
        assert zero_cost.synflow(nn.Sequential(layers[0], norm, layers[1]), images, LABELS) == plain


@pytest.mark.slow
def test_synflow_of_a_network_too_deep_for_single_precision_is_a_number(images: Tensor) -> None:
    deep = nn.Sequential(*[linear([[9.0] * 3] * 3) for _ in range(60)])
    assert zero_cost.synflow(deep, images, LABELS) == pytest.approx(math.log(60 * 3) + 60 * math.log(27))
    deeper = nn.Sequential(*[linear([[9.0] * 3] * 3) for _ in range(300)])
    with pytest.raises(TrainableError, match="infinite logits: its numbers overflow"):
        zero_cost.score(deeper, images, LABELS, "synflow")


def test_naswot_counts_the_rectifiers_that_treat_two_images_alike(rectified: nn.Sequential, images: Tensor) -> None:
    codes = (rectified[0](images) > 0).tolist()
    alike = [[sum(a == b for a, b in zip(one, other, strict=True)) for other in codes] for one in codes]
    assert len({tuple(code) for code in codes}) == 4
    expected = math.log(abs(np.linalg.det(np.array(alike, dtype=float))))
    assert zero_cost.naswot(rectified, images, LABELS) == pytest.approx(expected)


def test_naswot_sees_rectifiers_that_are_functions_or_work_in_place(rectified: nn.Sequential, images: Tensor) -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = rectified[0], rectified[2]

        def forward(self, x: Tensor) -> Tensor:
            return self.last(nn.functional.relu(self.first(x)))  # type: ignore[no-any-return]

    expected = zero_cost.naswot(rectified, images, LABELS)
    in_place = nn.Sequential(rectified[0], nn.ReLU(inplace=True), rectified[2])
    assert zero_cost.naswot(Functional(), images, LABELS) == expected
    assert zero_cost.naswot(in_place, images, LABELS) == expected


def test_jacov_is_of_the_correlations_of_the_input_gradients(rectified: nn.Sequential, images: Tensor) -> None:
    rows = [torch.autograd.functional.jacobian(lambda x: rectified(x).sum(), image).double() for image in images]
    values = np.linalg.eigvalsh(np.corrcoef(np.stack([row.numpy() for row in rows])))
    expected = -sum(math.log(max(v, 0) + 1e-5) + 1 / (max(v, 0) + 1e-5) for v in values)
    assert zero_cost.jacov(rectified, images, LABELS) == pytest.approx(expected, rel=1e-3)


def test_jacov_bears_images_without_a_gradient(images: Tensor) -> None:
    network = nn.Sequential(linear([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]), nn.ReLU(), linear([[1.0, 2.0]]))
    gone = torch.tensor([[-1.0, 0.0, 0.0], [-1.0, 2.0, 0.0], [1.0, -2.0, 0.0], [1.0, 1.0, 0.0]])
    some = zero_cost.jacov(network, gone, LABELS)
    assert (
        zero_cost.jacov(network, gone[[0] * 4], LABELS) == -math.inf < some < zero_cost.jacov(network, gone[1:], LABELS)
    )


def test_zico_is_of_the_gradients_of_two_halves(images: Tensor) -> None:
    network = linear([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0], [0.5, 0.5, 0.5]])
    halves = [loss_gradient(network.weight.detach(), images[part], LABELS[part]) for part in (slice(2), slice(2, 4))]
    first, second = (half.abs().double() for half in halves)
    expected = math.log(float((((first + second) / 2) / ((first - second).abs() / 2)).sum()))
    assert zero_cost.zico(network, images, LABELS) == pytest.approx(expected, rel=1e-3)


def test_sizes_are_those_of_one_input(rectified: nn.Sequential, images: Tensor) -> None:
    assert zero_cost.parameters(rectified, images, LABELS) == 3 * 5 + 5 + 5 * 3 + 3
    assert zero_cost.macs(rectified, images, LABELS) == 3 * 5 + 5 * 3
