"""Nested state comes back to the last bit, and nothing foreign or damaged is read."""

from __future__ import annotations

import json
import math

import pytest
import torch

from trainables.errors import CheckpointError
from trainables.trial.checkpoint import read_tensors, write_tensors


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


def test_every_kind_of_value_round_trips(tmp_path):
    shared = torch.arange(6, dtype=torch.float64)
    state = {
        "weights": [shared, shared[2:], shared.view(2, 3).T, torch.tensor(3.5), torch.empty(0, 4)],
        "types": [torch.zeros(2, dtype=kind) for kind in (torch.bool, torch.uint8, torch.int64, torch.bfloat16)],
        7: {"nested": (1, 2.5, None, True, "text", [])},
        "odd": [math.inf, -math.inf, math.nan, 0.1 + 0.2, -0.0, 2**70],
        "looks like": {"tensor": "0", "dict": []},
        "rng": torch.get_rng_state(),
    }
    write_tensors(tmp_path, "state", state)
    back = read_tensors(tmp_path, "state")
    assert same(state, back)
    assert math.copysign(1, back["odd"][4]) == -1


def test_optimizer_goes_on_as_if_never_stopped(tmp_path):
    def fresh():
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 2)
        return layer, torch.optim.AdamW(layer.parameters())

    def move(layer, optimizer):
        optimizer.zero_grad()
        layer(torch.ones(1, 3)).square().sum().backward()  # whose gradient changes: else every step of Adam is lr long
        optimizer.step()

    layer, optimizer = fresh()
    move(layer, optimizer)
    write_tensors(tmp_path, "s", {"layer": layer.state_dict(), "optimizer": optimizer.state_dict()})
    move(layer, optimizer)
    (other, again), (forgetful, anew) = fresh(), fresh()
    state = read_tensors(tmp_path, "s")
    other.load_state_dict(state["layer"])
    again.load_state_dict(state["optimizer"])
    move(other, again)
    assert torch.equal(layer.weight, other.weight)
    forgetful.load_state_dict(state["layer"])
    move(forgetful, anew)
    assert not torch.equal(layer.weight, forgetful.weight), "the optimizer's state matters"


def test_written_state_does_not_change_with_the_tensor(tmp_path):
    tensor = torch.zeros(2)
    write_tensors(tmp_path, "s", tensor)
    tensor += 1
    assert torch.equal(read_tensors(tmp_path, "s"), torch.zeros(2))


@pytest.mark.parametrize("value", [object(), {1, 2}, {"a": [lambda: None]}, {(1, 2): 3}, {"a": 1j}])
def test_what_json_cannot_say_is_refused_with_its_place(tmp_path, value):
    with pytest.raises(CheckpointError, match=r"^state"):
        write_tensors(tmp_path, "state", value)
    assert list(tmp_path.iterdir()) == []


def test_missing_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        read_tensors(tmp_path, "state")


@pytest.mark.parametrize("place", [-1, 40])
def test_flipped_byte_is_found(tmp_path, place):
    write_tensors(tmp_path, "state", {"a": torch.ones(100)})
    file = tmp_path / "state.safetensors"
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="digest"):
        read_tensors(tmp_path, "state")


@pytest.mark.parametrize("damage", [lambda t: t[: len(t) // 2], lambda t: "", lambda t: "[1]"])
def test_damaged_json_is_found(tmp_path, damage):
    write_tensors(tmp_path, "state", {"a": torch.ones(3)})
    file = tmp_path / "state.json"
    file.write_text(damage(file.read_text()))
    with pytest.raises(CheckpointError):
        read_tensors(tmp_path, "state")


def test_newer_format_is_refused(tmp_path):
    write_tensors(tmp_path, "state", {})
    file = tmp_path / "state.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    with pytest.raises(CheckpointError, match="99"):
        read_tensors(tmp_path, "state")


def test_pickle_is_never_read(tmp_path):
    write_tensors(tmp_path, "state", {"a": torch.ones(3)})
    torch.save(torch.nn.Linear(1, 1), tmp_path / "state.safetensors")
    with pytest.raises(CheckpointError):
        read_tensors(tmp_path, "state")
