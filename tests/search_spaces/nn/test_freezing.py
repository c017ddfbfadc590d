"""`freeze`: the plain module of one architecture, with the weights and all that a copy keeps."""

from __future__ import annotations

import copy
import pickle
import random

import pytest
import torch

import search_spaces.nn as nn
from search_spaces import ArchitectureError
from search_spaces.errors import SpaceError

X = torch.rand(2, 4, 3, 3)


class Block(nn.Module):
    """A convolution of chosen kernel between layers of a shared width."""

    def __init__(self, width, kernel=None):
        super().__init__()
        self.kernel = nn.ValueChoice([1, 3]) if kernel is None else kernel
        self.conv = nn.Conv2d(width, width, self.kernel, padding=self.kernel // 2)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        return self.norm(self.conv(x))


class Net(nn.Module):
    """Every kind of choice, nested and tied."""

    def __init__(self):
        super().__init__()
        self.width = nn.ValueChoice([2, 4])
        self.stem = nn.Conv2d(4, self.width, 1)
        self.stage = nn.Repeat(lambda: Block(self.width), (0, 2))
        self.op = nn.LayerChoice({"block": Block(self.width), "pool": nn.MaxPool2d(3, 1, 1), "id": nn.Identity()})
        self.node = nn.InputChoice(3, 2, layers=[nn.LayerChoice([nn.Identity(), nn.Tanh()]) for _ in range(3)])
        self.skip = nn.InputChoice(2, (1, 2), "none", label="skip.inputs")
        self.drop = nn.Dropout(nn.ValueChoice([0.0, 0.5], label="rate"))
        self.head = nn.Linear(self.width * 9, 3)

    def forward(self, x):
        x0 = self.stem(x)
        x1 = self.stage(x0)
        x2 = self.node([x0, x1, self.op(x1)])
        kept = self.skip([x1, x1 + x2])
        total = sum(kept) if isinstance(kept, list) else kept
        return self.head(self.drop(total).flatten(1))


def by_hand(net, tree, x):
    """What the undecided `net` computes along the path that `tree` says."""

    def block(made, width, kernel, x):
        conv, norm = made.conv, made.norm
        start = (3 - kernel) // 2
        weight = conv.weight[:width, :width, start : start + kernel, start : start + kernel]
        x = torch.conv2d(x, weight, conv.bias[:width], padding=kernel // 2)
        stats = (norm.running_mean[:width], norm.running_var[:width], norm.weight[:width], norm.bias[:width])
        return torch.nn.functional.batch_norm(x, *stats)

    width = tree["width"]
    x0 = torch.conv2d(x, net.stem.weight[:width], net.stem.bias[:width])
    x1 = x0
    for made, decided in zip(net.stage, tree["stage"], strict=False):
        x1 = block(made, width, decided["kernel"], x1)
    (name, inner), *_ = tree["op"].items()
    after = block(net.op["block"], width, inner["kernel"], x1) if name == "block" else net.op[name](x1)
    x2 = 0
    for item in tree["node"]:
        (name, index), *_ = item.items()
        x = [x0, x1, after][int(name[-1])]
        x2 = x2 + (x.tanh() if index else x)
    total = sum([x1, x1 + x2][index] for index in tree["skip"]["inputs"])
    return total.flatten(1) @ net.head.weight[:, : width * 9].T + net.head.bias


def assert_plain(module):
    for part in module.modules():
        assert type(part).__module__ in ("search_spaces.nn.plain", __name__) or type(part).__module__.startswith(
            "torch."
        )
        for held in vars(part).values():
            assert not isinstance(held, nn.Value | nn.ChoiceModule | nn.Arguments)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    made = Net()
    for norm in (part for part in made.modules() if isinstance(part, nn.BatchNorm2d)):
        norm.running_mean.uniform_()
        norm.weight.data.uniform_()
    return made


@pytest.mark.slow
def test_50_members_compute_the_path_and_train(net):
    space = nn.space_of(net)
    rng = random.Random(0)
    for _ in range(50):
        architecture = space.sample(rng)
        frozen = nn.freeze(net, architecture)
        assert_plain(frozen)
        with torch.no_grad():
            expected = by_hand(net, architecture.tree, X)
            assert torch.allclose(frozen.eval()(X), expected, atol=1e-5), architecture
        frozen.train()(X).sum().backward()
        assert all(p.grad is not None for p in frozen.stem.parameters())
        again = nn.freeze(net, architecture)
        again.load_state_dict(frozen.state_dict())
        assert (frozen.width, frozen.drop.p) == (architecture["width"], architecture["rate"])


def test_it_draws_no_random_numbers_and_leaves_the_original_alone(net):
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    state = torch.get_rng_state()
    with torch.no_grad():
        for parameter in nn.freeze(net, nn.space_of(net).sample(0)).parameters():
            parameter.add_(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_the_undecided_module_runs_its_default_path(net):
    default = {"width": 4, "stage": [{"kernel": 3}] * 2, "op": {"block": {"kernel": 3}}, "skip": {"inputs": [0, 1]}}
    default |= {"node": [{"input_0": 0}, {"input_1": 0}], "rate": 0.5}
    assert torch.equal(nn.freeze(net, default).eval()(X), copy.deepcopy(net).eval()(X))
    made = copy.deepcopy(net)
    made(X).sum().backward()
    assert made.head.weight.grad is not None
    made.load_state_dict(pickle.loads(pickle.dumps(net)).state_dict())


def test_a_copy_of_the_undecided_module_freezes_alike(net):
    architecture = nn.space_of(net).sample(3)
    expected = nn.freeze(net, architecture).state_dict()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        made = nn.freeze(other, architecture).state_dict()
        assert list(made) == list(expected)
        assert all(torch.equal(made[name], expected[name]) for name in made)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"width": 3}, "width"),
        ({"op": {"block": {"kernel": 5}}}, "op.block.kernel"),
        ({"op": "pool"}, "op"),
        ({"stage": [{"kernel": 3}, {"kernel": 2}]}, "stage.1.kernel"),
        ({"node": [{"input_0": 0}, {"input_1": 7}]}, "node.input_1"),
    ],
)
def test_what_is_no_member_is_refused_with_the_path(net, change, path):
    tree = nn.space_of(net).sample(0).tree
    with pytest.raises(ArchitectureError) as caught:
        nn.freeze(net, tree | change)
    assert caught.value.path == path


