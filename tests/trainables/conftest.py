"""One thread for torch, since the networks of these tests are too small for two; and few digits, where few will do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from trainables.data import loading, reading
from trainables.data.images import Raw, Split, raw_images
from trainables.data.named import load_digits
from trainables.data.reading import stamp_of


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def few_digits() -> Iterator[None]:
    """The data set "digits" has the first 360 of its 1,797 images: an epoch takes a fifth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "load_digits", _first_digits)
        for module in (reading, loading):  # so that what is kept of the whole data set is not taken for this one
            patch.setattr(module, "stamp_of", lambda of: ("few",) if of.data == "digits" else stamp_of(of))
        yield


def _first_digits() -> Raw:
    every = load_digits()
    return raw_images(every.name, Split(every.train.images[:360], every.train.labels[:360]))
