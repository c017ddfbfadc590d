"""The export formats by name.

The registry holds objects of `trainables.export.format.Format`. A plug-in declares one in its entry points of the group
`nas_tune.formats`. Listing the names does not import torch.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from search_spaces.registry import Registry
from trainables.errors import TrainableError

if TYPE_CHECKING:
    from trainables.export.format import Format

__all__ = ["FORMATS", "STANDARD", "register"]


def _format(name: str, target: object) -> Format:
    from trainables.export.format import Format

    if not isinstance(target, Format):
        raise TrainableError(
            f"the format {name!r} leads to {target!r:.80}; it must be a Format (trainables.export.format)"
        )
    odd = []
    for file in target.files:
        if file in ("", ".", "..") or PurePath(file).name != file:
            odd.append(file)
    if odd or not target.files:
        raise TrainableError(f"the format {name!r} has the files {target.files!r}; give plain names, at least one")
    return target


FORMATS: Registry[Format] = Registry(
    "format",
    "formats",
    {
        "safetensors": "trainables.export.weights:FORMAT",
        "py": "trainables.export.standalone:FORMAT",
        "pt2": "trainables.export.program:FORMAT",
        "onnx": "trainables.export.onnx:FORMAT",
    },
    check=_format,
    error=TrainableError,
)
"""The formats by name, in the order in which an export writes them."""

STANDARD = tuple(FORMATS.built_in())
"""The default formats of an export."""


def register(name: str, format: Format | str, *, replace: bool = False) -> None:
    """Make an export format known as `name` in this process.

    Args:
        name: the name of the format in an export.
        format: the `Format`, or "module:attribute".
        replace: whether to replace a format that has the name already.

    Raises:
        TrainableError: the name breaks the rule or is taken, or the object is no `Format`.
    """
    FORMATS.register(name, format, replace=replace)
