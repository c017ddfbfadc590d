"""The meter of boxes: two processes that merge theirs measure what one process measures alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trainables.tasks.detection.decoding import Found
from trainables.tasks.detection.meter import BoxMeter
from trainables.training.parallel import Group

NAMES = ["map50", "map", "ap50_a", "ap50_b"]
CPU = torch.device("cpu")


@dataclass
class Meeting:
    """Where the threads of a test meet, in the place of processes."""

    size: int
    given: list[list[Tensor]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.barrier = threading.Barrier(self.size)


class Together(Group):
    """A process of a group, run by a thread."""

    meeting: Meeting

    def sum_(self, tensors: Iterable[Tensor]) -> None:
        mine = list(tensors)
        self.meeting.barrier.wait()
        self.meeting.given.append([one.clone() for one in mine])
        self.meeting.barrier.wait()
        for place, one in enumerate(mine):
            one.copy_(torch.stack([other[place] for other in self.meeting.given]).sum(0))
        self.meeting.barrier.wait()
        if self.rank == 0:
            self.meeting.given.clear()
        self.meeting.barrier.wait()


def batches(seed: int, count: int) -> list[tuple[list[Found], dict[str, Tensor]]]:
    """Batches of found boxes near true ones, of two classes, and one image without any."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(count):
        corner = torch.rand((3, 2, 2), generator=generator) * 40
        boxes = torch.cat((corner, corner + 10), 2)
        labels = torch.randint(0, 2, (3, 2), generator=generator)
        labels[2] = -1
        found = []
        for image in range(3):
            near = boxes[image] + torch.randn((2, 4), generator=generator)
            found.append(Found(near, torch.rand(2, generator=generator), labels[image].clamp(min=0)))
        made.append((found, {"boxes": boxes, "labels": labels}))
    return made


def meter() -> BoxMeter:
    return BoxMeter(("a", "b"), NAMES, lambda found: found)  # type: ignore[arg-type, return-value]


def filled(some: list[tuple[list[Found], dict[str, Tensor]]]) -> BoxMeter:
    made = meter()
    for found, targets in some:
        made.add(found, targets)  # type: ignore[arg-type]
    return made


def test_two_processes_measure_what_one_measures() -> None:
    whole = batches(0, 5)
    alone = filled(whole).result()
    meeting = Meeting(2)
    results: dict[int, dict[str, float]] = {}

    def run(rank: int, part: list[tuple[list[Found], dict[str, Tensor]]]) -> None:
        group = Together(rank, 2)
        object.__setattr__(group, "meeting", meeting)
        mine = filled(part)
        mine.merge(group, CPU)
        results[rank] = mine.result()

    threads = [threading.Thread(target=run, args=(rank, part)) for rank, part in ((0, whole[:4]), (1, whole[4:]))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=30)
    assert results == {0: alone, 1: alone}
    assert 0 < alone["map"] < alone["map50"] <= 1


def test_a_meter_without_batches_or_names_measures_nothing() -> None:
    assert meter().result() == {}
    made = BoxMeter(("a",), ["loss"], lambda found: found)  # type: ignore[arg-type, return-value]
    made.add({}, {})
    assert made.result() == {}
