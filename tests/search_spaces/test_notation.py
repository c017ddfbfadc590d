from __future__ import annotations

import search_spaces
from search_spaces import Space, choice
from search_spaces.notation import writer


def test_a_family_is_written_in_its_notation() -> None:
    cells, strings = search_spaces.get("darts"), search_spaces.get("nb201")
    assert writer(cells)(cells.sample(0)).startswith("Genotype(normal=[(")
    assert writer(strings)(strings.sample(0)).startswith("|")


def test_other_spaces_and_damaged_trees_are_written_as_json() -> None:
    space = Space({"op": choice("conv", "pool")})
    member = space.sample(0)
    assert writer(space)(member) == writer(space)(member.tree) == member.to_json()
    assert writer(search_spaces.get("darts"))({"normal": 1}) == '{"normal":1}'
    assert writer(None)(None) == ""
