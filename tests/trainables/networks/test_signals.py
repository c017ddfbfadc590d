"""Networks for signals: the mel filters and spectrograms are those of their formulas, and every member can be built."""

from __future__ import annotations

import math

import pytest
import torch

import search_spaces
from trainables.errors import TrainableError
from trainables.networks import build, example
from trainables.networks.chain1d import Gru
from trainables.networks.spectrogram import Pcen, Spectrogram, mel_filters

FRONT = {"bands": 32, "window": 32, "hop": 16}


def test_filters_are_triangles_between_equal_steps_of_mel() -> None:
    filters = mel_filters(32, 257, 16_000)
    mel = 2595 * math.log10(1 + 8000 / 700) / 33
    for band in (4, 20):
        low, peak, high = (700 * (10 ** (mel * place / 2595) - 1) for place in (band, band + 1, band + 2))
        for bin_, weight in enumerate(filters[:, band].tolist()):
            frequency = bin_ * 8000 / 256
            slope = min((frequency - low) / (peak - low), (high - frequency) / (high - peak))
            assert weight == pytest.approx(max(0.0, slope), abs=1e-5)
    # Few bins: every band still sees one.
    assert (mel_filters(64, 65, 8_000).sum(0) > 0.4).all()


def test_energies_are_those_of_a_fourier_transform() -> None:
    front = Spectrogram(8_000, 2_000, 2, **FRONT, scale="log").eval()
    waves = torch.randn(3, 2, 2_000, generator=torch.Generator().manual_seed(0))
    window = torch.hann_window(256)
    transformed = torch.stft(waves.flatten(0, 1), 256, 128, window=window, center=False, return_complex=True)
    energies = (transformed.abs() ** 2 / window.square().sum()).transpose(1, 2) @ front.filters
    expected = front.norm((energies.transpose(1, 2) + 1e-4).log().unflatten(0, (3, 2)))
    found = front(waves)
    assert found.shape == (3, 2, 32, front.frames) == (3, 2, 32, 14)
    assert torch.allclose(found, expected, atol=1e-4)


def test_pcen_divides_by_a_running_average() -> None:
    energies = torch.rand(2, 3, 30, generator=torch.Generator().manual_seed(0)) * 4
    mean = energies[..., 0]
    floor = 1e-6 + 0.01 * energies.mean((1, 2))[:, None]
    for step, wanted in enumerate(energies.unbind(2)):
        mean = mean if step == 0 else 0.96 * mean + 0.04 * wanted
        expected = (wanted / (floor + mean) ** 0.98 + 2) ** 0.5 - 2**0.5
        found = Pcen(3, 30, 0.04)(energies)[..., step]
        assert torch.allclose(found, expected, atol=1e-5)


def test_pcen_does_not_depend_on_the_loudness_and_leaves_faint_sounds_faint() -> None:
    energies = torch.rand(1, 3, 60, generator=torch.Generator().manual_seed(0))
    energies[..., :30] *= 1e-5  # a recording without noise, in which a word begins late
    pcen = Pcen(3, 60, 0.04)
    images = [pcen(gain * energies) for gain in (1e-2, 1.0, 1e4)]
    for image in images:
        assert torch.allclose(image, images[1], rtol=0.25)
        assert image[..., :30].max() < 0.01 * image[..., 30:].max()
    assert images[1].max() < 10  # and the word does not stand out the more, the fainter the silence before it is


def test_bands_and_frames_are_masked_in_training_alone() -> None:
    front = Spectrogram(8_000, 4_000, 1, **FRONT, scale="pcen", masks=(0.5, 0.0))
    waves = torch.randn(8, 1, 4_000, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    hidden = (front(waves) == 0).all(3).sum(2).flatten()
    assert 0 < hidden.max() <= 17
    assert not (front.eval()(waves) == 0).any()


def test_the_last_state_is_that_of_the_recurrent_layer_of_torch() -> None:
    known, own = torch.nn.GRU(6, 6, batch_first=True), Gru(6)
    own.from_step.weight, own.from_step.bias = known.weight_ih_l0, known.bias_ih_l0
    own.from_state.weight, own.from_state.bias = known.weight_hh_l0, known.bias_hh_l0
    steps = torch.randn(3, 6, 9, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(own(steps), known(steps.transpose(1, 2))[0][:, -1], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chain1d", "spectrogram"])
@pytest.mark.parametrize("length", [700, 5_000])
def test_members_of_every_kind_are_built_and_learn(name: str, length: int) -> None:
    space = search_spaces.get(name)
    small = {"channels": 2, "cells": 1} if name == "spectrogram" else {"width": 0.25}
    for seed in range(4):
        task = {"in_channels": 2, "length": length, "sample_rate": 8_000}
        network = build(name, space.sample(seed), num_classes=3, **task, **small)
        outputs = network(example(name, batch=3, **task))
        assert outputs.shape == (3, 3)
        outputs.square().sum().backward()
        assert all(weight.grad is not None for weight in network.parameters() if weight.dim() == 3)


def test_a_long_signal_is_shortened_by_the_stem() -> None:
    layer = {"operation": "conv", "kernel": 3, "stride": 1, "width": 8}
    tree = {"layers": [layer], "summary": "mean"}
    long = build("chain1d", tree, in_channels=1, length=16_000)
    short = build("chain1d", tree, in_channels=1, length=1_024)
    assert long.layers(torch.zeros(1, 1, 16_000)).shape == (1, 8, 1_000)
    assert short.layers(torch.zeros(1, 1, 1_024)).shape == (1, 8, 1_024)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 100}, r"a signal has 100 samples and a window of 32 ms at 8000 Hz 256; give a greater length"),
        ({"sample_rate": 20}, r"at 20 Hz a window of 32 ms has 1 samples .* give the true sample_rate"),
        ({"sample_rate": None}, "the signals have no sample rate"),
        ({"mask_bands": 2}, "mask_bands"),
        ({"chanels": 4}, "takes no setting 'chanels'"),
    ],
)
def test_spectrograms_that_cannot_be_are_refused(settings: dict[str, object], message: str) -> None:
    tree = {"front": {**FRONT, "scale": "log"}, "of": "nb201", "network": search_spaces.get("nb201").sample(0).tree}
    with pytest.raises(TrainableError, match=message):
        build("spectrogram", tree, in_channels=1, **settings)
    with pytest.raises(TrainableError, match="the networks of mlp take rows of numbers and no images"):
        build("spectrogram", {**tree, "of": "mlp"}, in_channels=1)
