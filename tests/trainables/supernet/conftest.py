"""The toy family of networks, known for the tests of searches only."""

from __future__ import annotations

import pytest

from tests.registries import kept
from tests.trainables.supernet.toys import build_edges, images
from trainables import networks


@pytest.fixture
def edges():
    with kept(networks.NETWORKS):
        networks.register("edges", build_edges, example=images)
        yield "edges"
