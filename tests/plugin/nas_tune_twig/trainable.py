"""A trainable that needs no training."""

from __future__ import annotations

from collections.abc import Iterator

from search_spaces import Architecture

__all__ = ["train"]


def train(architecture: Architecture) -> Iterator[dict[str, float]]:
    """Four epochs, better for wide twigs."""
    for epoch in range(1, 5):
        yield {"accuracy": epoch * architecture["width"] / 100}
