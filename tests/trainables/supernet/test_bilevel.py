"""The gradients of the architecture are those of a problem whose solution is known, and of autograd."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from trainables.networks import build
from trainables.supernet import relax
from trainables.supernet.bilevel import exact_order, first_order, frozen, second_order

RATE, MOMENTUM, DECAY = 0.1, 0.9, 3e-4


class Quadratic:
    """train = 1/2 |w - A a|^2, valid = 1/2 |w - t|^2 + 1/2 |a|^2; its solution is (A'A + 1)^-1 A't, by w = A a."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.map = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        self.target = torch.randn(4, generator=generator, dtype=torch.float64)
        self.w = torch.randn(4, generator=generator, dtype=torch.float64).requires_grad_()
        self.a = torch.randn(3, generator=generator, dtype=torch.float64).requires_grad_()

    def train(self):
        return 0.5 * (self.w - self.map @ self.a).square().sum()

    def valid(self):
        return 0.5 * (self.w - self.target).square().sum() + 0.5 * self.a.square().sum()

    def gradient(self, order, rate=RATE):
        if order is first_order:
            return first_order(self.valid, [self.w], [self.a])[0]
        return order(self.train, self.valid, [self.w], [self.a], lambda gradients: gradients, rate)[0]


def test_first_order_takes_the_weights_for_constants():
    problem = Quadratic()
    assert torch.equal(problem.gradient(first_order), problem.a)


@pytest.mark.parametrize("order", [second_order, exact_order])
def test_second_orders_are_the_closed_form(order):
    problem = Quadratic()
    before = problem.w.detach().clone()
    ahead = before - RATE * (before - problem.map @ problem.a)
    expected = problem.a + RATE * problem.map.T @ (ahead - problem.target)
    assert torch.allclose(problem.gradient(order), expected, atol=1e-9)
    assert torch.equal(problem.w, before)
    assert problem.w.requires_grad
    assert problem.w.grad is None


@pytest.mark.slow
@pytest.mark.parametrize("order", [second_order, exact_order])
def test_descent_arrives_at_the_known_solution_and_first_order_does_not(order):
    problem = Quadratic()
    solution = torch.linalg.solve(
        problem.map.T @ problem.map + torch.eye(3, dtype=torch.float64), problem.map.T @ problem.target
    )
    descend(problem, order)
    assert torch.allclose(problem.a, solution, atol=1e-3)
    other = Quadratic()
    descend(other, first_order)
    assert other.a.abs().max() < 1e-4


def descend(problem, order):
    for _ in range(150):
        # With a rate of 1 the step ahead ends where the training loss is least.
        gradient = problem.gradient(order, rate=1.0)
        with torch.no_grad():
            problem.a -= 0.1 * gradient
            problem.w -= 0.5 * (problem.w - problem.map @ problem.a)


class Smooth:
    """A small network without kinks, its inputs mixed by a softmax of `a`."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)

        def normal(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.x, self.y = normal(2, 16, 5), normal(2, 16, 1)
        self.w = [normal(5, 4).requires_grad_(), normal(4, 1).requires_grad_()]
        self.a = normal(5).requires_grad_()
        self.buffers = [normal(5, 4), normal(4, 1)]

    def loss(self, half, w, a):
        return (torch.tanh(self.x[half] * a.softmax(0) @ w[0]) @ w[1] - self.y[half]).square().mean()

    def steps(self, gradients):
        return [MOMENTUM * b + g + DECAY * w for b, g, w in zip(self.buffers, gradients, self.w, strict=True)]

    def by_autograd(self):
        gradients = torch.autograd.grad(self.loss(0, self.w, self.a), self.w, create_graph=True)
        ahead = [w - RATE * step for w, step in zip(self.w, self.steps(gradients), strict=True)]
        # The weights themselves do not depend on the architecture, only the gradient in their step does.
        return torch.autograd.grad(self.loss(1, ahead, self.a), self.a)[0]

    def gradient(self, order):
        train, valid = lambda: self.loss(0, self.w, self.a), lambda: self.loss(1, self.w, self.a)
        return order(train, valid, self.w, [self.a], self.steps, RATE)[0]


def test_exact_is_what_autograd_says_with_momentum_and_decay():
    problem = Smooth()
    assert torch.allclose(problem.gradient(exact_order), problem.by_autograd(), rtol=1e-10, atol=1e-12)


def test_finite_differences_come_near_on_a_smooth_network():
    problem = Smooth()
    expected, found = problem.by_autograd(), problem.gradient(second_order)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-6)
    (direct,) = first_order(lambda: problem.loss(1, problem.w, problem.a), problem.w, [problem.a])
    assert not torch.allclose(found, direct, rtol=1e-2)


def test_what_is_frozen_costs_no_gradient_and_learns_again():
    problem = Smooth()
    constant = torch.ones(1)
    with frozen([*problem.w, constant]):
        loss = problem.loss(0, problem.w, problem.a)
        assert not any(w.requires_grad for w in problem.w)
    loss.backward()
    assert problem.w[0].grad is None
    assert problem.w[0].requires_grad
    assert not constant.requires_grad


def test_weights_that_a_loss_does_not_see_have_no_say():
    problem = Quadratic()
    unseen = torch.ones(2, dtype=torch.float64, requires_grad=True)
    for order in (second_order, exact_order):
        (found,) = order(problem.train, problem.valid, [problem.w, unseen], [problem.a], lambda g: g, RATE)
        assert torch.allclose(found, problem.gradient(order))


def test_exact_is_what_autograd_says_of_a_network_with_normalisation():
    torch.manual_seed(0)
    network = build("nb201", None, channels=1, cells=1, in_channels=1, num_classes=3)
    supernet = relax(network).double()
    images, labels = torch.rand(2, 4, 1, 4, 4, dtype=torch.float64), torch.tensor([[0, 1, 2, 0], [2, 1, 0, 1]])
    named = {f"module.{name}": weight for name, weight in supernet.module.named_parameters()}
    weights, alphas = list(named.values()), supernet.architecture_parameters()

    def loss(half, moved=named):
        return cross_entropy(functional_call(supernet, moved, (images[half],)), labels[half])

    gradients = torch.autograd.grad(loss(0), weights, create_graph=True)
    moved = {name: w - RATE * g for (name, w), g in zip(named.items(), gradients, strict=True)}
    expected = torch.autograd.grad(loss(1, moved), alphas)
    found = exact_order(lambda: loss(0), lambda: loss(1), weights, alphas, lambda g: g, RATE)
    direct = first_order(lambda: loss(1), weights, alphas)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-12)
    assert not torch.allclose(torch.cat(found), torch.cat(direct), rtol=1e-2)
