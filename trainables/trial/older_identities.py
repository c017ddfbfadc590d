"""The identity of a training in checkpoints without a version: settings as the text that `repr` gave.

The fields of each class are listed here, so that those checkpoints still load when a class gains fields.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["as_text"]

_FIELDS: dict[str, Sequence[str]] = {
    "Architect": ("lr", "weight_decay", "order", "regularizer", "regularization"),
    "DataSettings": (
        "data",
        "root",
        "download",
        "image_column",
        "label_column",
        "resize",
        "validation_share",
        "test_share",
        "seed",
    ),
    "Optimization": (
        "optimizer",
        "lr",
        "weight_decay",
        "momentum",
        "warmup",
        "grad_clip",
        "amp",
        "lr_min",
        "nesterov",
    ),
    "SearchStage": ("layers", "options", "skip_dropout"),
    "Views": ("augment", "shift", "flip", "cutout"),
}
_NAMES = {"SearchStage": "Stage"}
"""The names of classes that had another name then."""


def as_text(value: object) -> str:
    """Return the text that identified a setting before identities had a version.

    Args:
        value: a plain value, a settings object, or a tuple of these.

    Returns:
        Its `repr` at that time: of a settings object, with the fields that the class had then.
    """
    if isinstance(value, tuple):
        inside = ", ".join(as_text(one) for one in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    name = type(value).__name__
    if name not in _FIELDS:
        return repr(value)
    return f"{_NAMES.get(name, name)}({', '.join(f'{part}={getattr(value, part)!r}' for part in _FIELDS[name])})"
