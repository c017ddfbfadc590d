"""Each method mixes as its paper says."""

from __future__ import annotations

import pytest
import torch

import search_spaces.nn as nn
from tests.trainables.supernet.toys import SOFT, Nothing, Scale, Two, set_alphas
from trainables.errors import TrainableError
from trainables.supernet import METHODS, Draws, discretize, relax

ONE = torch.ones(1)


class Counted(Scale):
    calls = 0

    def forward(self, x):
        Counted.calls += 1
        return super().forward(x)


def three(method, **settings):
    """One choice of 1, 2 and 3 times, and its supernet."""
    torch.manual_seed(0)
    choice = nn.LayerChoice([Counted(1), Counted(2), Counted(3)], label="op")
    return relax(nn.Sequential(choice), method, **settings)


def node(method):
    def edge(factor):
        return nn.LayerChoice({"a": Scale(factor), "none": Nothing()}, relaxed_only=("none",))

    return relax(nn.Sequential(nn.InputChoice(3, 2, layers=[edge(1), edge(10), edge(100)], label="node")), method)


def test_every_method_says_its_paper():
    assert all(method.paper.startswith("arXiv ") and method.__doc__ for method in dict(METHODS.items()).values())


def test_vectors_start_small_and_follow_the_seed():
    first, again = (torch.cat(three("darts").architecture_parameters()) for _ in range(2))
    assert torch.equal(first, again)
    assert 0 < first.abs().max() < 0.01


def test_pcdarts_weighs_the_edges_of_a_node():
    supernet = node("pcdarts")
    for index in range(3):
        set_alphas(supernet, **{f"node__input_{index}": [0.0, 0.0]})
    set_alphas(supernet, node=[0.0, 0.0, 0.0])
    assert supernet([ONE] * 3).item() == pytest.approx(111 / 2 / 3)
    set_alphas(supernet, node=[5.0, 0.0, 4.0])
    assert discretize(supernet).tree == {"node": [{"input_0": "a"}, {"input_2": "a"}]}


def test_gdas_computes_one_and_learns_about_all():
    supernet = three("gdas")
    supernet.begin_step(Draws.seeded(1))
    Counted.calls = 0
    value = supernet(ONE)
    assert Counted.calls == 1
    assert value.item() in (1.0, 2.0, 3.0)
    value.backward()
    (alpha,) = supernet.architecture_parameters()
    assert (alpha.grad != 0).all()
    assert alpha.grad.sum().item() == pytest.approx(0, abs=1e-6)


def test_gdas_learns_by_its_softmax_at_the_temperature():
    supernet = three("gdas", temperature=2.0)
    set_alphas(supernet, op=[0.3, -0.2, 0.1])
    supernet.begin_step(Draws.seeded(1))
    supernet(ONE).backward()
    (alpha,), chosen = supernet.architecture_parameters(), supernet.method.chosen["op"]
    soft = torch.softmax((alpha.detach().log_softmax(0) + supernet.method.noise["op"]) / 2, 0)
    value = chosen + 1
    expected = value * soft[chosen] * (torch.eye(3)[chosen] - soft) / 2
    assert torch.allclose(alpha.grad, expected, atol=1e-6)


def test_pdarts_drops_what_identities_pass_on_ever_less():
    choice = nn.LayerChoice({"skip_connect": nn.Identity(), "op": Scale(2)}, label="op")
    supernet = relax(nn.Sequential(choice), "pdarts", skip_dropout=(0.5, 0.0, 0.0))
    set_alphas(supernet, op=[0.0, 0.0])
    torch.manual_seed(0)
    values, counts = supernet(torch.ones(4000)).unique(return_counts=True)
    assert values.tolist() == pytest.approx([1.0, 2.0])  # dropped, or passed on twice as large
    assert counts[0].item() == pytest.approx(2000, abs=150)
    supernet.method.advance(1.0)
    assert supernet.method.skip_dropout == pytest.approx(0.5 * 2.718281828**-3)
    assert torch.equal(supernet.eval()(ONE), torch.tensor([1.5]))


@pytest.mark.slow
def test_gdas_draws_by_the_softmax_of_its_vector():
    supernet = three("gdas")
    set_alphas(supernet, op=[0.0, 1.0, 2.0])
    draws, counts = Draws.seeded(0), torch.zeros(3)
    for _ in range(1000):
        supernet.begin_step(draws)
        counts[supernet.method.chosen["op"]] += 1
    assert torch.allclose(counts / 1000, torch.softmax(torch.tensor([0.0, 1.0, 2.0]), 0), atol=0.05)


def test_gdas_takes_the_best_out_of_training():
    supernet = three("gdas").eval()
    set_alphas(supernet, op=[0.0, 1.0, 0.0])
    assert supernet(ONE).item() == 2


