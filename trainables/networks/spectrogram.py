"""Networks of the `spectrogram` space: a mel spectrogram of the signal, then a network for images.

The front end computes the energies of `bands` overlapping bands that are equally wide on the mel scale, in windows of a
few milliseconds, and compresses them. It is made of convolutions and matrix products, so that any file that holds the
network holds the front end too. Its outputs are normalised, and in training some bands and frames may be masked
(SpecAugment, Park et al. 2019, 1904.08779).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import TrainableError
from trainables.networks.base import Size, number, option, tree_of
from trainables.networks.examples import signals
from trainables.networks.family import Family
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "Pcen", "Spectrogram", "build_spectrogram", "mel_filters"]

SCALES = ("log", "pcen")
_SILENCE = 1e-4
"""What is added to an energy before its logarithm; signals have a mean energy of about 1."""
_FLOOR = 0.01
"""What PCEN adds to the running average, as a share of the mean energy of the signal: 20 dB below it."""
_TINY = 1e-6
"""What it adds besides, for signals that are zero all through."""
_SMOOTHING_MS = 400.0
"""The time over which PCEN averages: 40 frames of 10 ms, as in the paper."""


def build_spectrogram(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size | None = None,
    length: int = 8_000,
    sample_rate: int | None = 8_000,
    mask_bands: float = 0.0,
    mask_frames: float = 0.0,
    **settings: object,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `spectrogram`, or its tree.
        num_classes: number of outputs.
        in_channels: channels of the signals.
        image_size: not used: the front end decides the size of its images.
        length: samples of a signal.
        sample_rate: samples a second.
        mask_bands: the greatest share of the bands that are masked in a training example.
        mask_frames: the greatest share of the frames that are masked in a training example.
        settings: settings of the network behind the front end, such as `channels`.

    Returns:
        Signals (n, in_channels, length) to what the network behind it returns, such as (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value, or the signals are shorter than a window.
        ArchitectureError: a decision breaks the form; the message gives the path.
    """
    from trainables.networks import build, check_images, sized_network  # the registry names this module

    del image_size
    check_number("length", length, 1, whole=True)
    if sample_rate is None:
        raise TrainableError(
            "the signals have no sample rate, and a spectrogram has windows of milliseconds; give sample_rate = 16000 "
            "or the like, or a space such as chain1d"
        )
    check_number("sample_rate", sample_rate, 1, whole=True)
    check_number("mask_bands", mask_bands, 0, 0.9)
    check_number("mask_frames", mask_frames, 0, 0.9)
    tree = tree_of(architecture)
    front, of = tree.get("front"), tree.get("of")
    check_images(of)
    bands, window, hop = (number(front, name, "front", whole=True) for name in ("bands", "window", "hop"))
    scale = option(front or {}, "scale", SCALES, "front")
    made = Spectrogram(
        sample_rate,
        length,
        in_channels,
        bands=bands,
        window=window,
        hop=hop,
        scale=scale,
        masks=(mask_bands, mask_frames),
    )
    task = {"num_classes": num_classes, "in_channels": in_channels, "image_size": (bands, made.frames)}
    behind: dict[str, Any] = {**task, **sized_network(of, settings)}
    return nn.Sequential(made, build(of, tree.get("network", {}), **behind))


def mel_filters(bands: int, bins: int, sample_rate: int) -> Tensor:
    """Compute triangular filters that are equally wide on the mel scale.

    A frequency of f Hz is `2595 log10(1 + f / 700)` mel (O'Shaughnessy 1987, "Speech communication", p. 150). The peak
    of each triangle, 1, is where its neighbours begin. No side of a triangle is narrower than the distance of two bins,
    so that no band is empty where bins are few.

    Args:
        bands: number of filters.
        bins: number of frequencies, from 0 to half the sample rate.
        sample_rate: samples a second.

    Returns:
        (bins, bands), float32.
    """
    nyquist = sample_rate / 2
    mels = torch.linspace(0, 2595 * math.log10(1 + nyquist / 700), bands + 2, dtype=torch.float64)
    corners = 700 * (10 ** (mels / 2595) - 1)
    frequencies = torch.linspace(0, nyquist, bins, dtype=torch.float64)[:, None]
    widths = corners.diff().clamp(min=nyquist / max(1, bins - 1))
    peaks = corners[1:-1]
    rising = 1 - (peaks - frequencies) / widths[:-1]
    falling = 1 - (frequencies - peaks) / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0).float()


