"""The toy family of networks, known for the tests of searches only."""

from __future__ import annotations

import pytest

from tests.trainables.supernet.toys import build_edges, images
from trainables import networks


@pytest.fixture
def edges(monkeypatch):
    monkeypatch.setattr(networks, "_FAMILIES", {**networks._FAMILIES, "edges": (build_edges, images)})
    return "edges"
