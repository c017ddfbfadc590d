"""`transformer_lm`: decoder-only language models, after the space of LiteTransformerSearch (Javaheripi et al. 2022,
arXiv 2203.02094).

A model has 2 to 16 blocks and an embedding of 128 to 1024 in steps of 64. Each block has 2, 4 or 8 heads and a width of
its MLP. In the paper that width is a number, at least twice the embedding; here it is a ratio to the embedding, so that
every combination is a member. The paper's adaptive embedding factor is left out: it concerns the vocabulary.

    {"embedding": 512, "blocks": [{"heads": 8, "mlp_ratio": 4.0}, ..]}

Every decision changes the network: no two members compute the same, and there is no canonical form.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.catalogue.settings import check_numbers, check_range
from search_spaces.parameters import choice, repeat
from search_spaces.space import Space

__all__ = ["DEPTHS", "EMBEDDINGS", "HEADS", "MLP_RATIOS", "space"]

EMBEDDINGS = tuple(range(128, 1_025, 64))
HEADS = (2, 4, 8)
MLP_RATIOS = (2.0, 2.5, 3.0, 3.5, 4.0)
DEPTHS = (2, 16)


def space(
    *,
    embeddings: Sequence[int] = EMBEDDINGS,
    heads: Sequence[int] = HEADS,
    mlp_ratios: Sequence[float] = MLP_RATIOS,
    depths: tuple[int, int] = DEPTHS,
) -> Space:
    """Make the space of language models, or one of the same shape with other options.

    Args:
        embeddings: the sizes of the embedding.
        heads: the numbers of attention heads in a block.
        mlp_ratios: the ratios of the width of the MLP to the embedding.
        depths: the least and the greatest number of blocks.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_numbers("embeddings", embeddings, (128, 256, 512), whole=True)
    check_numbers("heads", heads, HEADS, whole=True)
    check_numbers("mlp_ratios", mlp_ratios, MLP_RATIOS)
    check_range("depths", depths, DEPTHS)
    block = {"heads": choice(*heads), "mlp_ratio": choice(*mlp_ratios)}
    return Space({"embedding": choice(*embeddings), "blocks": repeat(block, *depths)}, name="transformer_lm")
