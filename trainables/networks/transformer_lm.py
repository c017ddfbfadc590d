"""Networks of the `transformer_lm` space: decoder-only language models, laid out as GPT-2 (Radford et al. 2019).

Token and position embeddings, blocks of causal attention and MLP, normalisation, and a linear layer without bias to the
vocabulary, whose weight is that of the token embedding when `tied`. The embedding is shared evenly among the heads of
a block. An embedding of 768 with 12 blocks of 12 heads and ratio 4 has the 124,439,808 parameters of the small GPT-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import TrainableError
from trainables.networks.attention import SelfAttention, TransformerBlock, block_plans, decayed, initialise
from trainables.networks.base import check_drop_path, number, tree_of
from trainables.networks.examples import tokens
from trainables.networks.family import Family
from trainables.networks.layers import layer
from trainables.settings import check_flag, check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "TransformerLM", "build_transformer_lm"]


def build_transformer_lm(
    architecture: Architecture | Mapping[str, Any],
    *,
    vocabulary: int = 50_257,
    context: int = 1_024,
    scale: float = 1.0,
    tied: bool = True,
    dropout: float = 0.0,
    attention_dropout: float = 0.0,
    drop_path: float = 0.0,
) -> nn.Module:
    """The network of one member for texts of up to `context` tokens; `scale` multiplies the embedding."""
    check_number("vocabulary", vocabulary, 1, whole=True)
    check_number("context", context, 1, whole=True)
    check_number("scale", scale, 0, open_low=True)
    check_flag("tied", tied)
    check_number("dropout", dropout, 0, 1)
    check_number("attention_dropout", attention_dropout, 0, 1)
    check_drop_path(drop_path)
    tree = tree_of(architecture)
    embedding = max(1, round(scale * number(tree, "embedding", "", whole=True)))
    plans = block_plans(tree)
    blocks = [
        _block(embedding, heads, ratio, dropout, attention_dropout, drop)
        for (heads, ratio), drop in zip(plans, decayed(drop_path, len(plans)), strict=True)
    ]
    return TransformerLM(blocks, embedding, vocabulary, context, tied=tied, dropout=dropout)


@layer
def _block(
    width: int, heads: int, ratio: float, dropout: float, attention_dropout: float, drop_path: float
) -> nn.Module:
    attention = SelfAttention(width, heads, max(1, width // heads), causal=True, dropout=attention_dropout)
    return TransformerBlock(width, max(1, int(width * ratio)), attention, dropout=dropout, drop_path=drop_path)


class TransformerLM(nn.Module):
    """Tokens (n, t), int64, to logits (n, t, vocabulary) for the token after each; t is at most `context`."""

    def __init__(
        self,
        blocks: list[nn.Module],
        width: int,
        vocabulary: int,
        context: int,
        *,
        tied: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width)
        self.decoder = None if tied else nn.Linear(width, vocabulary, bias=False)
        initialise(self)

    def forward(self, tokens: Tensor) -> Tensor:
        length, context = tokens.shape[1], self.positions.num_embeddings
        if length > context:
            raise TrainableError(
                f"a text of {length} tokens: this network has {context} positions; cut the text, or build the network "
                f"with context={length}"
            )
        places = self.tokens(tokens) + self.positions(torch.arange(length, device=tokens.device))
        seen = self.norm(self.blocks(self.dropout(places)))
        if self.decoder is None:
            return functional.linear(seen, self.tokens.weight)
        logits: Tensor = self.decoder(seen)
        return logits


FAMILY = Family(build_transformer_lm, tokens, undecided=False)
