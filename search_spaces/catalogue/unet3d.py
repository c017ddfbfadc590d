"""`unet3d`: U-Nets that give each voxel of a volume a class, see `search_spaces.catalogue.unet`."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.catalogue.unet import (
    BLOCKS,
    CONNECTIONS,
    JOINS,
    LEVELS,
    NORMS,
    STEM_STRIDES,
    WIDTHS,
    UnetSpace,
    unet_space,
)

__all__ = ["space"]


def space(
    *,
    stem_strides: Sequence[int] = STEM_STRIDES,
    levels: tuple[int, int] = LEVELS,
    widths: tuple[int, int] = WIDTHS,
    norms: Sequence[str] = NORMS,
    operations: Sequence[str] | None = None,
    blocks: tuple[int, int] = BLOCKS,
    connections: Sequence[str] = CONNECTIONS,
    pools: Sequence[str] | None = None,
    joins: Sequence[str] = JOINS,
    deep_supervision: Sequence[bool] = (True, False),
) -> UnetSpace:
    """Make the space, or one of the same shape with other options.

    Args:
        stem_strides: some of 1 and 2.
        levels: the least and the greatest number of levels, at least 2; each but the first halves the input.
        widths: the least and the greatest width of the first level, multiples of 4; each further level doubles it.
        norms: some of "instance", "batch" and "group".
        operations: some of `unet.OPERATIONS[3]`; None takes all.
        blocks: the least and the greatest number of blocks of a level.
        connections: some of "plain", "skip" and "dense".
        pools: some of `unet.POOLS[3]`; None takes all.
        joins: some of "concat", "add", "attention_gate" and "none".
        deep_supervision: whether the outputs of coarser levels have losses of their own in training: some of True and
            False.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    return unet_space(
        "unet3d",
        3,
        stem_strides=stem_strides,
        levels=levels,
        widths=widths,
        norms=norms,
        operations=operations,
        blocks=blocks,
        connections=connections,
        pools=pools,
        joins=joins,
        deep_supervision=deep_supervision,
    )
