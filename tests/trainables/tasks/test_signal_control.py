"""The simple models beside a search on signals: constants, spectra, and a linear model of them, number by number."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from trainables.tasks import signal_control
from trainables.tasks.signal_control import LINEAR, _constant, _last_value, _linear, _spectra, signal_controls


class Part:
    """Waves and targets."""

    def __init__(self, waves: Tensor, targets: Tensor) -> None:
        self.waves, self.targets = waves, targets

    def __len__(self) -> int:
        return len(self.waves)

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self.waves[index], self.targets[index]


def waves(count: int, seed: int = 0) -> Tensor:
    """Of two channels; every other one is quicker."""
    times = torch.arange(64.0)
    speeds = 0.2 + 0.3 * (torch.arange(count) % 2)
    noise = torch.randn(count, 2, 64, generator=torch.Generator().manual_seed(seed))
    return torch.sin(speeds[:, None, None] * times) + 0.1 * noise


def of_classes(train: int = 20, validation: int = 6, test: int = 4) -> Any:
    parts = {
        name: Part(waves(count, seed), torch.arange(count) % 2)
        for seed, (name, count) in enumerate({"train": train, "validation": validation, "test": test}.items())
    }
    return SimpleNamespace(classes=("slow", "quick", "never"), **parts)


def of_numbers() -> Any:
    parts = {
        name: Part(waves(count, seed), torch.stack([torch.arange(count) * 1.0, torch.arange(count) % 2 * 3.0], 1))
        for seed, (name, count) in enumerate({"train": 20, "validation": 6, "test": 4}.items())
    }
    mean, std = parts["train"].targets.mean(0), parts["train"].targets.std(0, correction=0)
    return SimpleNamespace(classes=(), target_mean=mean, target_std=std, **parts)


def test_the_majority_is_the_likeliest_of_all() -> None:
    data = of_classes(train=5)
    outputs = _constant(data)(data.test.waves)
    assert outputs.shape == (4, 3)
    assert outputs.dtype == torch.float32
    assert outputs[0].exp().tolist() == pytest.approx([0.6, 0.4, 1e-10], rel=1e-4)
    numbers = of_numbers()
    assert _constant(numbers)(numbers.test.waves).tolist() == [[0.0, 0.0]] * 4


def test_spectra_are_logarithms_of_mean_powers_of_windows() -> None:
    given = waves(3)
    found = _spectra(given)
    assert found.shape == (3, 2 * 33)
    window = torch.hann_window(64, periodic=False)
    power = torch.fft.rfft(given * window).abs().square()
    assert found == pytest.approx((power + 1e-10).log().flatten(1).numpy(), rel=1e-4, abs=1e-4)
    long = torch.randn(2, 1, 1100, generator=torch.Generator().manual_seed(0))
    frames = torch.stack([long[:, 0, start : start + 512] for start in (0, 256, 512)], 1)
    power = torch.fft.rfft(frames * torch.hann_window(512, periodic=False)).abs().square().mean(1)
    assert _spectra(long) == pytest.approx((power + 1e-10).log().numpy(), rel=1e-4, abs=1e-4)
    many = waves(600)
    assert _spectra(many)[300] == pytest.approx(_spectra(many[300:301])[0], rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(("length", "features"), [(1, 1), (2, 2), (3, 2)])
def test_short_signals_have_a_spectrum_too(length: int, features: int) -> None:
    found = _spectra(torch.ones(2, 1, length))
    assert found.shape == (2, features)
    assert np.isfinite(found).all()
    if length < 3:
        assert found[0, 0] == pytest.approx(2 * np.log(length))


def test_a_linear_model_is_that_of_scikit_learn() -> None:
    data = of_classes()
    outputs = _linear(data)(data.test.waves)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    model.fit(_spectra(data.train.waves), data.train.targets.numpy())
    chances = model.predict_proba(_spectra(data.test.waves))
    assert outputs[:, :2].exp().numpy() == pytest.approx(chances, rel=1e-3, abs=1e-4)
    assert outputs[:, 2].exp().tolist() == pytest.approx([1e-10] * 4, rel=1e-3), "a class that training lacks"
    assert outputs.argmax(1).tolist() == data.test.targets.tolist()
    numbers = of_numbers()
    ridge = make_pipeline(StandardScaler(), Ridge())
    wanted = ((numbers.train.targets - numbers.target_mean) / numbers.target_std).numpy()
    ridge.fit(_spectra(numbers.train.waves), wanted)
    found = _linear(numbers)(numbers.test.waves)
    assert found.numpy() == pytest.approx(ridge.predict(_spectra(numbers.test.waves)), rel=1e-3, abs=1e-3)


def test_at_most_so_many_signals_are_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    data = of_classes(train=21)
    data.train.targets = torch.arange(21) // 4 % 2
    seen: list[list[int]] = []
    kept = data.train.rows
    monkeypatch.setattr(data.train, "rows", lambda index: seen.append(index.tolist()) or kept(index))
    for most in (21, 20, 10):
        monkeypatch.setattr(signal_control, "_MOST", most)
        _linear(data)
    assert seen == [list(range(21)), list(range(0, 21, 2)), list(range(0, 21, 3))]


def test_a_forecast_repeats_the_last_value_of_its_window() -> None:
    data: Any = SimpleNamespace(target_mean=torch.tensor([1.0, 2.0]), target_std=torch.tensor([2.0, 4.0]))
    given = torch.arange(12.0).view(2, 2, 3)
    assert _last_value(data, 1)(given).tolist() == [[2.0, 0.75], [5.0, 2.25]]
    assert _last_value(data, 0)(given).tolist() == [[0.5, 0.0], [3.5, 1.5]]


def test_controls_are_measured_on_the_parts_that_have_examples() -> None:
    data = of_classes(validation=0)
    got: list[tuple[Tensor, Tensor]] = []

    def measure(outputs: Tensor, targets: Tensor) -> dict[str, float]:
        got.append((outputs, targets))
        return {"count": float(len(targets))}

    first, second = signal_controls(data, measure)
    assert (first.name, second.name) == ("majority class", LINEAR)
    assert first.scores == second.scores == {"test": {"count": 4.0}}
    assert torch.equal(got[0][1], data.test.targets)
    assert [control.name for control in signal_controls(of_numbers(), measure)] == ["mean", LINEAR]
    assert signal_controls(of_numbers(), measure)[0].scores == {"validation": {"count": 6.0}, "test": {"count": 4.0}}


def test_a_control_that_cannot_be_fitted_says_why() -> None:
    data = of_classes()
    data.train.targets = torch.zeros(20, dtype=torch.int64)
    first, second = signal_controls(data, lambda outputs, targets: {})
    assert first.failure == ""
    assert "class" in second.failure
    assert dict(second.scores) == {}
