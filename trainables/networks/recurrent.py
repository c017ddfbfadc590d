"""Language models of the `recurrent` and `enas_recurrent` spaces (DARTS, Liu et al. 2019, arXiv 1806.09055; ENAS,
Pham et al. 2018, 1802.03268): an embedding, one recurrent cell, and a decoder that shares the weight of the embedding.

With h the output of the step before, `[x, h] @ weight` has two halves. State 0 of the cell is
`h + sigmoid(first half) * (activation(second half) - h)`. A node computes the same from the state that it reads. In
training, dropout masks are drawn once for a text and stay the same in all its steps (variational dropout, Gal and
Ghahramani 2016, 1512.05287).

With a vocabulary of 10,000 words (Penn Treebank) a DARTS cell has 22,960,000 parameters (the paper says 23 M), an ENAS
cell as in the authors' code, 748 wide and without bias, 22,027,104. The authors normalise batches inside the cell
during the search only; this is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.errors import ArchitectureError
from search_spaces.nn import InputChoice, LayerChoice, SelectInputs
from trainables.errors import TrainableError
from trainables.networks.base import option, tree_of
from trainables.networks.examples import tokens
from trainables.networks.family import Family
from trainables.settings import check_flag, check_name, check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = [
    "ACTIVATIONS",
    "FAMILY",
    "SMALL",
    "Node",
    "RecurrentCell",
    "RecurrentLM",
    "build_enas_recurrent",
    "build_recurrent",
    "texts",
]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}
STEPS = 35
"""Length of a text in the papers' training, in words."""
INITIAL = 0.04
"""Weights are drawn uniformly between minus and plus this."""


def build_recurrent(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    vocabulary: int = 10_000,
    context: int = STEPS,
    embedding: int = 850,
    hidden: int = 850,
    nodes: int = 8,
    activations: Sequence[str] = tuple(ACTIVATIONS),
    tied: bool = True,
    dropout: float = 0.75,
    dropout_hidden: float = 0.25,
    dropout_input: float = 0.75,
    dropout_embedding: float = 0.2,
    dropout_word: float = 0.0,
) -> nn.Module:
    """Build the language model of a DARTS cell; the defaults are the paper's on Penn Treebank.

    Args:
        architecture: a member of `recurrent`, or its tree. None builds the undecided network.
        vocabulary: number of different tokens.
        context: length of a text in training, which changes no weight.
        embedding: width of the embedding.
        hidden: width of the cell; with `tied` equal to `embedding`.
        nodes: nodes of the undecided cell.
        activations: candidates of the undecided cell.
        tied: whether the decoder shares the weight of the embedding.
        dropout: probability of dropping an output of the cell.
        dropout_hidden: probability of dropping a value of the states that nodes read.
        dropout_input: probability of dropping an input of the cell.
        dropout_embedding: probability of dropping a dimension of the embedding.
        dropout_word: probability of dropping a word of the vocabulary.

    Returns:
        Tokens (n, t), int64, to logits (n, t, vocabulary).

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a node breaks the form; the message gives the path.
    """
    cell = _cell(architecture, embedding, hidden, nodes, activations, enas=False)
    dropouts = Dropouts(dropout, dropout_hidden, dropout_input, dropout_embedding, dropout_word)
    return RecurrentLM(cell, vocabulary, dropouts, tied=tied, bias=True)


def build_enas_recurrent(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    vocabulary: int = 10_000,
    context: int = STEPS,
    embedding: int = 748,
    hidden: int = 748,
    nodes: int = 12,
    activations: Sequence[str] = tuple(ACTIVATIONS),
    tied: bool = True,
    bias: bool = False,
    dropout: float = 0.76,
    dropout_hidden: float = 0.25,
    dropout_input: float = 0.75,
    dropout_embedding: float = 0.0,
    dropout_word: float = 0.21,
) -> nn.Module:
    """Build the language model of an ENAS cell; the defaults are those of the authors' code.

    Args:
        architecture: a member of `enas_recurrent`, or its tree. None builds the undecided network.
        vocabulary: as in `build_recurrent`.
        context: as in `build_recurrent`.
        embedding: as in `build_recurrent`.
        hidden: as in `build_recurrent`.
        nodes: nodes of the undecided cell, node 0 included.
        activations: as in `build_recurrent`.
        tied: as in `build_recurrent`.
        bias: whether the decoder has a bias.
        dropout: as in `build_recurrent`.
        dropout_hidden: as in `build_recurrent`.
        dropout_input: as in `build_recurrent`.
        dropout_embedding: as in `build_recurrent`.
        dropout_word: as in `build_recurrent`.

    Returns:
        Tokens (n, t), int64, to logits (n, t, vocabulary).

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a node breaks the form; the message gives the path.
    """
    cell = _cell(architecture, embedding, hidden, nodes - 1, activations, enas=True)
    dropouts = Dropouts(dropout, dropout_hidden, dropout_input, dropout_embedding, dropout_word)
    return RecurrentLM(cell, vocabulary, dropouts, tied=tied, bias=bias)


