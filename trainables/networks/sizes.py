"""Sizes of networks that suit a laptop, where the settings do not say any."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.networks import check_network, space_name
from trainables.settings import check_number

__all__ = ["SMALL", "sized_network"]

_CELLS = {key: {"channels": 8, "layers": 5} for key in ("amoebanet", "darts", "enas_micro", "nasnet", "pnas")}
SMALL: Mapping[str, Mapping[str, object]] = {**_CELLS, "nb201": {"channels": 16, "cells": 1}}
"""Settings of the builders of spaces of cells; the defaults of the others are small enough."""


def sized_network(space: object, network: Mapping[str, object] | None, **sizes: int | None) -> dict[str, object]:
    """The settings of a builder: `sizes` that are not None before `network` before `SMALL`; checked, nothing built."""
    given = {name: value for name, value in sizes.items() if value is not None}
    for name, value in given.items():
        check_number(name, value, 1, whole=True)
    settings = {**SMALL.get(space_name(space), {}), **(network or {}), **given}
    check_network(space, settings)
    return settings
