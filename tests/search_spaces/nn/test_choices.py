"""The choices that are modules, before anything is decided."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.errors import SpaceError


class Plus(nn.Module):
    """Adds a number, so that a result says which way it took."""

    def __init__(self, number=1):
        super().__init__()
        self.number = number

    def forward(self, x):
        return x + self.number


ONE, TWO = torch.tensor([1.0]), torch.tensor([2.0])


def test_a_layer_choice_runs_its_first_candidate_that_is_a_member():
    assert nn.LayerChoice([Plus(1), Plus(2)])(ONE) == 2
    assert nn.LayerChoice({"none": Plus(5), "two": Plus(2)}, relaxed_only=("none",))(ONE) == 3


def test_a_layer_choice_is_a_sequence_of_named_modules():
    one, two = Plus(1), Plus(2)
    named = nn.LayerChoice(OrderedDict(one=one, two=two), label="a.b", prior=[0.5, 0.5])
    assert (list(named), len(named), named.names, named.label) == ([one, two], 2, ("one", "two"), "a.b")
    assert (named["two"], named[1], named[-1]) == (two, two, two)
    listed = nn.LayerChoice([one, two], relaxed_only=[0], weights=[1, 0])
    assert (listed.names, listed.member_names, listed[0], listed.prior) == ((0, 1), (1,), one, (1, 0))
    with pytest.raises(KeyError, match="did you mean 'two'"):
        named["twoo"]


@pytest.mark.parametrize(
    ("reduction", "expected"), [("sum", [3.0]), ("mean", [1.5]), ("concat", [[1.0, 2.0]]), ("none", [[1.0], [2.0]])]
)
def test_an_input_choice_reduces_its_first_inputs(reduction, expected):
    inputs = [ONE, TWO, TWO]
    if reduction == "concat":
        inputs = [x.view(1, 1) for x in inputs]
    made = nn.InputChoice(3, 2, reduction)(inputs)
    assert [x.tolist() for x in made] == expected if reduction == "none" else made.tolist() == expected


def test_an_input_choice_of_one_gives_the_tensor_itself():
    assert nn.InputChoice(2, 1, "none")([ONE, TWO]) is ONE
    assert nn.InputChoice(2, None, "sum")([ONE, TWO]) == 3
    assert nn.InputChoice(2, 2, layers=[Plus(1), Plus(10)])([ONE, TWO]) == 14


@pytest.mark.parametrize("inputs", [[ONE], ONE, {"a": ONE}])
def test_an_input_choice_refuses_other_inputs(inputs):
    with pytest.raises(SpaceError, match="an InputChoice of 2 inputs got"):
        nn.InputChoice(2)(inputs)


def test_a_repeat_makes_its_greatest_depth():
    block = Plus(1)
    copied = nn.Repeat(block, (1, 3))
    assert (copied(ONE), len(copied), copied[0], len(set(copied))) == (4, 3, block, 3)
    assert nn.Repeat(Plus, 2)(ONE) == 3
    assert nn.Repeat(lambda: Plus(2), 2)(ONE) == 5
    assert nn.Repeat(lambda index: Plus(index * 10), (0, 3))(ONE) == 31
    assert nn.Repeat([Plus(1), lambda index: Plus(index * 10)], 2)(ONE) == 12
    by_value = nn.Repeat(block, nn.ValueChoice([1, 4]) - 1)
    assert (by_value.low, by_value.high, by_value(ONE)) == (0, 3, 4)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.LayerChoice([]), "no candidates"),
        (lambda: nn.LayerChoice(Plus()), "a list of modules, or a dict"),
        (lambda: nn.LayerChoice([Plus(), 3]), "1 is a int, not a module"),
        (lambda: nn.LayerChoice({"a.b": Plus()}), "can't contain.*rename it"),
        (lambda: nn.LayerChoice([Plus()], label="1"), "label='1'"),
        (lambda: nn.LayerChoice({"conv": Plus()}, relaxed_only="conv"), "is a string"),
        (lambda: nn.LayerChoice({"conv": Plus()}, relaxed_only=("conf",)), "did you mean 'conv'"),
        (lambda: nn.LayerChoice({"conv": Plus()}, relaxed_only=("conv",)), "leave one"),
        (lambda: nn.LayerChoice([Plus()], prior=[0.5, 0.5]), "2 priors for 1"),
        (lambda: nn.InputChoice(0), "n_candidates: 0"),
        (lambda: nn.InputChoice(2, 3), "choose at most 2"),
        (lambda: nn.InputChoice(2, 0), "n_chosen: 0"),
        (lambda: nn.InputChoice(2, (2, 1)), "n_chosen: 1"),
        (lambda: nn.InputChoice(2, 1, "add"), "reduction='add'"),
        (lambda: nn.InputChoice(2, 1, "meen"), "did you mean 'mean'"),
        (lambda: nn.InputChoice(2, layers=[Plus()]), "with 1 layers"),
        (lambda: nn.Repeat(Plus(), 0), "no block at all"),
        (lambda: nn.Repeat(Plus(), (2, 1)), "depth: 1"),
        (lambda: nn.Repeat(Plus(), 1.5), "depth: 1.5"),
        (lambda: nn.Repeat(Plus(), nn.ValueChoice([1, 2]) / 2), "0.5 is not a whole number"),
        (lambda: nn.Repeat(Plus(), nn.ValueChoice([1, 2]), label="d"), "give the label to the ValueChoice"),
        (lambda: nn.Repeat(3, 2), "neither a module nor a function"),
        (lambda: nn.Repeat(lambda: 3, 2), "block number 0 is a int"),
        (lambda: nn.Repeat([Plus()], 2), "1 blocks for a depth of 2"),
    ],
)
def test_what_cannot_be_chosen_is_refused(make, said):
    with pytest.raises(SpaceError, match=said):
        make()
