"""`vit`: the vision transformers of AutoFormer (Chen et al. 2021, arXiv 2107.00651), in its three sizes.

The embedding and the number of blocks are decided once, the heads and the MLP ratio for every block:

    {"embedding": 192, "blocks": [{"heads": 3, "mlp_ratio": 4.0}, ..]}

The largest space, "base", has 3 * (9^14 + 9^15 + 9^16) members. Every decision changes the network and the blocks
stand in a row: no two members compute the same, and there is no canonical form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_spaces.catalogue.settings import check_numbers, check_range
from search_spaces.errors import SpaceError
from search_spaces.names import did_you_mean
from search_spaces.parameters import choice, repeat
from search_spaces.space import Space

__all__ = ["SIZES", "VitSize", "space"]


@dataclass(frozen=True, slots=True)
class VitSize:
    """The options of one of the paper's spaces.

    Attributes:
        embeddings: the sizes of the embedding.
        heads: the numbers of attention heads in a block.
        mlp_ratios: the ratios of the width of the MLP to the embedding.
        depths: the least and the greatest number of blocks.
    """

    embeddings: tuple[int, ...]
    heads: tuple[int, ...]
    mlp_ratios: tuple[float, ...]
    depths: tuple[int, int]


SIZES = {
    "tiny": VitSize((192, 216, 240), (3, 4), (3.5, 4.0), (12, 14)),
    "small": VitSize((320, 384, 448), (5, 6, 7), (3.0, 3.5, 4.0), (12, 14)),
    "base": VitSize((528, 576, 624), (8, 9, 10), (3.0, 3.5, 4.0), (14, 16)),
}
"""The spaces of the paper by size."""


def space(
    *,
    size: str = "tiny",
    embeddings: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    mlp_ratios: Sequence[float] | None = None,
    depths: tuple[int, int] | None = None,
) -> Space:
    """Make the paper's space of a size. The other settings replace its options.

    Args:
        size: "tiny", "small" or "base".
        embeddings: the sizes of the embedding; None for those of the size, as for the other settings.
        heads: the numbers of attention heads in a block.
        mlp_ratios: the ratios of the width of the MLP to the embedding.
        depths: the least and the greatest number of blocks.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    if not isinstance(size, str) or size not in SIZES:
        raise SpaceError(
            f"size {size!r} of space 'vit'{did_you_mean(str(size), SIZES) or ';'} known: {', '.join(SIZES)}"
        )
    paper = SIZES[size]
    embeddings = paper.embeddings if embeddings is None else embeddings
    heads = paper.heads if heads is None else heads
    mlp_ratios = paper.mlp_ratios if mlp_ratios is None else mlp_ratios
    depths = paper.depths if depths is None else depths
    check_numbers("embeddings", embeddings, paper.embeddings, whole=True)
    check_numbers("heads", heads, paper.heads, whole=True)
    check_numbers("mlp_ratios", mlp_ratios, paper.mlp_ratios)
    check_range("depths", depths, paper.depths)
    block = {"heads": choice(*heads), "mlp_ratio": choice(*mlp_ratios)}
    return Space({"embedding": choice(*embeddings), "blocks": repeat(block, *depths)}, name="vit")
