"""Checks of the settings of a family: numbers, operations, and ranges of counts."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.errors import SpaceError
from search_spaces.names import did_you_mean
from search_spaces.whole_numbers import is_whole

__all__ = ["check_kernels", "check_names", "check_numbers", "check_operations", "check_range", "check_shares"]


def check_numbers(name: str, given: object, example: Sequence[float], *, whole: bool = False) -> None:
    """Check a list of numbers above 0.

    Args:
        name: the name of the setting, for errors.
        given: its value.
        example: a valid value, for errors.
        whole: whether the numbers must be whole.

    Raises:
        SpaceError: it is not a list of at least one such number.
    """
    kinds, what = (int, "whole number") if whole else (int | float, "number")
    if not isinstance(given, list | tuple | range) or not given:
        raise SpaceError(f"{name}={given!r}: give a list of {what}s above 0, such as {list(example)}")
    for number in given:
        if isinstance(number, bool) or not isinstance(number, kinds) or not number > 0:
            raise SpaceError(f"{name}={given!r}: {number!r} is not a {what} above 0; give some such as {list(example)}")


def check_kernels(given: Sequence[int], example: Sequence[int]) -> None:
    """Check a list of sizes of kernels.

    Args:
        given: the setting `kernels`.
        example: a valid value, for errors.

    Raises:
        SpaceError: it is not a list of at least one odd number.
    """
    check_numbers("kernels", given, example, whole=True)
    for kernel in given:
        if kernel % 2 == 0:
            raise SpaceError(
                f"kernels={given!r}: {kernel} is even, and a kernel needs a middle element; give odd numbers"
            )


def check_shares(name: str, given: object, example: Sequence[float]) -> None:
    """Check a list of shares, such as probabilities of dropout.

    Args:
        name: of the setting, for errors.
        given: the list.
        example: a valid list, for errors.

    Raises:
        SpaceError: it is not a list of at least one number from 0 to below 1.
    """
    if not isinstance(given, list | tuple) or not given:
        raise SpaceError(f"{name}={given!r}: give a list of shares from 0 to below 1, such as {list(example)}")
    for share in given:
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
            raise SpaceError(
                f"{name}={given!r}: {share!r} is not a share from 0 to below 1; give some such as {list(example)}"
            )


def check_names(name: str, given: object, example: Sequence[str], *, known: bool = True) -> None:
    """Check a list of names, such as activations.

    Args:
        name: the name of the setting, for errors.
        given: its value.
        example: the names of the default, for errors.
        known: whether these are all names that are allowed.

    Raises:
        SpaceError: it is not a list of at least one name, or a name is not known.
    """
    if not isinstance(given, list | tuple) or not given or not all(isinstance(each, str) for each in given):
        raise SpaceError(f"{name}={given!r}: give a list of names, such as {list(example)}")
    for each in given:
        if known and each not in example:
            hint = did_you_mean(each, example) or ";"
            raise SpaceError(f"{name}={given!r}: {each!r} is unknown{hint} known: {', '.join(example)}")


def check_range(name: str, given: object, example: tuple[int, int]) -> None:
    """Check a range of numbers of blocks.

    Args:
        name: the name of the setting, for errors.
        given: its value, the least and the greatest number.
        example: a valid value, for errors.

    Raises:
        SpaceError: it is not a pair of whole numbers from 1 on, the lesser first.
    """
    pair = isinstance(given, list | tuple) and len(given) == 2 and all(is_whole(bound) for bound in given)
    if not isinstance(given, list | tuple) or not pair:
        raise SpaceError(f"{name}={given!r}: give the least and the greatest, such as {example}")
    low, high = given
    if low < 1:
        raise SpaceError(f"{name}={given!r}: there is at least one block; raise the first number")
    if low > high:
        raise SpaceError(f"{name}={given!r}: the least is above the greatest; swap them")


def check_operations(operations: Sequence[str], known: Sequence[str], setting: str = "operations") -> tuple[str, ...]:
    """Check the names of operations.

    Args:
        operations: the names.
        known: the valid names.
        setting: the name of the setting, for errors.

    Returns:
        The names.

    Raises:
        SpaceError: there are none, one is unknown, or one is given twice.
    """
    if not isinstance(operations, list | tuple) or not operations or len({*map(str, operations)}) != len(operations):
        raise SpaceError(f"{setting}={operations!r}: give a list of at least one name, each once")
    for name in operations:
        if name not in known:
            close = did_you_mean(str(name), known)
            raise SpaceError(f"{setting}: {name!r} is unknown{close}; known: {', '.join(known)}")
    return tuple(operations)
