"""Train, validation and test, parted by a seed so that every class keeps its share in each."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.data.images import ImageData, Raw
from trainables.errors import DataError

__all__ = ["split_data", "stratified"]


def split_data(
    raw: Raw, *, validation_share: float, test_share: float, seed: int, device: torch.device, whole: bool = False
) -> ImageData:
    """Part `raw` and put it on `device`; `whole` leaves what is not for testing in one, and nothing to validate on.

    A test set of the data's own is kept; else `test_share` of all images is parted. `validation_share` is of
    what remains. The same seed gives the same parts on every machine.
    """
    rows = torch.arange(len(raw.train))
    if raw.test is None:
        rows, test_rows = stratified(raw.train.labels, rows, test_share, seed, f"{raw.name}, test")
        test = raw.train.take(test_rows, device)
    else:
        test = raw.test.to(device)
    held = rows[:0]
    if not whole:
        rows, held = stratified(raw.train.labels, rows, validation_share, seed + 1, f"{raw.name}, validation")
    train = raw.train.take(rows, device)
    mean, std = _moments(train.images)
    return ImageData(raw.name, train, raw.train.take(held, device), test, raw.classes, mean, std)


def stratified(labels: Tensor, rows: Tensor, share: float, seed: int, title: str) -> tuple[Tensor, Tensor]:
    """Part `rows` (indices into `labels`) in two: (rest, `share` of them), each class by its share.

    The parted count is `share` of the rows, rounded, and each class gives at least one and keeps at least
    one.
    """
    counts = labels[rows].bincount()
    if int(counts.min()) < 2:
        kind = int(counts.argmin())
        raise DataError(
            f"{title}: class {kind} has {int(counts[kind])} image(s) left and each split needs one; "
            "add images of it or leave the class out"
        )
    taken = _shares(counts, share)
    generator = torch.Generator().manual_seed(seed)
    rest, parted = [], []
    for kind, take in enumerate(taken):
        members = rows[labels[rows] == kind]
        members = members[torch.randperm(len(members), generator=generator)]
        parted.append(members[:take])
        rest.append(members[take:])
    return torch.cat(rest).sort().values, torch.cat(parted).sort().values


def _shares(counts: Tensor, share: float) -> list[int]:
    """How many each class gives: the largest remainders get what rounding down left over."""
    wanted = counts.double() * share
    whole = wanted.floor().long()
    left = round(float(wanted.sum())) - int(whole.sum())
    order = (whole - wanted).argsort(stable=True)
    whole[order[: max(left, 0)]] += 1
    taken: list[int] = torch.minimum(whole.clamp(min=1), counts - 1).tolist()
    return taken


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation per channel, without a float copy of all images; 1 for a constant channel."""
    total = torch.zeros(images.shape[1], dtype=torch.float64, device=images.device)
    squares = torch.zeros_like(total)
    for start in range(0, len(images), 4096):
        values = images[start : start + 4096].to(torch.float64)
        total += values.sum((0, 2, 3))
        squares += values.square().sum((0, 2, 3))
    count = images.numel() / images.shape[1]
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    std = torch.where(std > 1e-6, std, torch.ones_like(std))
    return mean.float().view(1, -1, 1, 1), std.float().view(1, -1, 1, 1)
