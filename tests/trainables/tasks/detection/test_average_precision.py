"""Average precision is that of pycocotools, which is not used elsewhere."""

from __future__ import annotations

import contextlib
import io
import time
from typing import Any

import numpy as np
import pytest
import torch

from trainables.tasks.detection.average_precision import THRESHOLDS, Boxes, average_precisions, overlaps


def of_coco(found: Boxes, true: Boxes, classes: int, images: int) -> torch.Tensor:
    """What pycocotools computes, (10, classes)."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def rows(some: Boxes) -> list[dict[str, Any]]:
        made = []
        for number, (left, top, right, bottom) in enumerate(some.corners.tolist()):
            box = [left, top, right - left, bottom - top]
            one = {"image_id": int(some.images[number]), "category_id": int(some.labels[number]), "bbox": box}
            made.append({**one, "id": number + 1, "area": box[2] * box[3], "iscrowd": 0})
        return made

    def of(annotations: list[dict[str, Any]]) -> Any:
        held = COCO()
        held.dataset = {
            "images": [{"id": number} for number in range(images)],
            "categories": [{"id": number} for number in range(classes)],
            "annotations": annotations,
        }
        held.createIndex()
        return held

    predicted = [{**one, "score": float(score)} for one, score in zip(rows(found), found.scores, strict=True)]
    with contextlib.redirect_stdout(io.StringIO()):
        judged = COCOeval(of(rows(true)), of(predicted), "bbox")
        judged.evaluate()
        judged.accumulate()
    precision = judged.eval["precision"][:, :, :, 0, 2]
    values = precision.mean(1)
    values[(precision == -1).all(1)] = np.nan
    return torch.from_numpy(values)


def random_case(seed: int) -> tuple[Boxes, Boxes, int, int]:
    """Boxes with ties of scores and of overlaps, empty images, absent classes, and now and then more than 100 boxes."""
    random = np.random.default_rng(seed)
    images, classes = int(random.integers(1, 8)), int(random.integers(1, 5))
    whole = bool(random.integers(2))

    def boxes(count: int) -> Any:
        corner, sides = random.uniform(0, 60, (count, 2)), random.uniform(4, 30, (count, 2))
        made = np.concatenate([corner, corner + sides], 1)
        return np.round(made) if whole else made

    count, guesses = (
        int(random.integers(0, 25)),
        int(random.integers(100, 400) if seed % 7 == 0 else random.integers(60)),
    )
    true, true_images, true_labels = boxes(count), random.integers(0, images, count), random.integers(0, classes, count)
    found = boxes(guesses)
    found_images, found_labels = random.integers(0, images, guesses), random.integers(0, classes, guesses)
    for number in range(guesses // 2 if count else 0):
        other = random.integers(count)
        noise = random.normal(0, 2, 4)
        found[number] = true[other] + (np.round(noise) if whole else noise)
        found[number, 2:] = np.maximum(found[number, 2:], found[number, :2] + 1)
        found_images[number], found_labels[number] = true_images[other], true_labels[other]
    scores = np.round(random.random(guesses), 1 if seed % 2 else 6)
    made = [torch.from_numpy(one) for one in (found_images, found_labels, found, scores)]
    wanted = [torch.from_numpy(one) for one in (true_images, true_labels, true, np.zeros(count))]
    return Boxes(*made), Boxes(*wanted), classes, images


@pytest.mark.slow
def test_it_is_that_of_pycocotools_on_200_random_cases() -> None:
    pytest.importorskip("pycocotools")
    for seed in range(200):
        found, true, classes, images = random_case(seed)
        mine, theirs = average_precisions(found, true, classes), of_coco(found, true, classes, images)
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6, equal_nan=True)


def boxes(rows: list[tuple[int, int, float, list[float]]]) -> Boxes:
    images, labels, scores, corners = ([row[place] for row in rows] for place in range(4))
    return Boxes(
        torch.tensor(images, dtype=torch.int64),
        torch.tensor(labels, dtype=torch.int64),
        torch.tensor(corners, dtype=torch.float64).view(-1, 4),
        torch.tensor(scores, dtype=torch.float64),
    )


def test_a_half_found_class_has_half_the_precision() -> None:
    true = boxes([(0, 0, 0, [0, 0, 10, 10]), (1, 0, 0, [0, 0, 10, 10])])
    found = boxes([(0, 0, 0.9, [0, 0, 10, 10]), (0, 0, 0.8, [0, 0, 10, 10])])
    values = average_precisions(found, true, 2)
    assert values[0, 0].item() == pytest.approx(51 / 101)
    assert values[:, 1].isnan().all()
    assert len(values) == len(THRESHOLDS) == 10


def test_nothing_found_is_zero_and_nothing_there_has_no_value() -> None:
    none = boxes([])
    true = boxes([(0, 0, 0, [0, 0, 10, 10])])
    assert average_precisions(none, true, 1).tolist() == [[0.0]] * 10
    assert average_precisions(true, none, 1).isnan().all()


def test_overlaps_are_shares_of_the_union() -> None:
    one = torch.tensor([[0.0, 0.0, 10.0, 10.0], [5.0, 5.0, 5.0, 5.0]])
    other = torch.tensor([[5.0, 0.0, 15.0, 10.0], [5.0, 5.0, 5.0, 5.0]])
    assert overlaps(one, other)[:, 0].tolist() == pytest.approx([1 / 3, 0])
    assert overlaps(one, other)[1, 1] == 0


@pytest.mark.slow
def test_a_thousand_images_of_twenty_boxes_take_less_than_three_seconds() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.arange(1000).repeat_interleave(20)
    corner = torch.rand((20_000, 2), generator=generator) * 300
    corners = torch.cat((corner, corner + 10 + 50 * torch.rand((20_000, 2), generator=generator)), 1)
    labels = torch.randint(3, (20_000,), generator=generator)
    none = torch.zeros(0)
    shifted = [corners + 3 * number * torch.randn((20_000, 4), generator=generator) for number in range(5)]
    scores = torch.rand(100_000, generator=generator)
    found = Boxes(images.repeat(5), labels.repeat(5), torch.cat(shifted), scores)
    start = time.process_time()
    average_precisions(found, Boxes(images, labels, corners, none), 3)
    assert time.process_time() - start < 3
