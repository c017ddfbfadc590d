"""Searches in a supernet and the sources of exported networks are what they were in earlier versions."""

from __future__ import annotations

import ast

import pytest
import torch

from search_spaces import Architecture
from tests.golden import agrees
from tests.registries import kept
from tests.trainables.export.networks import inputs, member
from tests.trainables.supernet.toys import build_edges, images
from trainables import networks
from trainables.export import Deployed, source_code_of
from trainables.export.standalone import model_text
from trainables.supernet import METHODS
from trainables.supernet.trainable import DartsTrainable

SEARCHES = {
    **{method: {"method": method} for method in sorted(METHODS) if method != "pcdarts"},
    "second": {"order": "second", "warmup_epochs": 1},
    "exact": {"order": "exact", "augment": False},
}
"""By the settings. pcdarts needs a larger network than that of the test."""

STEADY = ("accuracy", "loss", "train_loss", "train_accuracy", "entropy", "lr", "supernet_parameters")
"""What another processor's rounding does not turn over, as it can the best of two options that are as good."""
NONE = torch.zeros(0)


@pytest.fixture(autouse=True)
def _edges():
    with kept(networks.NETWORKS):
        networks.register("edges", build_edges, example=images)
        yield


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_is_what_it_was(name):
    search = DartsTrainable(space="edges", batch_size=256, device="cpu", **SEARCHES[name])
    search.setup(Architecture({}), seed=1, max_epochs=3)
    epochs = [{name: value for name, value in search.step().items() if name in STEADY} for _ in range(2)]
    vectors = torch.cat([vector.detach().flatten() for vector in search.supernet.architecture_parameters() or [NONE]])
    thousandths = [round(1000 * value, 3) for value in vectors[:24].tolist()]
    agrees(f"supernet-{name}", {"epochs": epochs, "alphas": thousandths}, tolerance=0.02)


@pytest.mark.parametrize("family", ["mlp", "nb201", "resnet"])
def test_a_source_is_what_it_was(family):
    network = member(family, 1)
    batches = inputs(family, 2), inputs(family, 3)
    source = source_code_of(network, batches)
    deployed = Deployed(network, batches[0], "any", {}, mean=(0.5,), std=(0.25,), classes=("a", "b"))
    agrees(f"source-{family}", undocumented(model_text(deployed, source, ["a fact"])).splitlines())


def undocumented(text):
    """The source without comments and docstrings, which may change."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.unparse(tree)
