"""Language models of recurrent cells: the papers' parameters, the cells by hand, states, the undecided module."""

from __future__ import annotations

import random

import pytest
import torch

import search_spaces
from search_spaces.errors import ArchitectureError
from search_spaces.nn import freeze, space_of
from tests.trainables.members import SWEEP
from trainables import build
from trainables.errors import TrainableError
from trainables.networks import example

SMALL = {"vocabulary": 7, "embedding": 4, "hidden": 4}
DRY = {f"dropout{what}": 0.0 for what in ("", "_hidden", "_input", "_embedding", "_word")}
V2 = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5), "
    "('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)
ENAS = "0 0 0 1 1 2 1 2 0 2 0 5 1 1 0 6 1 8 1 8 1 8 1"
FUNCTIONS = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda x: x}
FAMILIES = ["recurrent", "enas_recurrent"]


def published(name):
    space = search_spaces.get(name)
    return space.from_genotype(V2) if name == "recurrent" else space.from_sequence(ENAS)


def loud(network):
    """In double precision, evaluating, with weights so large that no difference is lost in them."""
    for parameter in network.double().parameters():
        torch.nn.init.uniform_(parameter, -1, 1)
    return network.eval()


def count(name, **settings):
    with torch.device("meta"):
        return sum(p.numel() for p in build(name, published(name), **settings).parameters())


def test_darts_model_has_23_million_parameters():
    first, nodes = (850 + 850) * 2 * 850, 8 * 850 * 2 * 850
    expected = first + nodes + 10_000 * 850 + 10_000
    assert count("recurrent") == expected == 22_960_000
    untied = first - (850 - 300) * 2 * 850 + nodes + 10_000 * 300 + 850 * 10_000 + 10_000
    assert count("recurrent", tied=False, embedding=300) == untied


def test_enas_model_has_the_weights_of_the_authors_code():
    expected = (2 * 748) ** 2 + 11 * 748 * 2 * 748 + 10_000 * 748
    assert count("enas_recurrent") == expected == 22_027_104
    assert count("enas_recurrent", bias=True) == expected + 10_000


@pytest.mark.parametrize("name", FAMILIES)
@SWEEP
def test_random_members_run(name, count):
    rng = random.Random(0)
    space = search_spaces.get(name)
    for index in range(count):
        network = build(name, space.sample(rng), tied=bool(index % 2), **SMALL)
        tokens = example(name, **SMALL)[:, : 1 + index % 2]
        logits = network(tokens)
        assert logits.shape == (2, 1 + index % 2, 7)
        logits.square().mean().backward()
        assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters())


def test_an_example_is_a_text_of_35_words():
    tokens = example("recurrent", batch=3)
    assert tokens.shape == (3, 35)
    assert tokens.dtype == torch.int64
    assert int(tokens.max()) >= 7


@pytest.mark.parametrize("name", FAMILIES)
def test_the_cell_is_computed_by_hand(name):
    torch.manual_seed(0)
    architecture = published(name)
    network = loud(build(name, architecture, **SMALL))
    tokens = torch.randint(7, (1, 3))
    tree = architecture.tree
    first = tree.pop("node_0")["activation"] if name == "enas_recurrent" else "tanh"
    averaged = (
        range(1, 9)
        if name == "recurrent"
        else search_spaces.get(name).averaged(search_spaces.get(name).nodes_of(architecture))
    )
    h, expected = torch.zeros(4, dtype=torch.float64), []
    for word in network.tokens(tokens[0]):
        gate, value = (torch.cat((word, h)) @ network.cell.weight).split(4)
        states = [h + torch.sigmoid(gate) * (FUNCTIONS[first](value) - h)]
        for decided, node in zip(tree.values(), network.cell.nodes, strict=True):
            before = states[decided["input"]]
            gate, value = (before @ node.weight).split(4)
            states.append(before + torch.sigmoid(gate) * (FUNCTIONS[decided["activation"]](value) - before))
        h = sum(states[index] for index in averaged) / len(averaged)
        expected.append(network.tokens.weight @ h + (0 if network.bias is None else network.bias))
    assert torch.allclose(network(tokens)[0], torch.stack(expected))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_text_in_pieces_gives_the_same_logits(name):
    torch.manual_seed(0)
    network = loud(build(name, published(name), **SMALL))
    tokens = torch.randint(7, (2, 5))
    first, state = network.unroll(tokens[:, :2])
    second, _ = network.unroll(tokens[:, 2:], state.detach())
    assert torch.allclose(torch.cat((first, second), 1), network(tokens))
    assert not torch.allclose(network(tokens[:, 2:]), second)


def test_a_later_token_never_changes_earlier_logits():
    network = loud(build("recurrent", published("recurrent"), **SMALL))
    tokens = torch.randint(7, (1, 4))
    changed = tokens.clone()
    changed[0, 2] = (changed[0, 2] + 1) % 7
    assert torch.equal(network(changed)[:, :2], network(tokens)[:, :2])
    assert not torch.equal(network(changed)[:, 2], network(tokens)[:, 2])


