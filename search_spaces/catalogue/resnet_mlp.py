"""`resnet_mlp`: residual networks of fully connected layers for tables, after the ResNet of Gorishniy et al. 2021
(arXiv 2106.11959).

    {"width": 192, "activation": "relu", "norm": "batch", "dropout": 0.2, "residual_dropout": 0.0,
     "blocks": [{"hidden_ratio": 2.0}, ..]}

A linear map brings a row to `width` values. One to eight blocks follow, each a branch that is added to its input:
normalisation, a linear map to `hidden_ratio` times the width, activation, dropout, a linear map back, and
`residual_dropout`. The paper has one ratio for all blocks, and draws it and the dropouts from ranges; here each block
has its own ratio, and all of these are options. Every decision changes the network, so there is no canonical form. The
space has 449 * 3 * 2 * 6 * 5 * (7 + 7^2 + .. + 7^8) members.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.catalogue.settings import check_numbers, check_range, check_shares
from search_spaces.errors import SpaceError
from search_spaces.parameters import choice, integer, repeat
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = ["ACTIVATIONS", "DEPTHS", "DROPOUTS", "HIDDEN_RATIOS", "NORMS", "RESIDUAL_DROPOUTS", "space"]

ACTIVATIONS = ("relu", "gelu", "silu")
NORMS = ("batch", "layer")
HIDDEN_RATIOS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
RESIDUAL_DROPOUTS = (0.0, 0.05, 0.1, 0.2, 0.3)
DEPTHS = (1, 8)


def space(
    *,
    min_width: int = 64,
    max_width: int = 512,
    hidden_ratios: Sequence[float] = HIDDEN_RATIOS,
    dropouts: Sequence[float] = DROPOUTS,
    residual_dropouts: Sequence[float] = RESIDUAL_DROPOUTS,
    depths: tuple[int, int] = DEPTHS,
) -> Space:
    """Make the space of residual networks for tables.

    Args:
        min_width, max_width: the least and the greatest number of values between blocks.
        hidden_ratios: the widths inside a block, in widths between blocks.
        dropouts: shares of the values inside a block that are zeroed, from 0 to below 1.
        residual_dropouts: shares of the values at the end of a block that are zeroed, from 0 to below 1.
        depths: the least and the greatest number of blocks.

    Returns:
        The space.

    Raises:
        SpaceError: a setting is not valid.
    """
    for name, value in (("min_width", min_width), ("max_width", max_width)):
        if not is_whole(value, 1):
            raise SpaceError(f"{name} {value!r}: it is a whole number of at least 1; raise it")
    check_numbers("hidden_ratios", hidden_ratios, HIDDEN_RATIOS)
    check_shares("dropouts", dropouts, DROPOUTS)
    check_shares("residual_dropouts", residual_dropouts, RESIDUAL_DROPOUTS)
    check_range("depths", depths, DEPTHS)
    tree = {
        "width": integer(min_width, max_width, log=True),
        "activation": choice(*ACTIVATIONS),
        "norm": choice(*NORMS),
        "dropout": choice(*dropouts),
        "residual_dropout": choice(*residual_dropouts),
        "blocks": repeat({"hidden_ratio": choice(*hidden_ratios)}, *depths),
    }
    return Space(tree, name="resnet_mlp")
