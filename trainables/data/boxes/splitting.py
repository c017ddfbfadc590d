"""The split of images with boxes: as given, else by whole groups such as patients, or at random; and folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from trainables.data.boxes.box_data import BoxPart
from trainables.data.boxes.settings import BoxSettings
from trainables.data.folding import Fold, fold_of, folds_of, refuse_given_validation
from trainables.data.grouped import drawn_groups
from trainables.data.multi_label import kinds_of
from trainables.data.parts import PARTS, PartName
from trainables.errors import DataError

__all__ = ["split_fold", "split_parts"]

Parts = dict[PartName, BoxPart]
Codes = dict[str, Tensor]


def split_parts(
    parts: Mapping[PartName, BoxPart], groups: Mapping[str, Tensor], settings: BoxSettings
) -> tuple[Parts, Codes]:
    """Make the parts that images do not have. The same seed gives the same parts on every machine.

    Args:
        parts: the images in the parts that they have, on the CPU.
        groups: the number of the group of each image, by the part; empty without groups.
        settings: the shares, the seed, and whether to train on the validation images too.

    Returns:
        The three parts and their groups. With folds there is none for validation, whose images are among those for
        training, see `split_fold`.

    Raises:
        DataError: there are too few images or groups.
    """
    found, codes = _of_one_width(parts), dict(groups)
    fold = fold_of(settings)
    if fold is not None and "validation" in found:
        refuse_given_validation(fold, settings.data)
    shares: list[tuple[PartName, float]] = [("test", settings.test_share)]
    shares += [("validation", settings.validation_share)] if fold is None else []
    given = len(found["train"])
    for part, share in shares:
        if part in found:
            continue
        train = found["train"]
        seed = settings.seed + PARTS.index(part)
        if groups:
            title = f"{settings.data}, {part}"
            drawn = torch.from_numpy(drawn_groups(codes["train"].numpy(), share * given / len(train), seed, title))
            held, kept = drawn.nonzero().flatten(), (~drawn).nonzero().flatten()
            codes[part], codes["train"] = codes["train"][held], codes["train"][kept]
        else:
            held, kept = _drawn(len(train), round(share * given), seed, f"a part of {share:g} for {part}", settings)
        found[part], found["train"] = train.take(held), train.take(kept)
    if settings.whole:
        none = torch.zeros(0, dtype=torch.int64)
        found["train"] = found["train"].joined(found["validation"])
        found["validation"] = found["validation"].take(none)
        if groups:
            codes["train"], codes["validation"] = torch.cat((codes["train"], codes["validation"])), none
    return found, codes


def split_fold(
    parts: Mapping[PartName, BoxPart],
    groups: Mapping[str, Tensor],
    classes: Sequence[str],
    settings: BoxSettings,
    fold: Fold,
) -> tuple[Parts, Codes]:
    """Part the images outside the test by a fold, of which each has nearly the same share of each class.

    Args:
        parts: for training, of which some will be for validation, and for the test.
        groups: the number of the group of each image, by the part; empty without groups.
        classes: the names of the classes.
        settings: the seed.
        fold: the fold that is for validation.

    Returns:
        The three parts and their groups. Those for training and validation share the memory of the images.

    Raises:
        DataError: there are fewer images or groups than folds.
    """
    train = parts["train"]
    labels = train.labels.cpu()
    has = torch.zeros((len(train), len(classes) + 1), dtype=torch.uint8)
    has.scatter_(1, torch.where(labels < 0, len(classes), labels), 1)
    # Of too few images none of a class is to blame.
    kinds = kinds_of(has[:, : len(classes)], fold.count).numpy() if len(train) >= fold.count else None
    own = groups["train"].cpu().numpy() if groups else None
    chosen = torch.from_numpy(
        folds_of(
            fold,
            settings.seed + 1,
            settings.data,
            count=len(train),
            classes=kinds,
            names=(*classes, "none"),
            groups=own,
        )
    )
    rows: dict[PartName, Tensor] = {
        "train": (~chosen).nonzero().flatten(),
        "validation": chosen.nonzero().flatten(),
    }
    found = {**parts, **{part: train.shared(some) for part, some in rows.items()}}
    codes = {part: groups["train"][some.to(groups["train"].device)] for part, some in rows.items()} if groups else {}
    return found, {**groups, **{str(part): some for part, some in codes.items()}}


def _drawn(count: int, wanted: int, seed: int, what: str, settings: BoxSettings) -> tuple[Tensor, Tensor]:
    """Which of the images are drawn, and which stay, each sorted."""
    if not 1 <= wanted < count:
        raise DataError(f"{settings.data} has {count} images to train on, too few for {what}; add images")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[:wanted].sort().values, order[wanted:].sort().values


def _of_one_width(parts: Mapping[PartName, BoxPart]) -> dict[PartName, BoxPart]:
    """The same parts, padded to the most boxes of any image."""
    most = max(part.labels.shape[1] for part in parts.values())
    found: dict[PartName, BoxPart] = {}
    for name, part in parts.items():
        lacking = most - part.labels.shape[1]
        boxes = torch.nn.functional.pad(part.boxes, (0, 0, 0, lacking))
        labels = torch.nn.functional.pad(part.labels, (0, lacking), value=-1)
        found[name] = BoxPart(part.images, boxes, labels)
    return found
