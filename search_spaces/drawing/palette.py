"""Colours by family of operation: light fills under dark text (contrast above 7), for colour-blind readers too.

The hues are those of Okabe & Ito 2008. The family is found by words in a label. Colour is never the only difference of
two boxes, since every box has its text.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CHANGED", "FAMILIES", "GREY", "INK", "ONLY", "PAPER", "Colours", "family_of"]

INK, PAPER, GREY = "#1b2733", "#ffffff", "#6b7785"
CHANGED, ONLY = "#c2410c", "#6d28d9"
"""The frame colours of a comparison: the other side has another operation there, or nothing."""


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a box, as "#rrggbb".

    Attributes:
        fill: inside.
        stroke: of its edge.
    """

    fill: str
    stroke: str


FAMILIES: dict[str, Colours] = {
    "data": Colours("#e8ecf1", "#6b7785"),
    "sum or join": Colours("#ffffff", "#6b7785"),
    "convolution": Colours("#d3e8f8", "#0072b2"),
    "depthwise or separable": Colours("#c9efe4", "#008263"),
    "pooling": Colours("#fbe6c2", "#b97700"),
    "identity": Colours("#f1f3f5", "#8a949f"),
    "zero": Colours("#ffffff", "#a9b1ba"),
    "attention": Colours("#f8dcea", "#b0538a"),
    "linear": Colours("#e4dff7", "#6656b8"),
    "activation": Colours("#fdf3b8", "#a08c00"),
    "other": Colours("#e3edf0", "#44707f"),
}
_WORDS = {
    "attention": ("attention", "attn", "head"),
    "pooling": ("pool",),
    "depthwise or separable": (
        "sep",
        "dwconv",
        "depthwise",
        "mbconv",
        "mbv",
        "inverted",
        "dil_conv",
        "ib",
        "mb3_",
        "shuffle",
    ),
    "convolution": ("conv", "bottleneck", "stage", "stem", "res_"),
    "identity": ("skip", "identity", "residual"),
    "linear": ("linear", "mlp", "dense", "width", "embed", "hidden"),
    "activation": ("relu", "tanh", "sigmoid", "gelu", "silu", "swish", "elu", "sin"),
}


def family_of(label: str, kind: str) -> str:
    """Find the family of a vertex or an edge.

    Args:
        label: its text.
        kind: its kind, "operation" for an edge.

    Returns:
        A key of `FAMILIES`: by the label of an operation, by the kind of other vertices.
    """
    if kind in ("input", "output"):
        return "data"
    if kind == "state":
        return "sum or join"
    lower = label.lower()
    if lower.split(" ")[0] in ("none", "zero"):
        return "zero"
    return next((family for family, words in _WORDS.items() if any(word in lower for word in words)), "other")
