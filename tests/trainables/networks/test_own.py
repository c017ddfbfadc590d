"""A module with choices, or a function, as a family of networks."""

from __future__ import annotations

from functools import partial

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.nn.choices import ChoiceModule
from tests.nas_tune.own_module import Fixed, Net, TwoInputs, built, halved
from tests.registries import kept
from trainables import networks
from trainables.errors import TrainableError
from trainables.networks import NETWORKS
from trainables.networks.own import module_space, own_family, own_name

DATA = {"num_classes": 3, "in_channels": 1, "image_size": 8}


def nothing_taken(name: str) -> bool:
    return False


def test_the_network_of_a_class_is_frozen_and_has_the_arguments_of_the_data() -> None:
    with kept(NETWORKS):
        networks.register("own", Net)
        torch.manual_seed(0)
        network = networks.build("own", {"width": 2, "act": "tanh"}, **DATA)
        torch.manual_seed(0)
        again = networks.build("own", {"width": 2, "act": "tanh"}, **DATA)
        undecided = networks.build("own", None, **DATA)
    assert network(torch.rand(2, 1, 8, 8)).shape == (2, 3)
    assert not any(isinstance(module, ChoiceModule) for module in network.modules())
    assert network.stem.out_channels == 2
    assert all(torch.equal(*both) for both in zip(network.parameters(), again.parameters(), strict=True))
    assert any(isinstance(module, ChoiceModule) for module in undecided.modules())


def test_settings_of_the_network_are_arguments_of_the_constructor() -> None:
    with kept(NETWORKS):
        networks.register("own", Net)
        settings = networks.sized_network("own", {"hidden": 7})
        assert networks.build("own", {"width": 2, "act": "tanh"}, **DATA, **settings).join.out_features == 7
        with pytest.raises(TrainableError, match="takes no setting 'hiden'; did you mean 'hidden'"):
            networks.sized_network("own", {"hiden": 7})


def test_a_partial_keeps_plain_arguments_as_settings() -> None:
    family = own_family(halved)
    assert (family.origin, dict(family.small), family.reference) == (Net, {"hidden": 2}, None)


def test_an_instance_is_kept_by_its_class_where_that_makes_it_again() -> None:
    assert own_family(TwoInputs()).origin is TwoInputs
    changed = TwoInputs()
    changed.look.padding = (0, 0)
    assert own_family(changed).origin is not TwoInputs


def test_an_instance_is_a_template_whose_weights_are_drawn_anew() -> None:
    given = Fixed(3)
    builder = own_family(given).builder
    torch.manual_seed(0)
    one, two = builder({"look": 0}), builder({"look": 0})
    assert not torch.equal(one.head.weight, two.head.weight)
    assert not torch.equal(one.head.weight, given.head.weight)
    torch.manual_seed(0)
    assert torch.equal(builder({"look": 0}).head.weight, one.head.weight)


def test_the_space_is_that_of_the_module_and_leaves_the_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    space = module_space(own_family(Net), DATA, "own")
    assert (space.name, space.size) == ("own", 4)
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_argument_that_nobody_decides_is_refused_with_the_remedy() -> None:
    with pytest.raises(TrainableError, match=r"Fixed needs the argument 'hidden', .* give an instance, Fixed\(hidden"):
        module_space(own_family(Fixed), DATA, "own")


def test_a_constructor_that_raises_is_named() -> None:
    class Broken(nn.Module):
        def __init__(self, num_classes: int) -> None:
            super().__init__()
            raise ValueError("no such width")

    with pytest.raises(TrainableError, match=r"Broken\(num_classes=3\) raised ValueError: no such width; repair it"):
        module_space(own_family(Broken), DATA, "own")


@pytest.mark.parametrize(
    ("given", "name"),
    [(Net, "net"), (TwoInputs, "two_inputs"), (built, "built"), (lambda architecture: None, "own_network")],
)
def test_the_name_is_the_snake_case_of_the_class_or_function(given: object, name: str) -> None:
    assert own_name(own_family(given), nothing_taken) == name


def test_names_are_distinguished_by_arguments_and_where_they_are_taken() -> None:
    names = [own_name(own_family(given), nothing_taken) for given in (Net, halved, partial(Net, hidden=3))]
    names += [own_name(own_family(Net), lambda name: name == "net"), own_name(own_family(Fixed(3)), nothing_taken)]
    assert len(set(names)) == 5
    assert names[1] == own_name(own_family(partial(Net, hidden=2)), nothing_taken)
    assert own_name(own_family(Fixed(3)), nothing_taken) != own_name(own_family(Fixed(4)), nothing_taken)


def test_names_are_as_long_as_they_may_be() -> None:
    long = type("N" + "a" * 80, (Net,), {})
    plain, given = (
        own_name(own_family(long), nothing_taken),
        own_name(own_family(partial(long, hidden=3)), nothing_taken),
    )
    other = own_name(own_family(long), lambda name: name == plain)
    assert (len(plain), len(given), len(other)) == (64, 64, 64)
    assert plain[:57] == given[:57] == other[:57]


def test_what_builds_nothing_is_refused() -> None:
    with pytest.raises(TrainableError, match="3 builds no network; give a function of an architecture, or a torch"):
        own_family(3)
