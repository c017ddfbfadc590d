"""Which rows a split draws, class by class, and the moments of images."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainables.data.split import _shares, moments, random_split, stratified
from trainables.errors import DataError


def drawn(counts: list[int], share: float, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    labels = torch.cat([torch.full((count,), kind) for kind, count in enumerate(counts)])
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(9))]
    rest, part = stratified(labels, torch.arange(len(labels)), share, seed, "title")
    return labels, rest, part


@pytest.mark.parametrize(
    ("counts", "share", "taken"),
    [
        ([10, 10], 0.2, [2, 2]),
        ([5, 5, 5], 0.3, [2, 1, 1]),
        ([4, 16], 0.1, [1, 2]),
        ([6, 14], 0.25, [2, 3]),
        ([2, 2], 0.9, [1, 1]),
        ([2, 100], 0.001, [1, 1]),
        ([3, 3], 0.5, [2, 1]),
        ([10, 10], 0.05, [1, 1]),
    ],
)
def test_classes_give_their_shares_by_the_largest_remainders(counts: list[int], share: float, taken: list[int]) -> None:
    assert _shares(torch.tensor(counts), share) == taken
    labels, rest, part = drawn(counts, share)
    assert labels[part].bincount().tolist() == taken
    assert sorted([*rest.tolist(), *part.tolist()]) == list(range(sum(counts)))
    assert rest.tolist() == sorted(rest.tolist())
    assert part.tolist() == sorted(part.tolist())


def test_a_seed_decides_which_rows_are_drawn() -> None:
    assert torch.equal(drawn([30, 30], 0.3)[2], drawn([30, 30], 0.3)[2])
    assert not torch.equal(drawn([30, 30], 0.3)[2], drawn([30, 30], 0.3, seed=1)[2])
    rows = torch.arange(40)
    parts = [random_split(rows, rows, 0.3, seed, "title")[1] for seed in (0, 0, 1)]
    assert torch.equal(parts[0], parts[1])
    assert not torch.equal(parts[0], parts[2])


def test_only_the_given_rows_are_split() -> None:
    labels = torch.tensor([0, 1] * 10)
    rows = torch.tensor([1, 3, 4, 5, 8, 12])
    for split in (stratified, random_split):
        rest, part = split(labels, rows, 0.4, 0, "title")
        assert sorted([*rest.tolist(), *part.tolist()]) == rows.tolist()
        assert (len(rest), len(part)) == (4, 2)


@pytest.mark.parametrize(
    ("count", "share", "taken"),
    [(2, 0.001, 1), (2, 0.999, 1), (10, 0.25, 2), (10, 0.26, 3), (10, 0.999, 9), (3, 0.5, 2)],
)
def test_a_random_split_leaves_each_part_a_row(count: int, share: float, taken: int) -> None:
    rest, part = random_split(torch.zeros(count), torch.arange(count), share, 0, "title")
    assert (len(rest), len(part)) == (count - taken, taken)
    assert rest.tolist() == sorted(rest.tolist())
    assert part.tolist() == sorted(part.tolist())


def test_too_few_rows_are_told() -> None:
    with pytest.raises(DataError, match=r"^digits, test: class 1 has 1 image\(s\) left and each split needs one"):
        stratified(torch.tensor([0, 0, 1, 2, 2]), torch.arange(5), 0.5, 0, "digits, test")
    with pytest.raises(DataError, match=r"^title: 1 image\(s\) are left and each split needs one; add images"):
        random_split(torch.zeros(1), torch.arange(1), 0.5, 0, "title")


def images(*channels: list[float]) -> Tensor:
    """Images of one pixel, by the values of each channel."""
    return torch.tensor(channels, dtype=torch.float64).T[:, :, None, None]


def test_moments_are_per_channel() -> None:
    mean, std = moments(images([1.0, 2.0, 6.0], [0.0, 0.0, 3.0]))
    assert mean.shape == std.shape == (1, 2, 1, 1)
    assert mean.dtype == std.dtype == torch.float32
    assert mean.flatten().tolist() == pytest.approx([3.0, 1.0])
    assert std.flatten().tolist() == pytest.approx([(14 / 3) ** 0.5, 2**0.5])
    whole = torch.arange(24, dtype=torch.uint8).view(2, 1, 3, 4)
    assert moments(whole)[0].item() == pytest.approx(11.5)
    assert moments(whole)[1].item() == pytest.approx(whole.double().std(correction=0).item())


def test_a_constant_channel_has_a_deviation_of_1_and_a_small_one_its_own() -> None:
    _, std = moments(images([5.0, 5.0, 5.0], [0.0, 0.0, 0.0], [1e6, 1e6 + 1, 1e6 + 2]))
    assert std.flatten().tolist() == pytest.approx([1.0, 1.0, (2 / 3) ** 0.5], rel=1e-6)
    tiny = 1e-10
    _, std = moments(images([1.0, 1.0 + tiny]))
    assert std.item() == 1.0, "only rounding"
    _, std = moments(images([1.0, 1.0 + 1e-7]))
    assert std.item() == pytest.approx(5e-8, rel=1e-5)
