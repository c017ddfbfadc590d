"""Searches by methods of single paths, from end to end: they find a member, and go on to the last bit."""

from __future__ import annotations

import pytest

from search_spaces import Architecture
from trainables.supernet.trainable import DartsTrainable

NONE = Architecture({})
METHODS = {
    "spos": {"population": 3, "generations": 1},
    "enas": {"population": 3, "units": 8},
    "proxylessnas": {"costs": "macs"},
    "ofa": {"population": 3, "generations": 0, "phases": ["full", "width"], "between": 1},
}


def started(edges, method):
    settings = {"space": edges, "batch_size": 256, "device": "cpu", "augment": False, "warmup_epochs": 0}
    search = DartsTrainable(method=method, method_settings=METHODS[method], **settings)
    search.setup(NONE, seed=3, max_epochs=3)
    return search


@pytest.mark.parametrize("method", list(METHODS))
def test_it_goes_on_to_the_last_bit(edges, method, tmp_path):
    search = started(edges, method)
    search.step()
    search.save(tmp_path)
    expected = [search.step() for _ in range(2)]
    again = started(edges, method)
    again.load(tmp_path)
    assert [again.step() for _ in range(2)] == expected
    assert again.architecture == search.architecture
    assert search.supernet.space.contains(search.architecture)
    assert 0 < expected[-1]["discrete_accuracy"] <= 1
    assert (search.supernet.architecture_parameters() == []) == (method in ("spos", "ofa"))