def test_what_stands_in_the_place_of_choices(net):
    tree = nn.space_of(net).sample(0).tree | {"stage": [], "op": {"pool": {}}, "skip": {"inputs": [1]}}
    frozen = nn.freeze(net, tree)
    assert type(frozen.op) is torch.nn.MaxPool2d
    assert type(frozen.stage) is torch.nn.Sequential
    assert type(frozen.node) is nn.SelectInputs
    assert (len(frozen.stage), len(frozen.node.layers), frozen.skip.indices) == (0, 2, (1,))


class Holder(nn.Module):
    """Any attributes, in order."""

    def __init__(self, **held):
        super().__init__()
        for name, value in held.items():
            setattr(self, name, value)


def test_a_choice_alone_is_frozen():
    relu = nn.ReLU()
    assert type(nn.freeze(nn.LayerChoice([nn.Identity(), relu]), 1)) is nn.ReLU.plain
    assert len(nn.freeze(nn.Repeat(relu, (1, 3)), 2)) == 2
    assert nn.freeze(nn.Linear(3, nn.ValueChoice([1, 2])), {"out_features": 1}).out_features == 1


def test_mode_gradients_and_type_are_kept():
    width = nn.ValueChoice([2, 4])
    net = Holder(a=nn.Linear(3, width), op=nn.LayerChoice([nn.Linear(3, width), nn.Identity()]), skip=nn.InputChoice(2))
    net.a.weight.requires_grad_(False)
    net.a.eval()
    net.skip.eval()
    frozen = nn.freeze(net.double(), {"a": {"out_features": 2}, "op": 0, "skip": 1})
    assert (frozen.training, frozen.a.training, frozen.op.training, frozen.skip.training) == (True, False, True, False)
    assert (frozen.a.weight.requires_grad, frozen.a.bias.requires_grad) == (False, True)
    assert {p.dtype for p in frozen.parameters()} == {torch.float64}
    assert {p.device.type for p in nn.freeze(net.to("meta"), nn.space_of(net).sample(0)).parameters()} == {"meta"}


