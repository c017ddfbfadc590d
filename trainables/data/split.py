"""The split into train, validation and test: as given, else drawn by a seed so that each class keeps its share.

Where there are no classes, rows are drawn from all alike.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainables.data.folding import Fold, folds_of, refuse_given_validation
from trainables.data.grouped import drawn_groups
from trainables.data.images import ImageData, Raw
from trainables.data.multi_label import kinds_of, stratified_labels
from trainables.data.pixels import Images, chunks
from trainables.data.streaming.images import StreamedImages
from trainables.errors import DataError

__all__ = ["moments", "random_split", "rows_of", "split_data", "stratified"]

_CANCELLED = 1e-4
"""Share of the squared mean below which a variance is computed again, around the mean."""
_CONSTANT = 1e-9
"""Deviation of a channel, as a share of its mean, up to which it is only rounding."""


def split_data(
    raw: Raw,
    *,
    validation_share: float,
    test_share: float,
    seed: int,
    device: torch.device,
    whole: bool = False,
    fold: Fold | None = None,
) -> ImageData:
    """Split a data set and move it to a device. The same seed gives the same split on every machine.

    A test split of the data set is kept; else `test_share` of the training images becomes one. A validation split is
    kept likewise; else `validation_share` of the remaining images becomes one.

    Args:
        raw: the data set.
        validation_share: share of the training images, above 0 and below 1.
        test_share: share of the training images, above 0 and below 1.
        seed: decides which images are drawn.
        device: where the images are stored.
        whole: whether to train on the validation images too, which leaves no images for validation.
        fold: of a cross-validation, the fold that is for validation; `validation_share` is then not used. The parts
            then share the memory of `raw` where its images are on `device`.

    Returns:
        The three splits.

    Raises:
        DataError: a class has too few images to be split.
    """
    rows, held, tested = rows_of(
        raw, validation_share=validation_share, test_share=test_share, seed=seed, whole=whole, fold=fold
    )
    chosen = raw.train.take if fold is None else raw.train.shared
    test = raw.test.to(device) if raw.test is not None else chosen(tested, device)
    train, validation = chosen(rows, device), chosen(held, device)
    if raw.validation is not None:
        given = raw.validation.to(device)
        train, validation = (train.joined(given), validation) if whole else (train, given)
    mean, std = moments(train.images)
    groups = _groups_of_parts(raw, rows, held, tested, whole=whole)
    moved = {name: codes.to(device) for name, codes in groups.items()}
    return ImageData(raw.name, train, validation, test, raw.classes, mean, std, groups=moved)


def rows_of(
    raw: Raw, *, validation_share: float, test_share: float, seed: int, whole: bool = False, fold: Fold | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Choose which of the training images are for training, for validation and for testing; copies no image.

    Args:
        raw: the data set.
        validation_share: as in `split_data`.
        test_share: as in `split_data`.
        seed: as in `split_data`.
        whole: as in `split_data`.
        fold: as in `split_data`.

    Returns:
        Indices into `raw.train` for training, for validation and for testing, sorted. The last two are empty where the
        data set has the split itself or `whole` leaves it out.

    Raises:
        DataError: a class has too few images to be split, or there are too few at all.
    """
    drawn = stratified_labels if raw.multi_label else stratified
    part = _by_group(raw.groups["train"]) if raw.groups else drawn if raw.classes else random_split
    rows = torch.arange(len(raw.train))
    held = tested = rows[:0]
    if raw.test is None:
        rows, tested = part(raw.train.labels, rows, test_share, seed, f"{raw.name}, test")
    if fold is not None:
        held_out = _fold_of(raw, rows, seed + 1, fold)
        rows, held = rows[~held_out], rows[held_out]
    elif raw.validation is None and not whole:
        rows, held = part(raw.train.labels, rows, validation_share, seed + 1, f"{raw.name}, validation")
    return rows, held, tested


def _fold_of(raw: Raw, rows: Tensor, seed: int, fold: Fold) -> Tensor:
    """Which of the rows are for validation, (k,), bool."""
    if raw.validation is not None:
        refuse_given_validation(fold, raw.name)
    labels = raw.train.labels[rows]
    classes = kinds_of(labels, fold.count).numpy() if raw.multi_label else labels.numpy() if raw.classes else None
    groups = raw.groups["train"][rows].numpy() if raw.groups else None
    chosen = folds_of(
        fold, seed, raw.name, count=len(rows), classes=classes, names=(*raw.classes, "none"), groups=groups
    )
    return torch.from_numpy(chosen)


