"""Self-attention and the transformer block (Vaswani et al. 2017, arXiv 1706.03762).

Blocks normalise before they compute: `x + attention(norm(x))`, then `x + mlp(norm(x))`, as in GPT-2 and in vision
transformers. The heads need not divide the embedding: queries, keys and values are heads * head_width wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from search_spaces.errors import ArchitectureError
from trainables.networks.base import DropPath, number

__all__ = ["SelfAttention", "TransformerBlock", "decayed", "initialise", "read_blocks"]


def read_blocks(tree: Mapping[str, Any]) -> list[tuple[int, float]]:
    """Read the blocks of a transformer.

    Args:
        tree: the tree of an architecture, with a list `blocks`.

    Returns:
        Number of heads and MLP ratio of each block.

    Raises:
        ArchitectureError: a block is missing or has a value that is not allowed; the message gives the path.
    """
    blocks = tree.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        raise ArchitectureError("blocks", f"{blocks!r} is not a list of at least one block")
    found = []
    for index, block in enumerate(blocks):
        path = f"blocks.{index}"
        found.append((number(block, "heads", path, whole=True), number(block, "mlp_ratio", path)))
    return found


def decayed(drop_path: float, depth: int) -> Sequence[float]:
    """Raise the probability of dropping a block linearly with its depth, from 0 (Huang et al. 2016, 1603.09382).

    Args:
        drop_path: the probability for the last block.
        depth: number of blocks.

    Returns:
        The probability for each block.
    """
    return [drop_path * index / max(1, depth - 1) for index in range(depth)]


def initialise(network: nn.Module) -> None:
    """Draw the weights of linear layers and embeddings from a normal distribution (deviation 0.02); biases become 0.

    Args:
        network: the network, changed in place.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


class SelfAttention(nn.Module):
    """Self-attention: (n, t, width) to (n, t, width).

    Args:
        width: size of the embedding.
        heads: number of heads.
        head_width: size of queries, keys and values in each head.
        causal: whether a position attends only to itself and to earlier positions.
        dropout: probability of dropping an attention weight.
    """

    def __init__(self, width: int, heads: int, head_width: int, *, causal: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.head_width, self.causal, self.dropout = heads, head_width, causal, dropout
        self.qkv = nn.Linear(width, 3 * heads * head_width)
        self.projection = nn.Linear(heads * head_width, width)

    def forward(self, x: Tensor) -> Tensor:
        count, length, _ = x.shape
        query, key, value = self.qkv(x).view(count, length, 3, self.heads, self.head_width).permute(2, 0, 3, 1, 4)
        mixed: Tensor = self.projection(self.attend(query, key, value).transpose(1, 2).flatten(2))
        return mixed

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Average the values by the attention weights.

        Args:
            query: (n, heads, t, head_width).
            key: (n, heads, t, head_width).
            value: (n, heads, t, head_width).

        Returns:
            (n, heads, t, head_width).
        """
        dropout = self.dropout if self.training else 0.0
        return functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=self.causal)


class TransformerBlock(nn.Module):
    """(n, t, width) to (n, t, width): `attention`, then two linear layers with `hidden` values and GELU between them.

    Args:
        width: size of the embedding.
        hidden: size between the two linear layers.
        attention: a module (n, t, width) to (n, t, width).
        dropout: probability after the attention, the activation and the MLP.
        drop_path: probability of skipping the attention, and likewise the MLP, for an example.
    """

    def __init__(
        self, width: int, hidden: int, attention: nn.Module, *, dropout: float = 0.0, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = attention
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width), nn.Dropout(dropout)
        )
        self.dropout = nn.Dropout(dropout)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.dropout(self.attention(self.attention_norm(x))))
        total: Tensor = x + self.drop_path(self.mlp(self.mlp_norm(x)))
        return total