def test_what_was_shared_stays_shared():
    width = nn.ValueChoice([2, 4])
    module, choice = nn.Linear(3, 3), nn.LayerChoice([nn.Identity(), nn.Linear(3, 3)])
    net = Holder(width=width, read=nn.Linear(width, 5), write=nn.Linear(width, 5, bias=False), tied=nn.Linear(3, 3))
    net.write.weight = net.read.weight
    net.tied.weight = module.weight
    net.op = nn.LayerChoice([module, nn.Identity()])
    net.one, net.other = choice, choice
    for decided in (2, 4):
        frozen = nn.freeze(net, {"width": decided, "op": 0, "one": 1})
        assert frozen.write.weight is frozen.read.weight
        assert frozen.write.weight.shape == (5, decided)
        assert frozen.tied.weight is frozen.op.weight
        assert frozen.one is frozen.other


def test_a_labelled_choice_may_stand_in_several_layers():
    repeat = nn.Repeat(nn.Linear(3, 3), (1, 2), label="depth")
    net = Holder(node=nn.InputChoice(2, 2, layers=[repeat, nn.Sequential(repeat)]))
    frozen = nn.freeze(net, {"node": [{"input_0": {}}, {"input_1": {}}], "depth": 2})
    assert frozen.node.layers[0] is frozen.node.layers[1][0]


def test_labels_tie_across_options():
    net = Holder(
        a=nn.LayerChoice([nn.Linear(3, nn.ValueChoice([1, 2], label="w")), nn.Identity()]),
        b=nn.Linear(3, nn.ValueChoice([1, 2], label="w") * 10),
        c=nn.LayerChoice({"x": nn.Identity(), "y": nn.LayerChoice([nn.Tanh(), nn.ReLU()])}, label="d"),
        d2=nn.LayerChoice({"x": nn.Tanh(), "y": nn.LayerChoice([nn.Identity(), nn.Tanh()])}, label="d"),
    )
    frozen = nn.freeze(net, {"a": 0, "w": 1, "d": {"y": 1}})
    assert (frozen.a.out_features, frozen.b.out_features) == (1, 10)
    assert (type(frozen.c), type(frozen.d2)) == (torch.nn.ReLU, torch.nn.Tanh)


def test_a_depth_by_value_is_shared_by_label():
    depth = nn.ValueChoice([0, 2], label="depth")
    net = Holder(a=nn.Repeat(nn.LayerChoice([nn.Identity(), nn.ReLU()]), depth + 1), b=nn.Repeat(nn.ReLU(), depth))
    frozen = nn.freeze(net, {"depth": 0, "a": {"blocks": [1, 0, 0]}})
    assert ([type(part) for part in frozen.a], len(frozen.b)) == ([torch.nn.ReLU], 0)


def test_values_in_attributes_become_their_candidates():
    width = nn.ValueChoice([2, 4])
    net = Holder(width=width, sizes=[width, width * 3, {"half": width // 2}], shape=nn.ValueChoice([(1, 2), (2, 1)]))
    frozen = nn.freeze(net, {"width": 4, "shape": [2, 1]})
    assert (frozen.width, frozen.sizes, frozen.shape) == (4, [4, 12, {"half": 2}], (2, 1))


class Hidden:
    def __init__(self, held):
        self.held = held


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (lambda: [nn.LayerChoice([nn.ReLU()])], "a LayerChoice is held where torch does not see it.*ModuleList"),
        (lambda: Hidden(nn.ValueChoice([1, 2])), "held in an object that space_of does not look into"),
    ],
)
def test_what_is_hidden_from_the_space_is_refused(held, said):
    net = Holder(skip=nn.InputChoice(2), held=held())
    with pytest.raises(SpaceError, match=said):
        nn.freeze(net, {"skip": 0})


def test_a_layer_that_cannot_be_built_says_where():
    groups = nn.ValueChoice([1, 2, 3])
    net = Holder(inner=Holder(conv=nn.Conv2d(6, 6, 1, groups=groups.map(lambda g: {1: 1, 2: 4, 3: 3}[g]))))
    with pytest.raises(SpaceError, match=r"inner\.conv: Conv2d\(.*groups=4.* cannot be built"):
        nn.freeze(net, {"inner": {"conv": {"groups": 2}}})
