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
    "Stage": ("layers", "options", "skip_dropout"),
    "Views": ("augment", "shift", "flip", "cutout"),
}


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
    fields = _FIELDS.get(type(value).__name__)
    if fields is None:
        return repr(value)
    return f"{type(value).__name__}({', '.join(f'{name}={getattr(value, name)!r}' for name in fields)})"
