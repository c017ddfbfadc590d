"""`ft_transformer`: transformers for tables (FT-Transformer, Gorishniy et al. 2021, arXiv 2106.11959).

    {"width": 192, "attention_dropout": 0.2, "ffn_dropout": 0.1, "residual_dropout": 0.0,
     "blocks": [{"heads": 8, "ffn_ratio": 1.33}, ..]}

Each column of a row becomes a token of `width` values. One to six blocks of attention and of a gated layer (ReGLU)
follow, and the prediction is read from one more token. The paper has 8 heads, one ratio for all blocks, and draws the
width from 64 to 512; here each block has its own heads and ratio, and widths of 32 and 48 train on a CPU too. The
default of the paper is the architecture above with three blocks. Every decision changes the network, so there is no
canonical form. The space has 10 * 6 * 6 * 5 * (14 + 14^2 + .. + 14^6) members.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.catalogue.settings import check_numbers, check_range, check_shares
from search_spaces.errors import SpaceError
from search_spaces.parameters import choice, repeat
from search_spaces.space import Space

__all__ = ["DEPTHS", "DROPOUTS", "FFN_RATIOS", "HEADS", "RESIDUAL_DROPOUTS", "WIDTHS", "space"]

WIDTHS = (32, 48, 64, 96, 128, 192, 256, 320, 384, 512)
HEADS = (4, 8)
FFN_RATIOS = (0.67, 1.0, 1.33, 1.67, 2.0, 2.33, 2.67)
"""Widths of the gated layer in widths of a token: from 2/3 to 8/3, as in the paper."""
DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
RESIDUAL_DROPOUTS = (0.0, 0.05, 0.1, 0.15, 0.2)
DEPTHS = (1, 6)


def space(
    *,
    widths: Sequence[int] = WIDTHS,
    heads: Sequence[int] = HEADS,
    ffn_ratios: Sequence[float] = FFN_RATIOS,
    dropouts: Sequence[float] = DROPOUTS,
    residual_dropouts: Sequence[float] = RESIDUAL_DROPOUTS,
    depths: tuple[int, int] = DEPTHS,
) -> Space:
    """Make the space of transformers for tables.

    Args:
        widths: the numbers of values of a token.
        heads: the numbers of heads, each of which divides each width.
        ffn_ratios: the widths of the gated layer, in widths of a token.
        dropouts: shares of the attention weights, and of the values of the gated layer, that are zeroed.
        residual_dropouts: shares of what a block adds that are zeroed.
        depths: the least and the greatest number of blocks.

    Returns:
        The space.

    Raises:
        SpaceError: a setting is not valid.
    """
    check_numbers("widths", widths, WIDTHS, whole=True)
    check_numbers("heads", heads, HEADS, whole=True)
    check_numbers("ffn_ratios", ffn_ratios, FFN_RATIOS)
    check_shares("dropouts", dropouts, DROPOUTS)
    check_shares("residual_dropouts", residual_dropouts, RESIDUAL_DROPOUTS)
    check_range("depths", depths, DEPTHS)
    for width in widths:
        for count in heads:
            if width % count:
                raise SpaceError(
                    f"widths={widths!r}: {width} cannot be divided into {count} heads; give multiples of {count}"
                )
    tree = {
        "width": choice(*widths),
        "attention_dropout": choice(*dropouts),
        "ffn_dropout": choice(*dropouts),
        "residual_dropout": choice(*residual_dropouts),
        "blocks": repeat({"heads": choice(*heads), "ffn_ratio": choice(*ffn_ratios)}, *depths),
    }
    return Space(tree, name="ft_transformer")
