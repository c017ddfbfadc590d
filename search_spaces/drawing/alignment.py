"""Straight long edges: the bends of one edge, and the label after them, get one `x` in all their layers.

Such items are one block; every other item is its own block. The order inside the layers is an order among blocks.
Where two long edges cross, this order has a cycle, and the longest block in it is split into its items.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from search_spaces.drawing.layers import Item

__all__ = ["align", "least_distance"]

Block = list[Item]


def align(layers: list[list[Item]], path: list[Item]) -> list[Block]:
    """Give each block of items one `x`, near the mean of the items', and keep the order and the least distances.

    Args:
        layers: the items of each layer from left to right, with their `x`; it is changed in place.
        path: items that become one block, such as the spine; may be empty.

    Returns:
        The blocks of more than one item, from left to right.
    """
    blocks = _blocks(layers, frozenset(path)) + ([path] if path else [])
    while (ranked := _ranked(blocks, layers)) is None:
        crossing = _crossing(blocks, layers)
        blocks.remove(crossing)
        blocks += [[item] for item in crossing]
    _settle(ranked, layers)
    return [block for block in ranked if len(block) > 1]


def least_distance(left: Item, right: Item) -> float:
    """Compute the least distance of two neighbours in a layer.

    Args:
        left: an item.
        right: the item right of it.

    Returns:
        Pixels from middle to middle.
    """
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
"""For each block, by its index: the blocks right of it, and their least distance in pixels."""


def _order(blocks: list[Block], layers: list[list[Item]]) -> Order:
    block_of = {item: index for index, block in enumerate(blocks) for item in block}
    following: Order = {index: {} for index in range(len(blocks))}
    for layer in layers:
        for left, right in pairwise(layer):
            one, other = block_of[left], block_of[right]
            following[one][other] = max(following[one].get(other, 0.0), least_distance(left, right))
    return following


def _ranked(blocks: list[Block], layers: list[list[Item]]) -> list[Block] | None:
    """The blocks from left to right; None where their order has a cycle."""
    sorted_blocks = _sorted(_order(blocks, layers))
    return [blocks[index] for index in sorted_blocks] if len(sorted_blocks) == len(blocks) else None


def _crossing(blocks: list[Block], layers: list[list[Item]]) -> Block:
    """The longest of the blocks that are in a cycle, or right of one."""
    done = set(_sorted(_order(blocks, layers)))
    return max((block for index, block in enumerate(blocks) if index not in done), key=len)


def _sorted(following: Order) -> list[int]:
    """The blocks in topological order, without those in a cycle or right of one."""
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
    """Set `x` to the mean of two placements: pushed to the right, and pushed to the left as far as needed.

    Both keep the least distances, and so does their mean.
    """
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
