from __future__ import annotations

import pytest

import search_spaces
from search_spaces import Space, choice
from search_spaces.errors import ArchitectureError
from search_spaces.notation import reader, writer


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


@pytest.mark.parametrize("name", ["nb201", "darts", "enas_macro", "mobilenetv3"])
def test_what_is_written_is_read(name: str) -> None:
    space = search_spaces.get(name)
    member = space.sample(1)
    for given in (member, member.tree, member.to_json(), f" {member.to_json()}\n", writer(space)(member)):
        assert reader(space)(given) == member


@pytest.mark.parametrize("given", [None, 3, "", "|none~0|", "{", "{}", {"edge": 1}, b"{}"])
def test_what_is_no_member_is_refused(given: object) -> None:
    with pytest.raises(ArchitectureError):
        reader(search_spaces.get("nb201"))(given)