def texts(batch: int, settings: Mapping[str, Any]) -> Tensor:
    """Make random texts, by default of 35 tokens, the length in the papers' training.

    Args:
        batch: number of texts.
        settings: `vocabulary`, the number of different tokens, and `context`, the length.

    Returns:
        (batch, context), int64.
    """
    return tokens(batch, {"context": STEPS, **settings})


class Dropouts(NamedTuple):
    """The probabilities of dropout, named as the settings of `build_recurrent`.

    Attributes:
        dropout: of an output of the cell.
        dropout_hidden: of a value of the states that nodes read.
        dropout_input: of an input of the cell.
        dropout_embedding: of a dimension of the embedding.
        dropout_word: of a word of the vocabulary.
    """

    dropout: float
    dropout_hidden: float
    dropout_input: float
    dropout_embedding: float
    dropout_word: float


class RecurrentLM(nn.Module):
    """Tokens (n, t), int64, to logits (n, t, vocabulary) for the token after each.

    Args:
        cell: the recurrent cell.
        vocabulary: number of different tokens.
        dropouts: the probabilities of dropout.
        tied: whether the decoder shares the weight of the embedding.
        bias: whether the decoder has a bias.
    """

    def __init__(self, cell: RecurrentCell, vocabulary: int, dropouts: Dropouts, *, tied: bool, bias: bool) -> None:
        super().__init__()
        check_number("vocabulary", vocabulary, 1, whole=True)
        check_flag("tied", tied)
        check_flag("bias", bias)
        for name, probability in dropouts._asdict().items():
            check_number(name, probability, 0, 1)
        if tied and cell.inputs != cell.width:
            raise TrainableError(
                f"an embedding of {cell.inputs} cannot be the decoder of a cell {cell.width} wide; "
                "make embedding and hidden equal, or set tied=False"
            )
        self.dropouts = dropouts
        self.tokens = nn.Embedding(vocabulary, cell.inputs)
        self.cell = cell
        self.decoder = None if tied else nn.Parameter(torch.empty(vocabulary, cell.width))
        self.bias = nn.Parameter(torch.empty(vocabulary)) if bias else None
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -INITIAL, INITIAL)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.unroll(tokens)[0]

    def unroll(self, tokens: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute the logits of a piece of text, from the state after the piece before.

        Args:
            tokens: (n, t), int64.
            state: (n, hidden), the state after the piece before, detached; zeros by default.

        Returns:
            Logits (n, t, vocabulary), and the state (n, hidden) after the last token.
        """
        count, p = tokens.shape[0], self.dropouts
        words = self._dropped((self.tokens.num_embeddings, 1), p.dropout_word)[tokens]
        x = self.tokens(tokens) * words * self._dropped((count, 1, self.cell.inputs), p.dropout_embedding)
        x = x * self._dropped((count, 1, self.cell.inputs), p.dropout_input)
        if state is None:
            state = x.new_zeros(count, self.cell.width)
        outputs = self.cell(x, state, self._dropped((count, self.cell.width), p.dropout_hidden))
        seen = outputs * self._dropped((count, 1, self.cell.width), p.dropout)
        weight = self.tokens.weight if self.decoder is None else self.decoder
        return functional.linear(seen, weight, self.bias), outputs[:, -1]

    def _dropped(self, shape: tuple[int, ...], probability: float) -> Tensor:
        """Draw a dropout mask: zeros with this probability in training, and the other entries scaled to a mean of 1."""
        return functional.dropout(self.tokens.weight.new_ones(shape), probability, self.training)


class RecurrentCell(nn.Module):
    """One recurrent cell over a text. Its output is the mean of the nodes, or of those that no other node reads.

    Args:
        inputs: width of the embedding.
        width: width of every state.
        first: activation of state 0.
        nodes: the nodes after state 0.
        loose: whether the output is the mean of those states only that no node reads, as in ENAS.
    """

    def __init__(self, inputs: int, width: int, first: nn.Module, nodes: list[Node], *, loose: bool) -> None:
        super().__init__()
        self.inputs, self.width, self.loose = inputs, width, loose
        self.weight = nn.Parameter(torch.empty(inputs + width, 2 * width))
        self.activation = first
        self.nodes = nn.ModuleList(nodes)

    def forward(self, x: Tensor, state: Tensor, mask: Tensor) -> Tensor:
        """Run the cell over a text.

        Args:
            x: (n, t, inputs), the embedded text.
            state: (n, width), the state before the text.
            mask: (n, width), the dropout mask of all states.

        Returns:
            (n, t, width), the state after each step.
        """
        shares = self._shares()[:, None, None]
        from_x, from_state = x @ self.weight[: self.inputs], self.weight[self.inputs :]
        outputs = []
        for step in from_x.unbind(1):
            states = [_highway(state, step + (state * mask) @ from_state, self.activation)]
            for node in self.nodes:
                states.append(node(states, mask))
            state = (torch.stack(states) * shares).sum(0)
            outputs.append(state)
        return torch.stack(outputs, 1)

    def _shares(self) -> Tensor:
        """Compute the weight of each state in the output: (1 + nodes,), with a sum of one.

        A node that is given the rows of a unit matrix as states returns the weights by which it reads them: a row, or
        a mixture of rows while choices are relaxed. The product of `1 - weight` over the nodes is how far no node
        reads a state.
        """
        count = len(self.nodes) + 1
        units = torch.eye(count, dtype=self.weight.dtype, device=self.weight.device)
        if not self.loose:
            return (1 - units[0]) / (count - 1)
        loose = torch.ones_like(units[0])
        for index, node in enumerate(self.nodes, 1):
            loose = loose * (1 - cast(Node, node).source(list(units[:index])))
        return loose / loose.sum()


class Node(nn.Module):
    """The earlier states, each (n, width), and their mask, to the next state.

    Args:
        width: width of every state.
        source: a module that takes one state out of a list.
        activation: the activation of the node.
    """

    def __init__(self, width: int, source: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.source = source
        self.activation = activation
        self.weight = nn.Parameter(torch.empty(width, 2 * width))

    def forward(self, states: list[Tensor], mask: Tensor) -> Tensor:
        state = self.source(states)
        return _highway(state, (state * mask) @ self.weight, self.activation)


def _highway(state: Tensor, values: Tensor, activation: nn.Module) -> Tensor:
    """Move `state` towards the activated second half of `values`; the first half is the gate."""
    gate, candidate = values.chunk(2, 1)
    moved: Tensor = state + gate.sigmoid() * (activation(candidate) - state)
    return moved


def _cell(
    architecture: Any, inputs: int, width: int, count: int, activations: Sequence[str], *, enas: bool
) -> RecurrentCell:
    """Make the cell of an architecture, or the undecided one with `count` nodes after state 0."""
    check_number("embedding", inputs, 1, whole=True)
    check_number("hidden", width, 1, whole=True)
    if architecture is None:
        return _undecided(inputs, width, count, activations, enas=enas)
    tree = tree_of(architecture)
    first = _activation(tree, "node_0") if enas else nn.Tanh()
    names = []
    for index in range(1, sum(name != "node_0" for name in tree) + 1):
        names.append(f"node_{index}")
    if not names and not enas:
        raise ArchitectureError("node_1", "missing; a cell has at least one node")
    nodes = [Node(width, _source(tree, name), _activation(tree, name)) for name in names]
    return RecurrentCell(inputs, width, first, nodes, loose=enas)


def _undecided(inputs: int, width: int, count: int, activations: Sequence[str], *, enas: bool) -> RecurrentCell:
    check_number("nodes", count + enas, 1, whole=True)
    for name in activations:
        check_name("activations", name, tuple(ACTIVATIONS))

    def activation(name: str) -> nn.Module:
        return LayerChoice({key: ACTIVATIONS[key]() for key in activations}, label=f"{name}.activation")

    first = activation("node_0") if enas else nn.Tanh()
    nodes = []
    for index in range(1, count + 1):
        nodes.append(Node(width, InputChoice(index, label=f"node_{index}.input"), activation(f"node_{index}")))
    return RecurrentCell(inputs, width, first, nodes, loose=enas)


def _activation(tree: Mapping[str, Any], name: str) -> nn.Module:
    return ACTIVATIONS[option(_node(tree, name), "activation", tuple(ACTIVATIONS), name)]()


def _source(tree: Mapping[str, Any], name: str) -> nn.Module:
    """Make the module that takes the input of a node out of the list of the states before it."""
    earlier = int(name[5:])
    return SelectInputs(earlier, [option(_node(tree, name), "input", tuple(range(earlier)), name)])


def _node(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if not isinstance(tree.get(name), Mapping):
        raise ArchitectureError(name, f"{tree.get(name)!r:.60} is not a node; it is a dict of input and activation")
    node: Mapping[str, Any] = tree[name]
    return node


SMALL = {
    "embedding": 128,
    "hidden": 128,
    "dropout": 0.0,
    "dropout_hidden": 0.0,
    "dropout_input": 0.0,
    "dropout_embedding": 0.0,
    "dropout_word": 0.0,
}
"""Settings for a network that a laptop can train: the dropout of the papers is for hundreds of epochs."""
FAMILY = Family(build_recurrent, texts, undecided=True, small=SMALL)
