"""Long edges upright: the bends of one edge, with the label that follows, get one place for all their layers.

Blocks are runs of such items, and every other item for itself. What stands left of what makes an order among blocks;
where two long edges cross, it runs in a circle, and a run falls apart into its items.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from search_spaces.drawing.layers import Item

__all__ = ["align", "distance"]

Block = list[Item]


def align(layers: list[list[Item]], way: list[Item]) -> list[Block]:
    """Set `way` and every run upright, near the mean of where the items are, keeping order and distances; the runs."""
    blocks = _blocks(layers, frozenset(way)) + ([way] if way else [])
    while (ranked := _ranked(blocks, layers)) is None:
        crossing = _crossing(blocks, layers)
        blocks.remove(crossing)
        blocks += [[item] for item in crossing]
    _settle(ranked, layers)
    return [block for block in ranked if len(block) > 1]


def distance(left: Item, right: Item) -> float:
    """From middle to middle of two neighbours, at least."""
    gap = (24.0, 18.0, 14.0)[(not left.lines) + (not right.lines)]
    return (left.width + right.width) / 2 + gap


def _blocks(layers: list[list[Item]], apart: frozenset[Item]) -> list[Block]:
    items = [item for layer in layers for item in layer if item not in apart]
    runs: dict[int, Block] = defaultdict(list)
    for item in items:
        if item.edge is not None:
            runs[item.edge].append(item)
    return [*runs.values(), *([item] for item in items if item.edge is None)]


Order = dict[int, dict[int, float]]
"""For a block, by its index: those right of it, and how far from it they stand at least."""


def _order(blocks: list[Block], layers: list[list[Item]]) -> Order:
    block_of = {item: index for index, block in enumerate(blocks) for item in block}
    following: Order = {index: {} for index in range(len(blocks))}
    for layer in layers:
        for left, right in pairwise(layer):
            one, other = block_of[left], block_of[right]
            following[one][other] = max(following[one].get(other, 0.0), distance(left, right))
    return following


def _ranked(blocks: list[Block], layers: list[list[Item]]) -> list[Block] | None:
    """The blocks from left to right; None where their order runs in a circle."""
    left = _loose(_order(blocks, layers))
    return [blocks[index] for index in left] if len(left) == len(blocks) else None


def _crossing(blocks: list[Block], layers: list[list[Item]]) -> Block:
    """The longest run among the blocks that stand in a circle, or behind one."""
    loose = set(_loose(_order(blocks, layers)))
    return max((block for index, block in enumerate(blocks) if index not in loose), key=len)


def _loose(following: Order) -> list[int]:
    """The blocks that can be taken one by one, each when nothing is left of it any more."""
    waiting = dict.fromkeys(following, 0)
    for others in following.values():
        for other in others:
            waiting[other] += 1
    ready = [index for index, count in waiting.items() if not count]
    for index in ready:
        for other in following[index]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return ready


def _settle(ranked: list[Block], layers: list[list[Item]]) -> None:
    """Halfway between pushing right and pushing left, both of which keep the distances; so does the mean."""
    following = _order(ranked, layers)
    wanted = [sum(item.x for item in block) / len(block) for block in ranked]
    right, left = list(wanted), list(wanted)
    for index, others in following.items():
        for other, apart in others.items():
            right[other] = max(right[other], right[index] + apart)
    for index in reversed(range(len(ranked))):
        left[index] = min([left[index], *(left[other] - apart for other, apart in following[index].items())])
    for block, low, high in zip(ranked, left, right, strict=True):
        for item in block:
            item.x = (low + high) / 2
