"""Random search spaces for the property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from search_spaces import Space, choice, const, integer, real, repeat, subset

SMALL = 2_000
"""The most members of a space that the tests enumerate."""

NAMES = ("op", "width", "kernel", "depth", "skip")
PLAIN = ("conv", "pool", 2, 3, 5, 0.5, None, True, False, "option0")

names = st.sampled_from(NAMES)
plain_options = st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4, unique_by=repr)


@st.composite
def integers(draw: Any) -> Any:
    low, step = draw(st.integers(-5, 5)), draw(st.integers(1, 3))
    if draw(st.booleans()):
        low = abs(low) + 1
        return integer(low, low + draw(st.integers(1, 6)), log=True)
    return integer(low, low + step * draw(st.integers(1, 4)), step=step)


@st.composite
def grids(draw: Any) -> Any:
    low, count = draw(st.integers(-3, 3)), draw(st.integers(1, 4))
    return real(low / 10, (low + count) / 10, step=0.1)


@st.composite
def intervals(draw: Any) -> Any:
    low = draw(st.floats(0.001, 10))
    return real(low, low + draw(st.floats(0.1, 100)), log=draw(st.booleans()))


@st.composite
def subsets(draw: Any, options: Any) -> Any:
    chosen_from = draw(options)
    count = len(chosen_from)
    high = draw(st.integers(1, count))
    return subset(chosen_from, (draw(st.integers(0, high)), high))


def _grown(trees: Any) -> Any:
    groups = st.dictionaries(names, trees, min_size=1, max_size=3)
    mixed = st.tuples(trees, st.lists(st.sampled_from(("conv", "pool", 7)), max_size=2, unique=True))
    return st.one_of(
        groups,
        st.lists(trees, min_size=1, max_size=2),
        groups.map(choice),
        mixed.map(lambda pair: choice({"only": pair[0]}, *pair[1])),
        subsets(groups),
        st.builds(lambda tree, low, more: repeat(tree, low, low + more), trees, st.integers(1, 2), st.integers(0, 2)),
        trees.map(lambda tree: repeat(tree, 0, 2)),
    )


countable_leaves = st.one_of(
    plain_options.map(choice),
    integers(),
    grids(),
    subsets(plain_options),
    st.sampled_from([const({"fixed": [1, None]}), const(3), "plain"]),
)
countable_trees = st.recursive(countable_leaves, _grown, max_leaves=6)
all_trees = st.recursive(st.one_of(countable_leaves, intervals()), _grown, max_leaves=8)

spaces = all_trees.map(Space)
small_spaces = countable_trees.map(Space).filter(lambda space: space.size is not None and space.size <= SMALL)
