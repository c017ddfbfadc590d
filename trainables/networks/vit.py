"""Networks of the `vit` space: the vision transformers of AutoFormer (Chen et al. 2021, arXiv 2107.00651).

The image is cut into patches. A class token is put before them, learnt positions are added, and blocks of attention and
MLP follow. Queries, keys and values have a size of 64 in each head, whatever the embedding. As in AutoFormer, attention
depends on the distance between two patches (clipped at 14 rows and columns; Shaw et al. 2018, 1803.02155), and the
classifier reads the mean of the patches. With `relative_position=False` and `pool="token"` the same code is DeiT
(Touvron et al. 2021, 2012.12877).

At 224 pixels, patches of 16 and 1000 classes the published AutoFormer-S and -B have 22,891,432 and 53,691,688
parameters here (the paper: 22.9 M and 53.7 M), and DeiT-Ti, which is 12 blocks of 3 heads and ratio 4 on an embedding
of 192, has its 5,717,416.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import TrainableError
from trainables.networks.attention import SelfAttention, TransformerBlock, decayed, initialise, read_blocks
from trainables.networks.base import Size, check_drop_path, number, pair, tree_of
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.layers import layer
from trainables.settings import check_flag, check_name, check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = [
    "FAMILY",
    "HEAD_WIDTH",
    "POOLS",
    "REACH",
    "RelativeSelfAttention",
    "VisionTransformer",
    "build_vit",
    "coordinates",
    "relative_places",
]

HEAD_WIDTH = 64
POOLS = ("mean", "token")
REACH = 14
"""Patches further apart than this, in rows or in columns, count as this far apart."""


def build_vit(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size,
    patch_size: int | None = None,
    scale: float = 1.0,
    head_width: int = HEAD_WIDTH,
    relative_position: bool = True,
    pool: str = "mean",
    dropout: float = 0.0,
    attention_dropout: float = 0.0,
    drop_path: float = 0.0,
) -> nn.Module:
    """Build the network of one member for images of one size.

    An image whose size is not a multiple of the patch is padded with zeros below and on the right.

    Args:
        architecture: a member of `vit`, or its tree.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: height and width in pixels; one number for both.
        patch_size: side of a patch in pixels. None takes an eighth of the shorter side of the image, rounded up, and at
            most the paper's 16.
        scale: factor of the embedding, for small networks.
        head_width: size of queries, keys and values in each head.
        relative_position: whether attention depends on the distance between patches.
        pool: what the classifier reads: the "mean" of the patches, or the class "token".
        dropout: probability of dropout.
        attention_dropout: probability of dropping an attention weight.
        drop_path: probability of drop path in the last block at the end of training.

    Returns:
        Images (n, in_channels, *image_size) to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a block breaks the form; the message gives the path.
    """
    height, width = pair(image_size)
    patch = max(1, min(16, -(-min(height, width) // 8))) if patch_size is None else patch_size
    check_number("patch_size", patch, 1, whole=True)
    check_number("scale", scale, 0, open_low=True)
    check_number("head_width", head_width, 1, whole=True)
    check_flag("relative_position", relative_position)
    check_name("pool", pool, POOLS)
    check_number("dropout", dropout, 0, 1)
    check_number("attention_dropout", attention_dropout, 0, 1)
    check_drop_path(drop_path)
    tree = tree_of(architecture)
    embedding = max(1, round(scale * number(tree, "embedding", "", whole=True)))
    decisions = read_blocks(tree)
    drops = decayed(drop_path, len(decisions))
    grid = (-(-height // patch), -(-width // patch)) if relative_position else None
    blocks = []
    for (heads, ratio), drop in zip(decisions, drops, strict=True):
        blocks.append(_block(embedding, heads, head_width, ratio, grid, dropout, attention_dropout, drop))
    return VisionTransformer(
        blocks, embedding, num_classes, in_channels, (height, width), patch, pool=pool, dropout=dropout
    )


Grid = tuple[int, int]
"""Number of patches in a column and in a row."""


@layer
def _block(
    width: int,
    heads: int,
    head_width: int,
    ratio: float,
    grid: Grid | None,
    dropout: float,
    attention_dropout: float,
    drop_path: float,
) -> nn.Module:
    attention: nn.Module
    if grid is None:
        attention = SelfAttention(width, heads, head_width, dropout=attention_dropout)
    else:
        attention = RelativeSelfAttention(width, heads, head_width, grid, dropout=attention_dropout)
    return TransformerBlock(width, max(1, int(width * ratio)), attention, dropout=dropout, drop_path=drop_path)


class VisionTransformer(nn.Module):
    """Images (n, in_channels, *image_size) to (n, num_classes) logits; `TrainableError` for another size.

    Args:
        blocks: the transformer blocks.
        width: size of the embedding.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: height and width in pixels.
        patch: side of a patch in pixels.
        pool: "mean" or "token".
        dropout: probability of dropout after the embeddings.
    """

    def __init__(
        self,
        blocks: list[nn.Module],
        width: int,
        num_classes: int,
        in_channels: int,
        image_size: tuple[int, int],
        patch: int,
        *,
        pool: str = "mean",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.image_size, self.pool = image_size, pool
        self.missing = (-image_size[0] % patch, -image_size[1] % patch)
        patches = -(-image_size[0] // patch) * -(-image_size[1] // patch)
        self.patches = nn.Conv2d(in_channels, width, patch, patch)
        self.token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, 1 + patches, width))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, num_classes)
        initialise(self)
        nn.init.normal_(self.token, std=0.02)
        nn.init.normal_(self.positions, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        if tuple(x.shape[2:]) != self.image_size:
            raise TrainableError(
                f"images of {tuple(x.shape[2:])} pixels: this network was built for {self.image_size}, each patch has "
                "its own position; resize them, or build it with another image_size"
            )
        below, beside = self.missing
        places = self.patches(functional.pad(x, (0, beside, 0, below))).flatten(2).transpose(1, 2)
        places = torch.cat((self.token.expand(x.shape[0], -1, -1), places), 1) + self.positions
        seen = self.norm(self.blocks(self.dropout(places)))
        logits: Tensor = self.classifier(seen[:, 0] if self.pool == "token" else seen[:, 1:].mean(1))
        return logits


class RelativeSelfAttention(SelfAttention):
    """Self-attention over a class token and a `grid` of patches that adds relative positions to keys and values.

    To the key and the value of a position it adds learnt vectors for its distance, in rows and in columns, from the
    position of the query. The class token has its own vectors. All heads share them.

    Args:
        width: size of the embedding.
        heads: number of heads.
        head_width: size of queries, keys and values in each head.
        grid: number of patches in a column and in a row.
        dropout: probability of dropping an attention weight.
    """

    patches: Tensor

    def __init__(self, width: int, heads: int, head_width: int, grid: Grid, *, dropout: float = 0.0) -> None:
        super().__init__(width, heads, head_width, dropout=dropout)
        self.register_buffer("patches", coordinates(grid), persistent=False)
        self.key_tables = nn.Parameter(torch.empty(2, 2 * REACH + 2, head_width))
        self.value_tables = nn.Parameter(torch.empty(2, 2 * REACH + 2, head_width))
        nn.init.normal_(self.key_tables, std=0.02)
        nn.init.normal_(self.value_tables, std=0.02)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        rows, columns = relative_places(self.patches)
        between_keys, between_values = (
            tables[0][rows] + tables[1][columns] for tables in (self.key_tables, self.value_tables)
        )
        scores = query @ key.transpose(2, 3) + torch.einsum("nhqd,qkd->nhqk", query, between_keys)
        shares = functional.dropout((scores / self.head_width**0.5).softmax(3), self.dropout, self.training)
        return shares @ value + torch.einsum("nhqk,qkd->nhqd", shares, between_values)


def coordinates(grid: Grid) -> Tensor:
    """Compute the coordinates of the patches.

    Args:
        grid: number of patches in a column and in a row.

    Returns:
        (2, patches), int64: row and column of each patch.
    """
    return torch.stack((torch.arange(grid[0]).repeat_interleave(grid[1]), torch.arange(grid[1]).repeat(grid[0])))


def relative_places(patches: Tensor) -> Tensor:
    """Compute the relative positions of all pairs of tokens.

    Args:
        patches: (2, patches), row and column of each patch.

    Returns:
        (2, t, t), int64, t being the patches and the class token: the distance of the second from the first in rows and
        in
        columns, clipped and shifted to start at 1; 0 where one of them is the class token.
    """
    distances = patches[:, None, :] - patches[:, :, None]
    return functional.pad(distances.clamp(-REACH, REACH) + REACH + 1, (1, 0, 1, 0))


FAMILY = Family(build_vit, images, undecided=False)
