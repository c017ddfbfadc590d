"""What an architecture takes of every choice, by the name of its decision."""

from __future__ import annotations

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.errors import ArchitectureError


class Net(nn.Module):
    """One choice of each kind; a candidate holds choices itself."""

    def __init__(self):
        super().__init__()
        width = nn.ValueChoice([4, 8], label="width")
        inner = nn.Repeat(lambda: nn.LayerChoice([nn.Identity(), nn.ReLU()]), (1, 3))
        self.op = nn.LayerChoice({"plain": nn.Linear(2, width), "deep": nn.Sequential(nn.Linear(2, width), inner)})
        self.inputs = nn.InputChoice(3, 2, layers=[nn.Identity(), nn.Identity(), nn.Identity()])


def test_taken_says_indices_and_leaves_out_what_is_not_there():
    choices = nn.Choices(Net())
    names = [name for name, _, _ in choices.named()]
    assert names == [name for name, _ in nn.choices_of(Net())]
    plain = next(member for member in choices.space.enumerate() if "plain" in member.tree["op"]).tree
    plain["inputs"] = list(reversed(plain["inputs"]))
    places = tuple(int(str(next(iter(item)) if isinstance(item, dict) else item)[-1]) for item in plain["inputs"])
    assert choices.taken(plain) == {
        "op": (0,), "width": ([4, 8].index(plain["width"]),), "inputs": tuple(sorted(places))
    }  # fmt: skip
    deep = max(choices.space.enumerate(), key=lambda architecture: len(str(architecture.tree)))
    taken = choices.taken(deep)
    assert taken["op"] == (1,)
    assert taken["op.deep.layer_1"] == (0, 1, 2)
    assert {name for name in taken if name.startswith("op.deep.layer_1.")} == {
        f"op.deep.layer_1.{index}" for index in range(3)
    }


def test_taken_refuses_what_is_no_member():
    with pytest.raises(ArchitectureError):
        nn.Choices(Net()).taken({"op": "other"})


def test_a_relaxed_choice_runs_what_it_is_told():
    choice = nn.LayerChoice([nn.Identity(), nn.ReLU()])
    choice.relaxed = lambda x: x * 5
    assert choice(torch.ones(1)).item() == 5
    assert nn.freeze(nn.Sequential(choice), {"layer_0": 1})(-torch.ones(1)).item() == 0
