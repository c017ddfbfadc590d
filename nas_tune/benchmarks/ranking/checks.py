"""Refuses what cannot be judged, before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nas_tune.benchmarks.ranking.measures import FEWEST
from nas_tune.benchmarks.ranking.scoring import COUNTED, PROXY_NAMES
from nas_tune.errors import ConfigError
from nas_tune.session.arguments import check_flags
from search_spaces.names import did_you_mean
from search_spaces.whole_numbers import is_whole

__all__ = ["check_arguments", "check_sample", "check_truth"]


def check_arguments(
    *,
    table: object,
    columns: Mapping[str, object],
    train: object,
    epochs: object,
    training: object,
    whole: Mapping[str, tuple[object, int]],
    examples: Mapping[str, tuple[object, int]],
    band: object,
    size: object,
    proxies: Sequence[str],
    allow_code: bool,
) -> None:
    """Check the arguments of `nas_tune.ranking`.

    Args:
        table: the file of the table; None for none.
        columns: what describes a table, by the name of the argument; None where it is not given.
        train: how many architectures to train; None for none.
        epochs: of a training; None for none.
        training: settings of trainings; None for none.
        whole: whole numbers by the name of the argument, each with the least that it may be.
        examples: the same; None is allowed.
        band: the share by which equal sizes may differ.
        size: what is of equal size.
        proxies: the names of zero-cost proxies.
        allow_code: a flag.

    Raises:
        ConfigError: one of them cannot be, or does not go with another.
    """
    check_flags(allow_code=allow_code)
    _check_source(table, columns, train, epochs, training)
    optional = {"train": (train, FEWEST), "epochs": (epochs, 1), **examples}
    given = {name: pair for name, pair in optional.items() if pair[0] is not None}
    for name, (value, least) in {**whole, **given}.items():
        if not is_whole(value, least):
            raise ConfigError(f"{name} is {value!r}; it is a whole number of at least {least}")
    if isinstance(band, bool) or not isinstance(band, int | float) or not 0 <= band < 1 or math.isnan(band):
        raise ConfigError(f"band is {band!r}; it is a share of a size, at least 0 and below 1, such as 0.01")
    if columns["mode"] not in (None, "max", "min"):
        raise ConfigError(f"mode is {columns['mode']!r}; say 'max' or 'min', which values are better")
    if size not in COUNTED:
        raise ConfigError(
            f"size is {size!r}{did_you_mean(str(size), COUNTED) or ';'} it is one of {', '.join(COUNTED)}"
        )
    for name in proxies:
        if name not in PROXY_NAMES:
            hint = did_you_mean(str(name), PROXY_NAMES) or ";"
            counting = f" ({', '.join(COUNTED)} are always there)" if name in COUNTED else ""
            raise ConfigError(f"proxies: {name!r} is none{hint} known: {', '.join(PROXY_NAMES)}{counting}")


def _check_source(
    table: object, columns: Mapping[str, object], train: object, epochs: object, training: object
) -> None:
    """Check where the true values come from: a table, or trainings."""
    if table is None and train is None:
        raise ConfigError(
            "there are no true values to judge by; give a table (table=.., --table FILE), or train some architectures "
            "(train=20, epochs=12; --train 20 --epochs 12)"
        )
    if table is not None and train is not None:
        raise ConfigError(
            f"train is {train!r} and there is a table too; give one of them, whose values count as true (with a table, "
            "epochs alone trains each architecture of the sample for a further score)"
        )
    if table is None:
        described = [name for name, value in columns.items() if value is not None]
        if described:
            raise ConfigError(f"{described[0]} is for a table, and there is none; name the table, or leave it out")
        if epochs is None:
            raise ConfigError(f"train is {train!r}, and epochs is missing; say for how long, as in epochs=12")
    if training is not None and epochs is None:
        raise ConfigError("training has settings, and nothing is trained; give epochs too, or leave it out")
    if training is not None and not isinstance(training, Mapping):
        raise ConfigError(f"training is {training!r}; give settings by name, such as {{'lr': 0.05}}")


def check_sample(count: int, top: int) -> None:
    """Refuse a sample that is too small to be measured.

    Args:
        count: how many architectures it has.
        top: how many of the best are averaged.

    Raises:
        ConfigError: there are too few.
    """
    if count < FEWEST:
        raise ConfigError(
            f"there are {count} different architectures, and a rank correlation needs at least {FEWEST}; take a larger "
            "table or space"
        )
    if top >= count:
        raise ConfigError(
            f"top is {top}, and there are {count} architectures, so that it would be the mean of all of them; give a "
            "smaller top, or more architectures"
        )


def check_truth(truth: NDArray[np.float64]) -> None:
    """Refuse true values that give no order.

    Args:
        truth: the true values.

    Raises:
        ConfigError: all are equal, or too few are known.
    """
    if len(truth) < FEWEST:
        raise ConfigError(
            f"only {len(truth)} architectures have a true value, and a rank correlation needs at least {FEWEST}; the "
            "trainings of the others diverged: lower the learning rate (training={'lr': ..})"
        )
    if truth.min() == truth.max():
        raise ConfigError(
            f"all {len(truth)} true values are {truth[0]:.6g}, so that there is no order to compare with; take another "
            "column, or longer trainings"
        )
