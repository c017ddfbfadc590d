"""A head of its own for each path: the regression, its place in a network, and what it changes in a score."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import nn

from search_spaces import Architecture
from tests.trainables.supernet.test_estimator import GOOD, SETTINGS, SPACE
from tests.trainables.supernet.test_ofa import IMAGES, small
from trainables.errors import TrainableError
from trainables.supernet import head as heads
from trainables.supernet.estimator import SharedWeights
from trainables.supernet.head import RefittedHead, ridge
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.classification import Classification

MEMBER = SPACE.from_string(GOOD)


class Doubling:
    """A task whose outputs should be twice its targets."""

    name = "doubling"

    def regressed(self, targets: torch.Tensor, data: object) -> torch.Tensor:
        return 2 * targets


def drawn(noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 7)) + 3
    y = x @ rng.normal(size=(7, 2)) + 5 + noise * rng.normal(size=(60, 2))
    return torch.tensor(x), torch.tensor(y)


@pytest.mark.parametrize("penalty", [1e-4, 0.1, 10.0])
def test_it_is_the_ridge_regression_of_scikit_learn(penalty: float, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = drawn(1.0)
    monkeypatch.setattr(heads, "PENALTIES", (penalty,))
    weight, bias = ridge(x, y)
    scale = (x - x.mean(0)).square().sum().item() / 7
    wanted = Ridge(alpha=penalty * scale).fit(x.numpy(), y.numpy())
    np.testing.assert_allclose(weight, wanted.coef_, atol=1e-10)
    np.testing.assert_allclose(bias, wanted.intercept_, atol=1e-10)


def test_the_penalty_follows_the_noise() -> None:
    x, y = drawn(0.0)
    weight, bias = ridge(x, y)
    assert (x @ weight.T + bias - y).abs().max() < 1e-2, "the least penalty where there is no noise"
    blind = torch.tensor(np.random.default_rng(1).normal(size=(60, 2)))
    assert ridge(x, blind)[0].norm() < 0.3 * torch.linalg.lstsq(x - x.mean(0), blind - blind.mean(0)).solution.norm()


def test_features_that_never_change_have_no_weight() -> None:
    x, y = drawn(0.1)
    weight, _ = ridge(torch.cat([x, torch.ones(60, 1)], 1), y)
    assert weight.isfinite().all()
    assert weight[:, 7].abs().max() < 1e-9
    few = ridge(x[:3], y[:3])
    assert few[0].isfinite().all(), "fewer examples than features"


def test_a_head_is_replaced_while_it_is_used_and_then_as_it_was() -> None:
    module = nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, 2))
    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.randn(50, 2, generator=torch.Generator().manual_seed(1))
    head = RefittedHead(module, Doubling(), SimpleNamespace(), lambda: module(x[:2]))  # type: ignore[arg-type]
    before = module(x).detach()
    with head.reading():
        module(x[:30])
        module(x[30:])
    with head.fitted(targets):
        fitted = module(x).detach()
    assert torch.equal(module(x), before)
    weight, bias = ridge(module[1](module[0](x)).detach(), 2 * targets)
    torch.testing.assert_close(fitted, module[1](module[0](x)) @ weight.T + bias)
    assert (fitted - 2 * targets).square().mean() < (before - 2 * targets).square().mean()


@pytest.mark.parametrize(
    ("module", "task", "said"),
    [
        (nn.Sequential(nn.Linear(4, 2), nn.Tanh()), Doubling(), "not those of a linear layer with a bias"),
        (nn.Linear(4, 2, bias=False), Doubling(), "not those of a linear layer with a bias"),
        (nn.Linear(4, 2), SimpleNamespace(name="language"), "the task language has no targets"),
    ],
)
def test_where_there_is_no_head_to_fit_it_says_why(module: nn.Module, task: Any, said: str) -> None:
    with pytest.raises(TrainableError, match=said):
        RefittedHead(module, task, SimpleNamespace(), lambda: module(torch.zeros(2, 4)))  # type: ignore[arg-type]


def test_a_method_by_gradients_judges_no_path() -> None:
    with pytest.raises(TrainableError, match="refit_head is True, and darts learns which options are strong"):
        DartsTrainable(**{**SETTINGS, "method": "darts", "method_settings": None, "refit_head": True})


def test_a_task_without_such_targets_is_refused_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Classification, "regressed")
    with pytest.raises(TrainableError, match="refit_head is True, and the task classification has no targets"):
        DartsTrainable(**SETTINGS, refit_head=True)


def test_a_search_and_its_estimator_judge_with_a_head_for_each_path(tmp_path: Any) -> None:
    search = DartsTrainable(**SETTINGS, refit_head=True)
    search.setup(Architecture({}), seed=0, max_epochs=1)
    assert search.step()["discrete_accuracy"] > 0
    search.save(tmp_path)
    own, shared = (SharedWeights(checkpoint=str(tmp_path), device="cpu", refit_head=refit) for refit in (None, False))
    scores = []
    for one in (own, shared):
        one.setup(MEMBER, seed=0, max_epochs=1)
        scores.append(one.step()["accuracy"])
    assert scores[0] > scores[1] + 0.05
    kept = search.supernet.state_dict()
    for name, weight in own.scorer.supernet.named_parameters():
        assert torch.equal(weight, kept[name]), name
    data = own.scorer.data
    with torch.no_grad():
        logits = own.network(data.normalize(data.validation.images))
    assert (logits.argmax(1) == data.validation.labels).float().mean().item() == pytest.approx(scores[0])
    with pytest.raises(TrainableError, match="refit_head is 1"):
        SharedWeights(checkpoint=str(tmp_path), refit_head=1)  # type: ignore[arg-type]


def test_a_regression_has_a_head_too() -> None:
    x = torch.rand(64, 1, 8, 8)
    data = {"x": x.numpy(), "y": x.mean((1, 2, 3)).numpy()}
    search = DartsTrainable(**{**SETTINGS, "task": "regression", "data": data, "refit_head": True})
    search.setup(Architecture({}), seed=0, max_epochs=1)
    assert search.step()["discrete_rmse"] > 0


def test_an_elastic_network_has_a_head_for_every_member() -> None:
    supernet = small().eval()
    head = RefittedHead(supernet.module, Doubling(), SimpleNamespace(), lambda: supernet(IMAGES))  # type: ignore[arg-type]
    for seed in range(2):
        with supernet.deciding(supernet.space.sample(seed)), torch.no_grad():
            with head.reading():
                before = supernet(IMAGES)
            with head.fitted(torch.eye(4)):
                assert (supernet(IMAGES) - 2 * torch.eye(4)).norm() < (before - 2 * torch.eye(4)).norm()
