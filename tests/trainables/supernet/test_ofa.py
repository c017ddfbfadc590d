"""Once-for-All on the undecided network of its space, small."""

from __future__ import annotations

import pytest
import torch

import search_spaces
import search_spaces.nn as nn
from search_spaces.nn import freeze
from trainables.errors import TrainableError
from trainables.networks import build
from trainables.supernet import Draws, relax

SPACE = {"resolutions": (16, 24), "widths": (1.0,), "kernels": (3, 5), "expansions": (2, 3), "depth": (1, 2)}


def small(**settings):
    torch.manual_seed(0)
    channels = (16, 8, 16, 8, 16, 16, 8, 16, 16)
    shape = {"num_classes": 4, "in_channels": 1, "image_size": (16, 16), "choices": SPACE, "channels": channels}
    return relax(
        build("mobilenetv3", None, **shape), "ofa", space=search_spaces.get("mobilenetv3", **SPACE), **settings
    )


IMAGES = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3])


def drawn(supernet, seed=0):
    """The members that a step computes, in their order."""
    supernet.begin_step(Draws.seeded(seed))
    found = []

    def run():
        found.append(supernet.member(supernet.method.path))
        return torch.zeros(4, 4)

    supernet.method.weight_loss(run, LABELS)
    return found


@pytest.mark.slow
def test_members_are_the_frozen_networks_to_the_last_bit():
    supernet = small().eval()
    with torch.no_grad():
        for seed in range(3):
            member = supernet.space.sample(seed)
            with supernet.deciding(member):
                made = supernet(IMAGES)
            assert torch.equal(made, freeze(supernet.module, member).eval()(IMAGES))


def test_a_step_takes_the_largest_the_smallest_and_some_between():
    supernet = small(phases=["width"], between=3)
    largest, smallest, *between = drawn(supernet)
    blocks = [block for name, stage in largest.tree.items() if name.startswith("stage") for block in stage]
    assert blocks == [{"kernel": 5, "expansion": 3}] * 10
    blocks = [block for name, stage in smallest.tree.items() if name.startswith("stage") for block in stage]
    assert blocks == [{"kernel": 3, "expansion": 2}] * 5
    assert len({member.id for member in (largest, smallest, *between)}) == 5
    assert len({member.tree["resolution"] for member in (largest, smallest, *between)}) == 1
    assert len({drawn(supernet, seed)[0].tree["resolution"] for seed in range(6)}) == 2


def test_shrinking_frees_kernels_then_depths_then_widths():
    supernet = small(between=4)
    seen = {}
    for progress in (0.1, 0.3, 0.6, 0.8):
        supernet.method.advance(progress)
        members = [member.tree for seed in range(3) for member in drawn(supernet, seed)]
        blocks = [b for tree in members for name, stage in tree.items() if name.startswith("stage") for b in stage]
        depths = {len(stage) for tree in members for name, stage in tree.items() if name.startswith("stage")}
        seen[supernet.method.phase] = ({b["kernel"] for b in blocks}, depths, {b["expansion"] for b in blocks})
    assert seen == {
        "full": ({5}, {2}, {3}),
        "kernel": ({3, 5}, {2}, {3}),
        "depth": ({3, 5}, {1, 2}, {3}),
        "width": ({3, 5}, {1, 2}, {2, 3}),
    }


def test_channels_are_sorted_when_widths_begin_and_only_then():
    supernet = small().double()
    images = IMAGES.double()
    for part in supernet.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.running_var, 0.001, 0.01)
            torch.nn.init.normal_(part.weight)
    before = supernet.eval()(images)
    project = supernet.module.stage_2[0].layers[-2].weight
    importance = project.abs().sum((0, 2, 3))
    supernet.method.advance(0.5)
    assert torch.equal(project.abs().sum((0, 2, 3)), importance)
    supernet.method.advance(0.75)
    assert torch.equal(project.abs().sum((0, 2, 3)), importance.sort(descending=True).values)
    assert before.std() > 0.1
    assert torch.allclose(supernet(images), before, atol=1e-9)


def test_a_checkpoint_does_not_sort_again():
    first, second = small(), small()
    first.method.advance(0.8)
    second.load_state_dict(first.state_dict())
    project = second.module.stage_1[0].layers[-2].weight
    torch.nn.init.normal_(project)
    was = project.clone()
    second.method.advance(0.8)
    assert torch.equal(project, was)


def test_the_smaller_learn_from_the_largest():
    supernet = small(phases=["width"], between=0)
    supernet.begin_step(Draws.seeded(0))
    logits = [torch.tensor([[2.0, 0, 0, 0]], requires_grad=True), torch.zeros(1, 4, requires_grad=True)]
    said = iter(logits)
    loss, first = supernet.method.weight_loss(lambda: next(said), torch.tensor([3]))
    loss.backward()
    chances = torch.softmax(logits[0].detach(), 1)
    assert first is logits[0]
    assert torch.allclose(logits[0].grad, chances - torch.tensor([[0, 0, 0, 1.0]]))
    assert torch.allclose(logits[1].grad, 0.25 - chances)


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        width = nn.ValueChoice([4, 32], label="width")
        self.layers = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 4))

    def forward(self, x):
        return self.layers(x)


@pytest.mark.slow
def test_all_sizes_learn_together():
    torch.manual_seed(0)
    supernet = relax(Wide(), "ofa", phases=["full", "width"])
    labels = torch.arange(4).repeat(16)
    inputs = 2 * torch.eye(4, 8)[labels] + 0.2 * torch.randn(64, 8)
    optimizer, draws = torch.optim.SGD(supernet.weight_parameters(), 0.3), Draws.seeded(0)
    for step in range(60):
        supernet.method.advance(step / 60)
        supernet.begin_step(draws)
        loss, _ = supernet.method.weight_loss(lambda: supernet(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for width in (4, 32):
        with supernet.deciding({"width": width}):
            assert (supernet(inputs).argmax(1) == labels).float().mean() > 0.95


def test_phases_have_an_order():
    with pytest.raises(TrainableError, match="must be some of full, kernel, depth, width, in this order"):
        small(phases=["depth", "kernel"])
