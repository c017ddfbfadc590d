"""What is not given: another default makes another network or training of a configuration that leaves it out.

The numbers are the papers', where they have any.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import search_spaces
from trainables.costs.profile import profile, within_reach
from trainables.networks import builder_of
from trainables.supernet import METHODS
from trainables.supernet.builder import SearchBuilder
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.image_classifier import ImageClassifier

CELLS = {"channels": 36, "layers": 20, "stem": "cifar", "auxiliary": False, "drop_path": 0.0}
ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
TEXTS = {"vocabulary": 10_000, "context": 35, "activations": ACTIVATIONS, "tied": True}
LAYERS = {"scale": 1.0, "dropout": 0.0, "drop_path": 0.0}
SEPARABLE = ("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5")
DARTS = ("max_pool_3x3", "avg_pool_3x3", "skip_connect", *SEPARABLE)
NB201 = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

NETWORKS: dict[str, dict[str, Any]] = {
    "amoebanet": CELLS,
    "chain": {"channels": 16, "width": 1.0},
    "chain1d": {"length": 8_000, "sample_rate": None, "steps": 1_024, "width": 1.0, "dropout": 0.0},
    "chain3d": {"image_size": (32, 32, 32), "width": 1.0, "side": 32, "dropout": 0.0},
    "darts": {**CELLS, "affine": None, "nodes": 4, "operations": DARTS, "partial": 1},
    "enas_macro": {"channels": 36},
    "enas_micro": CELLS,
    "enas_recurrent": {
        **TEXTS,
        "embedding": 748,
        "hidden": 748,
        "nodes": 12,
        "bias": False,
        "dropout": 0.76,
        "dropout_hidden": 0.25,
        "dropout_input": 0.75,
        "dropout_embedding": 0.0,
        "dropout_word": 0.21,
    },
    "ft_transformer": {"num_features": 64, "cardinalities": ()},
    "mlp": {"num_features": 64, "cardinalities": (), "embedding": None},
    "detector": {},
    "detnas": {
        "scale": 1.0,
        "pyramid": "fpn",
        "width": 64,
        "head": "anchor_free",
        "depth": 2,
        "centerness": True,
        "choices": None,
    },
    "mobilenetv3": {
        **LAYERS,
        "channels": (16, 16, 24, 40, 80, 112, 160, 960, 1280),
        "head_bias": False,
        "resize": True,
        "choices": None,
    },
    "nb101": {"channels": 128, "stacks": 3, "cells": 3},
    "nasnet": CELLS,
    "nb201": {
        "image_size": 32,
        "channels": 16,
        "cells": 5,
        "affine": None,
        "operations": NB201,
        "reduction": "residual",
    },
    "pnas": CELLS,
    "proxylessnas": {**LAYERS, "channels": (32, 16, 24, 40, 80, 96, 192, 320, 1280), "choices": None},
    "recurrent": {
        **TEXTS,
        "embedding": 850,
        "hidden": 850,
        "nodes": 8,
        "dropout": 0.75,
        "dropout_hidden": 0.25,
        "dropout_input": 0.75,
        "dropout_embedding": 0.2,
        "dropout_word": 0.0,
    },
    "resnet_mlp": {"num_features": 64, "cardinalities": (), "embedding": None},
    "resnet": {"stem": "cifar", "stem_width": 32, "squeeze": 0.0, "width": 1.0},
    "spectrogram": {
        "image_size": None,
        "length": 8_000,
        "sample_rate": 8_000,
        "mask_bands": 0.0,
        "mask_frames": 0.0,
    },
    "transformer_lm": {**LAYERS, "vocabulary": 50257, "context": 1024, "tied": True, "attention_dropout": 0.0},
    "dints": {
        "image_size": (32, 32, 32),
        "channels": 32,
        "stem_stride": 2,
        "affine": None,
        "operations": ("skip_connect", "conv_3x3x3", "conv_3x3x1", "conv_3x1x3", "conv_1x3x3"),
        "choices": None,
    },
    "unet2d": {"image_size": 32, "width": 1.0},
    "unet3d": {"image_size": (32, 32, 32), "width": 1.0},
    "vgg": {"channels": 16, "dropout": 0.0},
    "vit": {
        **LAYERS,
        "patch_size": None,
        "head_width": 64,
        "relative_position": True,
        "pool": "mean",
        "attention_dropout": 0.0,
    },
}
METHOD_SETTINGS: dict[str, dict[str, Any]] = {
    "darts": {},
    "drnas": {"anchor": 0.001},
    "enas": {"units": 64, "temperature": 5.0, "bound": 2.5, "entropy": 0.0001, "decay": 0.99, "population": 50},
    "fairdarts": {"zero_one": 10.0},
    "gdas": {"temperature": 10.0, "coldest": 0.1},
    "ofa": {
        "phases": ("full", "kernel", "depth", "width"),
        "between": 2,
        "distillation": 1.0,
        "population": 50,
        "generations": 20,
    },
    "pcdarts": {},
    "pdarts": {"added": (0, 6, 12), "options": (5, 3), "skip_dropout": (0.0, 0.4, 0.7), "most_skips": 2},
    "proxylessnas": {"costs": None, "cost_weight": 0.1, "latency_batch": None, "measured_on": None},
    "snas": {"temperature": 1.0, "coldest": 0.1},
    "spos": {"population": 50, "generations": 20},
}
OF_IMAGES = {
    "data": "digits",
    "download": False,
    "loaders": 2,
    "test_share": 0.2,
    "data_seed": 0,
    "momentum": 0.9,
    "grad_clip": 5.0,
    "amp": False,
    "augment": True,
    "flip": False,
    "cutout": 0,
    "device": "auto",
}
TRAINABLES: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (
        ImageClassifier,
        {
            **OF_IMAGES,
            "space": "nb201",
            "validation_share": 0.2,
            "whole": False,
            "batch_size": 32,
            "optimizer": "sgd",
            "lr": 0.05,
            "weight_decay": 5e-4,
            "warmup": 0.03,
            "ema": 0.0,
            "auxiliary_weight": 0.4,
            "label_smoothing": 0.1,
        },
    ),
    (
        DartsTrainable,
        {
            "space": "darts",
            "method": "darts",
            "momentum": 0.9,
            "grad_clip": 5.0,
            "amp": False,
            "device": "auto",
            "lr_min": 0.001,
            "order": "first",
            "regularizer": "none",
            "regularization": 0.0,
            "selection": "magnitude",
            "tune_steps": 0,
            "eigenvalue": False,
            "collapse_share": 0.5,
            "stop_on_collapse": False,
            "refit_head": False,
        },
    ),
    (profile, {"samples": 1000, "seed": 0}),
    (within_reach, {"steps": 300, "seed": 0}),
]


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Of each parameter that has one."""
    found = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in found if one.default is not inspect.Parameter.empty}


def test_a_search_in_a_supernet_parts_the_data_in_halves_and_smooths_no_labels() -> None:
    found = SearchBuilder({}).given
    assert {name: found[name] for name in ("task", "validation_share", "label_smoothing", "whole")} == {
        "task": "classification",
        "validation_share": 0.5,
        "label_smoothing": 0.0,
        "whole": False,
    }
    assert {name: found[name] for name in OF_IMAGES} == OF_IMAGES


def test_every_family_is_listed() -> None:
    assert set(NETWORKS) == set(search_spaces.names())


@pytest.mark.parametrize("family", NETWORKS)
def test_a_network_is_built_as_its_paper_builds_it(family: str) -> None:
    assert defaults(builder_of(family)) == NETWORKS[family]


def test_methods_of_supernets_have_the_settings_of_their_papers() -> None:
    assert {name: defaults(method) for name, method in METHODS.items()} == METHOD_SETTINGS


@pytest.mark.parametrize(("function", "wanted"), TRAINABLES, ids=lambda part: getattr(part, "__name__", ""))
def test_what_else_is_not_given(function: Callable[..., Any], wanted: dict[str, Any]) -> None:
    found = defaults(function)
    assert {name: value for name, value in found.items() if value is not None} == wanted