def _by_group(codes: Tensor) -> Callable[[Tensor, Tensor, float, int, str], tuple[Tensor, Tensor]]:
    """A split of rows by whole groups, whose numbers are `codes`."""

    def split(labels: Tensor, rows: Tensor, share: float, seed: int, title: str) -> tuple[Tensor, Tensor]:
        drawn = torch.from_numpy(drawn_groups(codes[rows].numpy(), share, seed, title))
        return rows[~drawn], rows[drawn]

    return split


def _groups_of_parts(raw: Raw, rows: Tensor, held: Tensor, tested: Tensor, *, whole: bool) -> dict[str, Tensor]:
    if not raw.groups:
        return {}
    codes, given = raw.groups["train"], raw.groups
    found = {"train": codes[rows], "validation": codes[held], "test": given.get("test", codes[tested])}
    if "validation" in given:
        if whole:
            found["train"] = torch.cat((found["train"], given["validation"]))
        else:
            found["validation"] = given["validation"]
    return found


def random_split(labels: Tensor, rows: Tensor, share: float, seed: int, title: str) -> tuple[Tensor, Tensor]:
    """Split rows in two at random. Both sides have at least one row.

    Args:
        labels: not used: rows are drawn from all alike.
        rows: (k,), the indices that are split.
        share: share of the rows for the second part, rounded to a whole number of rows.
        seed: decides which rows are drawn.
        title: names the split in messages.

    Returns:
        The remaining rows and the drawn rows, each sorted.

    Raises:
        DataError: there are fewer than two rows.
    """
    if len(rows) < 2:
        raise DataError(f"{title}: {len(rows)} image(s) are left and each split needs one; add images")
    mixed = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))]
    count = min(max(round(len(rows) * share), 1), len(rows) - 1)
    return mixed[count:].sort().values, mixed[:count].sort().values


def stratified(labels: Tensor, rows: Tensor, share: float, seed: int, title: str) -> tuple[Tensor, Tensor]:
    """Split rows in two so that each class keeps its share. Each class has at least one row on both sides.

    Args:
        labels: (n,), int64, of all images.
        rows: (k,), the indices into `labels` that are split.
        share: share of the rows for the second part, rounded to a whole number of rows.
        seed: decides which rows are drawn.
        title: names the split in messages.

    Returns:
        The remaining rows and the drawn rows, each sorted.

    Raises:
        DataError: a class has fewer than two rows.
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
    """Count the images that each class gives, by the largest remainders; at least 1, and all but 1 at most."""
    wanted = counts.double() * share
    whole = wanted.floor().long()
    left = round(float(wanted.sum())) - int(whole.sum())
    order = (whole - wanted).argsort(stable=True)
    whole[order[: max(left, 0)]] += 1
    taken: list[int] = torch.minimum(whole.clamp(min=1), counts - 1).tolist()
    return taken


def moments(images: Images) -> tuple[Tensor, Tensor]:
    """Compute mean and standard deviation per channel without a float copy of all images.

    Args:
        images: (n, c, h, w), of any type.

    Returns:
        Mean and deviation, each (1, c, 1, 1), float32; a constant channel has a deviation of 1.
    """
    mean = _means(images, power=1)
    variance = (_means(images, power=2) - mean.square()).clamp(min=0)
    if bool((variance < _CANCELLED * mean.square()).any()):
        # The difference of two large numbers loses its digits; deviations from the mean avoid it.
        variance = _means(images, power=2, centre=mean)
    std = variance.sqrt()
    std = torch.where(std > _CONSTANT * mean.abs(), std, torch.ones_like(std))
    shape = (1, -1, *[1] * (len(images.shape) - 2))
    return mean.float().view(shape), std.float().view(shape)


def _means(images: Images, *, power: int, centre: Tensor | None = None) -> Tensor:
    """Mean of the values to a power, or of their distances from `centre`, per channel: (c,), float64."""
    count = len(images) * images.shape[2:].numel()
    if isinstance(images, StreamedImages) and images.dtype == torch.uint8 and centre is None:
        return images.totals(power) / count
    total = torch.zeros(images.shape[1], dtype=torch.float64, device=images.device)
    for part in chunks(images):
        values = part.to(torch.float64)
        values = values if centre is None else values - centre.view(1, -1, *[1] * (values.dim() - 2))
        total += (values if power == 1 else values.square()).sum((0, *range(2, values.dim())))
    return total / count
