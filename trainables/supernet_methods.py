"""The names of the methods that search in a supernet, for those who must not wait for torch."""

from __future__ import annotations

__all__ = ["SUPERNET_METHODS"]

SUPERNET_METHODS = (
    "darts",
    "drnas",
    "enas",
    "fairdarts",
    "gdas",
    "ofa",
    "pcdarts",
    "pdarts",
    "proxylessnas",
    "snas",
    "spos",
)
"""The keys of `trainables.supernet.METHODS`."""