class Spectrogram(nn.Module):
    """Signals (n, c, length) to images (n, c, bands, frames).

    Args:
        sample_rate: samples a second.
        length: samples of a signal.
        channels: channels of the signals.
        bands: number of mel bands.
        window: length of a window in milliseconds.
        hop: distance of two windows in milliseconds.
        scale: "log" or "pcen".
        masks: the greatest shares of bands and of frames that are masked in training.

    Raises:
        TrainableError: a signal is shorter than a window, or a hop shorter than a sample.
    """

    waves: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: int,
        length: int,
        channels: int,
        *,
        bands: int,
        window: int,
        hop: int,
        scale: str,
        masks: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        super().__init__()
        size, self.hop = round(sample_rate * window / 1000), round(sample_rate * hop / 1000)
        if self.hop < 1 or size < 2:
            raise TrainableError(
                f"at {sample_rate} Hz a window of {window} ms has {size} samples and a hop of {hop} ms {self.hop}; "
                "give the true sample_rate, or a space for time series such as chain1d"
            )
        if length < size:
            raise TrainableError(
                f"a signal has {length} samples and a window of {window} ms at {sample_rate} Hz {size}; give a greater "
                'length, or shorter windows, such as {"name": "spectrogram", "windows": [4, 8]} as the space'
            )
        self.frames = (length - size) // self.hop + 1
        self.masks = masks
        hann = torch.hann_window(size, dtype=torch.float64)
        bins = size // 2 + 1
        angles = 2 * math.pi / size * torch.arange(bins, dtype=torch.float64)[:, None] * torch.arange(size)
        waves = torch.cat((angles.cos(), -angles.sin())) * hann / hann.square().sum().sqrt()
        self.register_buffer("waves", waves.float()[:, None])
        self.register_buffer("filters", mel_filters(bands, bins, sample_rate))
        self.compress: nn.Module = Log() if scale == "log" else Pcen(bands, self.frames, hop / _SMOOTHING_MS)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        transformed = functional.conv1d(x.flatten(0, 1)[:, None], self.waves, stride=self.hop)
        cosines, sines = transformed.chunk(2, 1)
        energies = (cosines.square() + sines.square()).transpose(1, 2) @ self.filters
        image = self.compress(energies.transpose(1, 2)).unflatten(0, x.shape[:2])
        return self._masked(self.norm(image))

    def _masked(self, image: Tensor) -> Tensor:
        """The image with some bands and frames set to its mean, in training."""
        if not self.training or not any(self.masks):
            return image
        for share, dimension in zip(self.masks, (2, 3), strict=True):
            count = image.shape[dimension]
            wide = torch.rand(len(image), device=image.device) * share * count
            first = torch.rand(len(image), device=image.device) * (count - wide)
            places = torch.arange(count, device=image.device)
            hidden = (places >= first[:, None]) & (places < (first + wide)[:, None])
            shape = [len(image), 1, 1, 1]
            shape[dimension] = count
            image = image.masked_fill(hidden.view(shape), 0)
        return image


class Log(nn.Module):
    """The logarithm of energies."""

    def forward(self, energies: Tensor) -> Tensor:
        return (energies + _SILENCE).log()


class Pcen(nn.Module):
    """Per-channel energy normalisation (Wang et al. 2017, 1607.05666): energies (n, bands, frames) over their average.

    With M the running average of the energy E of a band, it is `(E / (eps + M) ** alpha + delta) ** r - delta ** r`;
    alpha, delta and r are learned for each band, from 0.98, 2 and 0.5 on.

    In the paper eps is 1e-6, for whatever scale the signals have. Here it is a share of the mean energy of the signal.
    So the outputs do not depend on how loud the signals are recorded, and where nothing sounds, the faint noise of a
    clean recording is not amplified to the level of a voice, nor what begins after it far beyond.

    Args:
        bands: number of bands.
        frames: number of frames.
        smoothing: the weight of a new frame in the running average.
    """

    average: Tensor

    def __init__(self, bands: int, frames: int, smoothing: float) -> None:
        super().__init__()
        ages = torch.arange(frames)[:, None] - torch.arange(frames)  # of frame j at frame i
        weights = smoothing * (1 - smoothing) ** ages.clamp(min=0).double()
        weights[:, 0] /= smoothing  # the average begins with the first frame
        self.register_buffer("average", weights.tril().T.float().contiguous())
        self.alpha, self.delta, self.root = (
            nn.Parameter(torch.full((bands, 1), math.log(value))) for value in (0.98, 2.0, 0.5)
        )

    def forward(self, energies: Tensor) -> Tensor:
        mean = energies @ self.average + _FLOOR * energies.mean((1, 2), keepdim=True) + _TINY
        alpha, delta, root = self.alpha.exp(), self.delta.exp(), self.root.exp()
        lifted = energies * (-alpha * mean.log()).exp() + delta
        return (root * lifted.log()).exp() - (root * delta.log()).exp()


FAMILY = Family(build_spectrogram, signals, undecided=False)
