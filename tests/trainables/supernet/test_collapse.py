"""The signs of a collapse are what they say."""

from __future__ import annotations

import pytest
import torch

import search_spaces.nn as nn
from tests.trainables.supernet.toys import Scale, set_alphas
from trainables.supernet import relax
from trainables.supernet.collapse import Alarm, Skips, alpha_entropy, dominant_eigenvalue, skips_of


def chain(count, group="cell"):
    return nn.Sequential(
        *(
            nn.LayerChoice({"skip_connect": Scale(1), "op": Scale(2)}, label=f"{group}.edge_{index}")
            for index in range(count)
        )
    )


def test_skips_are_counted_by_kind_of_cell():
    supernet = relax(nn.Sequential(chain(4, "normal"), chain(4, "reduce"), chain(1, "small")))
    taken = {name: (0,) if name.startswith("normal.edge") else (1,) for name in supernet.decisions}
    taken["small.edge_0"] = (0,)
    found = skips_of(supernet, taken)
    assert found.count == 5
    assert found.shares == {"": 5 / 9, "normal": 1, "reduce": 0}
    assert found.worst == ("normal", 1)


def test_entropy_is_that_of_the_preferences():
    supernet = relax(chain(2))
    set_alphas(supernet, cell__edge_0=[0.0, 0.0], cell__edge_1=[99.0, 0.0])
    assert alpha_entropy(supernet) == pytest.approx(torch.tensor(2.0).log().item() / 2)


def test_the_dominant_eigenvalue_is_found_with_its_sign():
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    values = torch.tensor([-5.0, 3.0, 1.0, 0.5, 0.1, 0.0], dtype=torch.float64)
    hessian = basis @ values.diag() @ basis.T
    parts = [torch.randn(n, generator=generator, dtype=torch.float64).requires_grad_() for n in (2, 4)]
    weight = torch.ones(1, requires_grad=True)

    def loss():
        vector = torch.cat(parts)
        return 0.5 * vector @ hessian @ vector + weight.detach().sum()

    found = dominant_eigenvalue(loss, [weight], parts, generator, iterations=100, tolerance=1e-6)
    assert found == pytest.approx(-5, rel=1e-4)
    assert weight.requires_grad
    assert dominant_eigenvalue(lambda: parts[0].sum(), [], parts, generator) == 0
    flat = [torch.zeros(3, requires_grad=True)]
    assert dominant_eigenvalue(lambda: flat[0].pow(3).sum(), [], flat, generator) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_the_dominant_eigenvalue_of_a_supernet_is_that_of_its_dense_hessian(seed):
    torch.manual_seed(seed)
    layers = [nn.LayerChoice([Scale(0.3), nn.Linear(3, 3), nn.Tanh()], label=name) for name in "ab"]
    supernet = relax(nn.Sequential(*layers)).double()
    images, labels = torch.randn(8, 3, dtype=torch.float64), torch.arange(8) % 3
    alphas = supernet.architecture_parameters()

    def loss(vector=None):
        moved = {} if vector is None else dict(zip(named, vector.split([3, 3]), strict=True))
        return torch.nn.functional.cross_entropy(torch.func.functional_call(supernet, moved, (images,)), labels)

    named = [name for name, parameter in supernet.named_parameters() if any(parameter is alpha for alpha in alphas)]
    dense = torch.autograd.functional.hessian(loss, torch.cat([alpha.detach() for alpha in alphas]))
    values = torch.linalg.eigvalsh(dense)
    expected = values[values.abs().argmax()].item()
    generator = torch.Generator().manual_seed(0)
    weights = supernet.weight_parameters()
    found = dominant_eigenvalue(loss, weights, alphas, generator, iterations=200, tolerance=1e-6)
    assert found == pytest.approx(expected, rel=1e-3)


def test_the_alarm_wants_two_epochs_in_a_row():
    alarm = Alarm(0.5)
    crowded, sound = Skips(4, {"": 0.25, "normal": 0.5}), Skips(3, {"": 0.2, "normal": 0.375})
    assert [bool(alarm.update(skips)) for skips in (crowded, sound, crowded, crowded, crowded)] == [0, 0, 0, 1, 1]
    assert alarm.update(crowded) == "50% of the operations of normal are skip connections"


def test_the_alarm_needs_eigenvalues_of_ten_epochs():
    alarm, sound = Alarm(), Skips(0, {"": 0.0})
    assert [bool(alarm.update(sound, value)) for value in (*[1.0] * 5, *[1.5] * 6)] == [0] * 9 + [1, 1]
    exactly = Alarm(ratio=1.5)
    assert not any(exactly.update(sound, value) for value in (*[1.0] * 5, *[1.5] * 5))


def test_the_alarm_hears_eigenvalues_grow():
    alarm = Alarm()
    sound = Skips(0, {"": 0.0})
    assert not any(alarm.update(sound, 1.0) for _ in range(9))
    heard = [alarm.update(sound, value) for value in (1.0, 1.2, -2.5)]
    assert heard[:2] == ["", ""]
    assert heard[2] == "the dominant eigenvalue grew from 1 to 1.34 in five epochs"
