"""Transforms of `torchvision.transforms.v2` as random views of training images.

    settings = described(v2.Compose([v2.RandomHorizontalFlip(), v2.RandomRotation(10)]))
    # ["RandomHorizontalFlip", {"name": "RandomRotation", "degrees": [-10.0, 10.0]}]
    views = transformed(images, built(settings), generator)

Settings are plain values: a list of names of the classes, with their arguments, or the "module:attribute" of a
transform or function of one's own. So configurations, ledgers and checkpoints can hold them, and every process builds
the same.
"""

from __future__ import annotations

from trainables.data.transforms.applying import check_transforms, transformed
from trainables.data.transforms.building import built
from trainables.data.transforms.describing import described

__all__ = ["built", "check_transforms", "described", "transformed"]
