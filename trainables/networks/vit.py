"""Networks of the `vit` space: the vision transformers of AutoFormer (Chen et al. 2021, arXiv 2107.00651).

The image is cut into patches, each a place; a class token goes before them, learned positions are added, and blocks
of attention and MLP follow. Queries, keys and values are 64 wide a head, whatever the embedding. As in AutoFormer,
attention knows how far two patches lie apart (clipped at 14 rows and columns; Shaw et al. 2018, 1803.02155), and the
classifier sees the mean of the patches. With `relative_position=False` and `pool="token"` the same code is DeiT
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
from trainables.networks.attention import SelfAttention, TransformerBlock, block_plans, decayed, initialise
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
    """The network of one member for images of `image_size`, which may be any.

    `patch_size` None is an eighth of the shorter side, rounded up, and at most the paper's 16. An image that is no
    multiple of it is padded with zeros below and on the right. `scale` multiplies the embedding, for small networks.
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
    plans = block_plans(tree)
    grid = (-(-height // patch), -(-width // patch))
    blocks = [
        _block(
            embedding, heads, head_width, ratio, grid if relative_position else None, dropout, attention_dropout, drop
        )
        for (heads, ratio), drop in zip(plans, decayed(drop_path, len(plans)), strict=True)
    ]
    return VisionTransformer(
        blocks, embedding, num_classes, in_channels, (height, width), patch, pool=pool, dropout=dropout
    )


Grid = tuple[int, int]
"""How many patches stand below and beside one another."""


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
    attention: nn.Module = (
        SelfAttention(width, heads, head_width, dropout=attention_dropout)
        if grid is None
        else RelativeSelfAttention(width, heads, head_width, grid, dropout=attention_dropout)
    )
    return TransformerBlock(width, max(1, int(width * ratio)), attention, dropout=dropout, drop_path=drop_path)


class VisionTransformer(nn.Module):
    """Images (n, in_channels, *image_size) to (n, num_classes) logits; `TrainableError` for another size."""

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
    """Self-attention over a class token and a `grid` of patches that adds to keys and values what lies between.

    To the key and to the value of a place come learned vectors for its distance in rows and in columns from the place
    that looks; the token has its own. Both are shared by the heads.
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
    """(2, patches), int: the row and the column of each patch."""
    return torch.stack((torch.arange(grid[0]).repeat_interleave(grid[1]), torch.arange(grid[1]).repeat(grid[0])))


def relative_places(patches: Tensor) -> Tensor:
    """(2, t, t), int: by how many rows and columns a patch lies after another, from 1 on; 0 where one is the token."""
    distances = patches[:, None, :] - patches[:, :, None]
    return functional.pad(distances.clamp(-REACH, REACH) + REACH + 1, (1, 0, 1, 0))


FAMILY = Family(build_vit, images, undecided=False)
