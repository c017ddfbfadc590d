"""Networks of the `transformer_lm` space: decoder-only language models, laid out as GPT-2 (Radford et al. 2019).

A network is token and position embeddings, blocks of causal attention and MLP, normalisation, and a linear layer
without bias to the vocabulary, which shares the weight of the token embedding when `tied`. The heads of a block divide
the embedding evenly. An embedding of 768 with 12 blocks of 12 heads and ratio 4 has the 124,439,808 parameters of the
small GPT-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import TrainableError
from trainables.networks.attention import SelfAttention, TransformerBlock, decayed, initialise, read_blocks
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
    """Build the network of one member.

    Args:
        architecture: a member of `transformer_lm`, or its tree.
        vocabulary: number of different tokens.
        context: the greatest length of a text in tokens.
        scale: factor of the embedding, for small networks.
        tied: whether the decoder shares the weight of the token embedding.
        dropout: probability of dropout.
        attention_dropout: probability of dropping an attention weight.
        drop_path: probability of drop path in the last block at the end of training.

    Returns:
        Tokens (n, t), int64, to logits (n, t, vocabulary).

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a block breaks the form; the message gives the path.
    """
    check_number("vocabulary", vocabulary, 1, whole=True)
    check_number("context", context, 1, whole=True)
    check_number("scale", scale, 0, open_low=True)
    check_flag("tied", tied)
    check_number("dropout", dropout, 0, 1)
    check_number("attention_dropout", attention_dropout, 0, 1)
    check_drop_path(drop_path)
    tree = tree_of(architecture)
    embedding = max(1, round(scale * number(tree, "embedding", "", whole=True)))
    decisions = read_blocks(tree)
    drops = decayed(drop_path, len(decisions))
    blocks = []
    for (heads, ratio), drop in zip(decisions, drops, strict=True):
        blocks.append(_block(embedding, heads, ratio, dropout, attention_dropout, drop))
    return TransformerLM(blocks, embedding, vocabulary, context, tied=tied, dropout=dropout)


@layer
def _block(
    width: int, heads: int, ratio: float, dropout: float, attention_dropout: float, drop_path: float
) -> nn.Module:
    attention = SelfAttention(width, heads, max(1, width // heads), causal=True, dropout=attention_dropout)
    return TransformerBlock(width, max(1, int(width * ratio)), attention, dropout=dropout, drop_path=drop_path)


class TransformerLM(nn.Module):
    """Tokens (n, t), int64, to logits (n, t, vocabulary) for the token after each; t is at most `context`.

    Args:
        blocks: the transformer blocks.
        width: size of the embedding.
        vocabulary: number of different tokens.
        context: number of positions.
        tied: whether the decoder shares the weight of the token embedding.
        dropout: probability of dropout after the embeddings.
    """

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