@pytest.mark.parametrize("method", ["gdas", "snas"])
def test_temperatures_fall_over_the_search(method):
    supernet = three(method, temperature=4.0, coldest=0.25)
    seen = []
    for progress in (0.0, 0.5, 1.0):
        supernet.method.advance(progress)
        seen.append(supernet.method.temperature)
    assert seen == pytest.approx([4, {"gdas": 2.125, "snas": 1.0}[method], 0.25])
    with pytest.raises(TrainableError, match="coldest is 5"):
        three(method, temperature=4.0, coldest=5)


@pytest.mark.parametrize("method", ["drnas", "snas"])
def test_drawn_weights_add_up_to_one_and_stay_for_the_step(method):
    supernet = three(method)
    draws = Draws.seeded(0)
    supernet.begin_step(draws)
    first = supernet(ONE)
    weights = supernet.mixes["op"].weights
    assert weights.sum().item() == pytest.approx(1)
    assert torch.equal(supernet(ONE), first)
    supernet.begin_step(draws)
    assert not torch.equal(supernet(ONE), first)


def test_snas_is_its_concrete_distribution_and_grows_cold():
    supernet = three("snas")
    set_alphas(supernet, op=[0.0, 1.0, 0.0])
    supernet.begin_step(Draws.seeded(0))
    supernet.method.advance(1.0)
    supernet(ONE)
    logits = torch.tensor([0.0, 1.0, 0.0]).log_softmax(0) + supernet.method.noise["op"]
    assert torch.allclose(supernet.mixes["op"].weights, (logits / 0.1).softmax(0))


@pytest.mark.slow
def test_drnas_draws_its_distribution_and_its_gradient_is_that_of_the_mean():
    supernet = three("drnas").double()
    set_alphas(supernet, op=[0.5, 1.5, -0.5])
    (alpha,) = supernet.architecture_parameters()
    concentration = torch.nn.functional.elu(alpha) + 1
    mean = (concentration / concentration.sum())[1]
    (expected,) = torch.autograd.grad(mean, alpha)
    draws, weights, gradients = Draws.seeded(0), [], []
    for _ in range(400):
        supernet.begin_step(draws)
        drawn = supernet.method.mixes()["op"].weights
        weights.append(drawn.detach())
        gradients.append(torch.autograd.grad(drawn[1], alpha)[0])
    assert torch.stack(weights).mean(0)[1].item() == pytest.approx(mean.item(), abs=0.05)
    assert torch.allclose(torch.stack(gradients).mean(0), expected, atol=0.05)


def test_drnas_is_held_near_the_even_distribution():
    supernet = three("drnas", anchor=2.0)
    set_alphas(supernet, op=[0.0, 0.0, 0.0])
    assert supernet.method.penalty().item() == pytest.approx(0, abs=1e-6)
    set_alphas(supernet, op=[1.0, 0.0, 0.0])
    concentrations = [torch.tensor(c) for c in ([2.0, 1.0, 1.0], [1.0, 1.0, 1.0])]
    divergence = torch.distributions.kl_divergence(*map(torch.distributions.Dirichlet, concentrations))
    assert supernet.method.penalty().item() == pytest.approx(2 * divergence.item())


def test_fairdarts_lets_options_stand_side_by_side():
    supernet = three("fairdarts")
    set_alphas(supernet, op=[30.0, 30.0, -30.0])
    assert supernet(ONE).item() == pytest.approx(3)
    assert supernet.method.penalty().item() == pytest.approx(-10 * 0.25)
    set_alphas(supernet, op=[0.0, 0.0, 0.0])
    assert supernet.method.penalty().item() == 0


@pytest.mark.parametrize("method", SOFT)
def test_what_was_dropped_weighs_nothing_and_is_not_computed(method):
    supernet = three(method)
    supernet.method.kept["op"] = (0, 2)
    set_alphas(supernet, op=[0.0, 9.0, 1.0])
    draws = Draws.seeded(0)
    for _ in range(5):
        supernet.begin_step(draws)
        Counted.calls = 0
        supernet(ONE).backward()
        assert Counted.calls == (1 if supernet.method.is_hard else 2)
        assert supernet.method.alpha("op").grad[1] == 0
    assert discretize(supernet).tree == {"op": 2}
    again = three(method)
    again.load_state_dict(supernet.state_dict())
    assert again.method.kept == supernet.method.kept


def test_methods_with_chance_want_a_draw_first():
    for method in ("gdas", "snas", "drnas"):
        with pytest.raises(RuntimeError, match="begin_step"):
            relax(Two(), method)(ONE)