@pytest.mark.parametrize("dropout", DRY)
def test_every_dropout_acts_in_training_only(dropout):
    torch.manual_seed(0)
    network = build("recurrent", published("recurrent"), **SMALL, **{**DRY, dropout: 0.5})
    tokens = torch.randint(7, (3, 4))
    assert not torch.equal(network(tokens), network(tokens))
    assert torch.equal(network.eval()(tokens), network(tokens))


@pytest.mark.parametrize("dropout", ["dropout_word", "dropout_embedding", "dropout_input"])
def test_half_of_the_inputs_vanish_and_the_others_are_doubled(dropout):
    torch.manual_seed(0)
    settings = {**SMALL, "embedding": 8, "hidden": 8, **DRY, dropout: 0.5}
    network = build("recurrent", published("recurrent"), **settings)
    tokens, seen = torch.randint(7, (3, 20)), []
    network.cell.register_forward_pre_hook(lambda cell, given: seen.append(given[0]))
    network(tokens)
    factors = seen[0] / network.tokens(tokens)
    assert factors.round(decimals=4).unique().tolist() == [0, 2]
    if dropout == "dropout_word":
        assert torch.equal(factors.amin(2), factors.amax(2)), "words are dropped whole"
    else:
        assert torch.equal(factors.amin(1), factors.amax(1)), "a mask stays for a whole text"


def test_masks_stay_for_a_whole_text():
    torch.manual_seed(0)
    network = build(
        "recurrent", published("recurrent"), **{**SMALL, "embedding": 64, "hidden": 64}, **{**DRY, "dropout": 0.5}
    )
    with torch.no_grad():
        network.tokens.weight.copy_(torch.eye(7, 64))
    untouched = network.eval().unroll(torch.arange(5)[None])[0]
    logits = network.train().unroll(torch.arange(5)[None])[0]
    gone = logits[0] == 0
    assert not (untouched == 0).any()
    assert gone.any()
    assert bool((gone == gone[0]).all())
    assert torch.allclose(logits[0][~gone], 2 * untouched[0][~gone])


def test_masked_states_tell_the_nodes_nothing():
    cell = loud(build("recurrent", published("recurrent"), **SMALL)).cell
    x, state = torch.rand(2, 2, 3, 4, dtype=torch.float64).unbind()
    state = state[:, 0]
    before = [cell(x, state, torch.full_like(state, kept)) for kept in (0, 1)]
    torch.nn.init.uniform_(cell.nodes[3].weight, -1, 1)
    after = [cell(x, state, torch.full_like(state, kept)) for kept in (0, 1)]
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


@pytest.mark.parametrize("name", FAMILIES)
def test_the_undecided_module_declares_the_space(name):
    space = search_spaces.get(name)
    with torch.device("meta"):
        found = space_of(build(name, None))
    assert found.to_spec()["tree"] == space.to_spec()["tree"]
    reduced = {"nodes": 3, "activations": ("relu", "tanh")}
    found = space_of(build(name, None, **SMALL, **reduced))
    assert found.to_spec()["tree"] == search_spaces.get(name, **reduced).to_spec()["tree"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_frozen_module_is_the_built_one(name):
    torch.manual_seed(0)
    space = search_spaces.get(name)
    undecided = loud(build(name, None, **SMALL, tied=False))
    tokens = torch.randint(7, (2, 3))
    assert undecided(tokens).shape == (2, 3, 7)
    for seed in range(3):
        architecture = space.sample(seed)
        frozen, built = freeze(undecided, architecture), build(name, architecture, **SMALL, tied=False).double().eval()
        shapes = {key: value.shape for key, value in frozen.state_dict().items()}
        assert shapes == {key: value.shape for key, value in built.state_dict().items()}
        built.load_state_dict(undecided.state_dict())
        assert torch.equal(frozen(tokens), built(tokens))


def test_a_frozen_decoder_stays_tied():
    frozen = freeze(build("recurrent", None, **SMALL), published("recurrent"))
    assert sum(p.numel() for p in frozen.parameters()) == 8 * 8 + 8 * 4 * 8 + 7 * 4 + 7


@pytest.mark.parametrize(
    ("name", "architecture", "path"),
    [
        ("recurrent", {}, "node_1"),
        ("recurrent", {"node_1": "relu"}, "node_1"),
        ("recurrent", {"node_1": {"input": 1, "activation": "relu"}}, "node_1.input"),
        ("recurrent", {"node_1": {"input": 0, "activation": "rely"}}, "node_1.activation"),
        ("recurrent", {"node_2": {"input": 0, "activation": "relu"}}, "node_1"),
        ("enas_recurrent", {"node_1": {"input": 0, "activation": "relu"}}, "node_0"),
    ],
)
def test_foreign_architectures_are_refused_with_their_path(name, architecture, path):
    with pytest.raises(ArchitectureError) as caught:
        build(name, architecture)
    assert caught.value.path == path


def test_bad_settings_are_refused():
    for settings in ({"vocabulary": 0}, {"dropout_word": 2}, {"tied": "no"}, {"hidden": 0.5}, {"embedding": 3}):
        with pytest.raises(TrainableError, match=next(iter(settings))):
            build("recurrent", published("recurrent"), **{**SMALL, **settings})
    with pytest.raises(TrainableError, match="did you mean 'relu'"):
        build("recurrent", None, **SMALL, activations=["rellu"])
