"""What holds of every proxy: nothing is changed, the same twice, and networks that it cannot score are refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import search_spaces
from trainables.costs import zero_cost
from trainables.costs.zero_cost import PROXIES, score
from trainables.errors import TrainableError
from trainables.networks import build, example
from trainables.training.randomness import Randomness

LABELS = torch.arange(8) % 4
UNTRAINED = ("parameters", "macs")


def images(channels: int = 1, size: int = 8) -> Tensor:
    return torch.randn(8, channels, size, size, generator=torch.Generator().manual_seed(0))


def network_of(space: str, architecture: object = None, **settings: object) -> nn.Module:
    member = architecture or search_spaces.get(space).sample(3)
    with Randomness(0, torch.device("cpu")):
        return build(space, member, num_classes=4, in_channels=1, image_size=8, **settings)  # type: ignore[arg-type]


def cell(operation: str) -> dict[str, str]:
    from search_spaces.catalogue.nb201 import EDGES

    return dict.fromkeys(EDGES, operation)


@pytest.mark.slow
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_score_changes_nothing_and_comes_out_the_same_again(proxy: str) -> None:
    network = network_of("nb201", channels=4, cells=1)
    network.stem.eval()
    next(network.parameters()).grad = torch.ones_like(next(network.parameters()))
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    random = torch.get_rng_state()

    with torch.no_grad():
        first = score(network, images(), LABELS, proxy)

    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in network.modules()] == modes
    assert [value.grad is not None for value in network.parameters()] == [True] + [False] * (
        len(list(network.parameters())) - 1
    )
    assert all(torch.equal(value, tensors[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert score(network, images(), LABELS, proxy) == first
    assert math.isfinite(first)


def test_a_score_that_fails_changes_nothing_either() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Tanh())
    with pytest.raises(TrainableError, match="has none"):
        score(network, torch.randn(4, 3), LABELS[:4], "naswot")
    assert all(module.training for module in network.modules())


@pytest.mark.slow
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_network_that_no_signal_passes_is_the_worst(proxy: str) -> None:
    worst = score(network_of("nb201", cell("none"), channels=4, cells=1), images(), LABELS, proxy)
    good = score(network_of("nb201", cell("nor_conv_3x3"), channels=4, cells=1), images(), LABELS, proxy)
    assert worst < good
    assert not math.isnan(worst)


@pytest.mark.slow
@pytest.mark.parametrize("proxy", PROXIES)
def test_networks_of_other_kinds_have_scores(proxy: str) -> None:
    transformer = {"embedding": 192, "blocks": [{"heads": 3, "mlp_ratio": 3.5}] * 2}
    for network in (network_of("chain", width=0.25), network_of("vit", transformer, scale=0.05)):
        assert math.isfinite(score(network, images(), LABELS, proxy))


@pytest.mark.parametrize("proxy", PROXIES)
def test_auxiliary_heads_do_not_count(proxy: str) -> None:
    class TwoHeads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.body(x), 1e6 * self.body(x)

    network = TwoHeads()
    expected = score(network.body, images(), LABELS, proxy)
    found = score(network, images(), LABELS, proxy)
    assert found == expected or proxy in ("naswot", "macs")
    assert math.isfinite(found)


@pytest.mark.slow
@pytest.mark.parametrize("proxy", PROXIES)
def test_networks_of_tokens_have_sizes_only(proxy: str) -> None:
    member = search_spaces.get("transformer_lm").sample(0)
    sizes = {"vocabulary": 20, "context": 8, "scale": 0.02}
    network = build("transformer_lm", member, **sizes)
    tokens = example("transformer_lm", batch=8, **sizes)
    if proxy in UNTRAINED:
        assert score(network, tokens, LABELS, proxy) > 0
    else:
        with pytest.raises(TrainableError, match=r"(needs inputs that are numbers|one row of logits).*'parameters'"):
            score(network, tokens, LABELS, proxy)


def test_what_cannot_be_scored_is_told() -> None:
    network = nn.Linear(3, 4)
    with pytest.raises(TrainableError, match="did you mean 'naswot'"):
        score(network, torch.randn(4, 3), LABELS[:4], "nasswot")
    with pytest.raises(TrainableError, match="1 inputs with 1 labels"):
        score(network, torch.randn(1, 3), LABELS[:1], "zico")


@pytest.mark.parametrize("proxy", sorted(set(PROXIES) - set(UNTRAINED) - {"synflow"}))
def test_a_network_whose_numbers_overflow_is_refused(proxy: str) -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4))
    with pytest.raises(TrainableError, match="its numbers overflow"):
        score(network, torch.full((4, 3), math.inf), LABELS[:4], proxy)


def test_a_proxy_that_overflows_on_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_cost, "PROXIES", {"endless": lambda network, images, labels: math.inf})
    with pytest.raises(TrainableError, match="endless of this network is inf: its numbers overflow"):
        score(nn.Linear(3, 4), torch.randn(4, 3), LABELS[:4], "endless")
