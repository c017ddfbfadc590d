"""Networks of every family and setting have the tensors and outputs that they had in earlier versions."""

from __future__ import annotations

import hashlib

import pytest
import torch

import search_spaces
import trainables
from tests.golden import agrees
from tests.trainables.export.networks import SETTINGS, TEXTS, calibrate, inputs

VARIANTS = {
    "amoebanet": {"stem": "imagenet", "layers": 2, "drop_path": 0.3},
    "chain": {"width": 0.25, "channels": 8},
    "chain1d": {"width": 0.5, "dropout": 0.3, "steps": 16, "sample_rate": 40},
    "darts": {"channels": 5, "layers": 6, "auxiliary": False, "partial": 1, "affine": False, "drop_path": 0.5},
    "enas_macro": {"channels": 5},
    "enas_micro": {"auxiliary": True, "layers": 5, "drop_path": 0.2},
    "enas_recurrent": {"hidden": 12, "tied": False, "dropout_word": 0.4, "bias": True},
    "ft_transformer": {"num_features": 3},
    "mlp": {"num_features": 5},
    "mobilenetv3": {"scale": 0.2, "head_bias": True, "resize": True, "dropout": 0.5, "drop_path": 0.4},
    "nasnet": {"stem": "cifar", "auxiliary": True, "layers": 5},
    "nb101": {"channels": 6, "stacks": 2, "cells": 2},
    "nb201": {"channels": 3, "cells": 2, "affine": False},
    "pnas": {"layers": 6, "channels": 6, "drop_path": 0.4},
    "proxylessnas": {"scale": 0.2, "dropout": 0.4, "drop_path": 0.3},
    "recurrent": {"embedding": 6, "hidden": 10, "tied": False, "dropout_word": 0.3, "dropout_embedding": 0.5},
    "resnet": {"width": 0.1, "squeeze": 0.0, "stem": "imagenet", "stem_width": 8},
    "resnet_mlp": {"num_features": 4},
    "spectrogram": {"channels": 3, "cells": 2, "length": 500, "mask_bands": 0.3, "mask_frames": 0.4},
    "transformer_lm": {"scale": 0.05, "tied": False, "dropout": 0.3, "attention_dropout": 0.2, "drop_path": 0.2},
    "unet2d": {"width": 0.5},
    "vit": {"scale": 0.1, "relative_position": False, "pool": "token", "dropout": 0.2, "drop_path": 0.3},
}
"""Of each family what is set beside the settings of the other tests."""
MORE = {
    "chain3d": [
        {"image_size": (16, 14, 18), "width": 0.25},
        {"image_size": (9, 14, 18), "width": 0.5, "side": 12, "dropout": 0.3},
    ],
    "detnas": [
        {"image_size": (24, 40), "scale": 0.25, "width": 16},
        {"image_size": (24, 40), "scale": 0.25, "width": 8, "head": "anchors"},
    ],
    "unet3d": [{"image_size": (8, 7, 9), "width": 0.25}, {"image_size": (8, 16, 8), "width": 0.5}],
    "vgg": [{"channels": 4}, {"channels": 5, "dropout": 0.3}],
}
"""Families whose settings are theirs alone."""
ATTRIBUTES = ("kernel_size", "stride", "padding", "dilation", "groups", "eps", "momentum", "p", "inplace")
TASK = {"num_classes": 3, "in_channels": 3, "image_size": (11, 8)}


def built(family, seed, **settings):
    whole = {**{**SETTINGS, "recurrent": TEXTS, "enas_recurrent": TEXTS}[family], **settings}
    return trainables.build(family, search_spaces.get(family).sample(seed), **TASK, **whole)


def numbers(outputs):
    """The first few numbers, and the sum of all, of a tensor or of several."""
    if isinstance(outputs, tuple | list):
        return [numbers(one) for one in outputs if one is not None]
    flat = outputs.detach().flatten()
    return [list(outputs.shape), *(round(float(value), 5) for value in (flat[0], flat[-1], flat.abs().sum()))]


@pytest.mark.parametrize("family", sorted(VARIANTS))
def test_members_have_the_tensors_that_they_had(family):
    found = {}
    for seed in (21, 22):
        with torch.device("meta"):
            network = built(family, seed, **(VARIANTS[family] if seed == 21 else {}))
        kept = network.state_dict()
        text = "\n".join(f"{name} {tuple(value.shape)}" for name, value in kept.items())
        for path, module in network.named_modules():
            text += f"\n{path} {type(module).__name__} {[getattr(module, name, None) for name in ATTRIBUTES]}"
        found[seed] = [len(kept), sum(value.numel() for value in kept.values())]
        found[seed].append(hashlib.sha256(f"{text}".encode()).hexdigest()[:12])
    agrees(f"members-{family}", {str(seed): told for seed, told in found.items()})


@pytest.mark.parametrize("family", sorted(VARIANTS))
def test_variants_compute_what_they_computed(family):
    torch.manual_seed(0)
    network = built(family, 21, **VARIANTS[family]).double()
    like = (
        inputs(family, 3, channels=3, size=(11, 8)) if family not in ("mlp", "ft_transformer", "resnet_mlp") else None
    )
    batch = torch.rand(3, VARIANTS[family].get("num_features", 1)).double() if like is None else like
    if family == "spectrogram":
        batch = torch.rand(3, 3, 500).double()
    if not isinstance(network(batch), tuple) or family not in ("recurrent", "enas_recurrent"):
        calibrate(network, batch)
    with torch.no_grad():
        still = numbers(network.eval()(batch))
        torch.manual_seed(1)
        training = numbers(network.train()(batch))
    # Sums of large values of both signs differ by half a percent between processors.
    agrees(f"variants-{family}", {"eval": still, "train": training}, tolerance=1e-2)


@pytest.mark.parametrize("family", sorted(MORE))
def test_further_families_are_what_they_were(family):
    found = {}
    for seed, settings in enumerate(MORE[family], 25):
        torch.manual_seed(seed)
        network = trainables.build(family, search_spaces.get(family).sample(seed), **{**TASK, **settings})
        size = settings.get("image_size", TASK["image_size"])
        batch = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(1))
        shapes = [tuple(value.shape) for value in network.state_dict().values()]
        with torch.no_grad():
            trained = network.train()(batch)
            still = network.eval()(batch)
        found[seed] = {
            "tensors": [len(shapes), sum(value.numel() for value in network.state_dict().values())],
            "attributes": hashlib.sha256(
                "".join(
                    f"{path} {type(one).__name__} {[getattr(one, name, None) for name in ATTRIBUTES]}"
                    for path, one in network.named_modules()
                ).encode()
            ).hexdigest()[:12],
            "train": numbers(list(trained.values()) if isinstance(trained, dict) else trained),
            "eval": numbers(list(still.values()) if isinstance(still, dict) else still),
        }
    agrees(f"further-{family}", {str(seed): told for seed, told in found.items()}, tolerance=1e-2)
