"""Genotypes are read in every form in which they are published, and say where they break."""

from __future__ import annotations

import random
from collections import namedtuple

import pytest

import search_spaces
from search_spaces import ArchitectureError
from tests.search_spaces.catalogue.genotypes import DARTS_V2, ENASNET, FAIR_DARTS, GDAS_V1, NASNET, PNASNET, PUBLISHED

Genotype = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")
SPACE = search_spaces.get("darts")
V2 = DARTS_V2.removeprefix("DARTS_V2 = ")
TREE = SPACE.from_genotype(V2).tree


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_genotypes_come_and_go(name):
    family, settings, text = PUBLISHED[name]
    space = search_spaces.get(family, **settings)
    made = space.from_genotype(text)
    written = space.to_genotype(made)
    evaluated = eval(written, {"Genotype": Genotype})  # what the repository of DARTS does with it
    for form in (written, evaluated, evaluated._asdict(), str(evaluated._asdict()), f"geno =\\\n {evaluated}  # mine"):
        back = space.from_genotype(form)
        assert (back, back.id) == (made, made.id)


@pytest.mark.parametrize("family", ["darts", "nasnet", "amoebanet", "pnas", "enas_micro"])
def test_random_members_come_back_from_their_text(family):
    space = search_spaces.get(family)
    rng = random.Random(0)
    for _ in range(100):
        made = space.sample(rng)
        assert space.from_genotype(space.to_genotype(made)) == made


def test_a_genotype_means_the_cell_it_says():
    assert TREE["normal"]["node_5"] == [{"input_0": "skip_connect"}, {"input_2": "dil_conv_3x3"}]
    assert TREE["reduce"]["node_3"] == [{"input_1": "max_pool_3x3"}, {"input_2": "skip_connect"}]
    cell = search_spaces.get("nasnet").from_genotype(NASNET)["reduce"]["block_5"]
    assert cell == {"left": {"input": 3, "op": "skip_connect"}, "right": {"input": 2, "op": "avg_pool_3x3"}}
    assert list(search_spaces.get("pnas").from_genotype(PNASNET).tree) == ["cell"]


@pytest.mark.parametrize(
    "text",
    [
        f"\n\n  {V2}\n",
        f"genotypes.{V2}",
        f"best: object = {V2}",
        V2.replace("[2, 3, 4, 5]", "range(2, 6)"),
        V2.replace("[2, 3, 4, 5]", "range(6)[2:]").replace("range(6)[2:]", "list(range(2, 6))"),
        V2.replace("[2, 3, 4, 5]", "(5, 4, 3, 2)"),
        V2.replace("normal=", "").replace("normal_concat=", "").replace("reduce=", "").replace("reduce_concat=", ""),
        V2.replace("(", "[").replace(")", "]").replace("Genotype[", "Genotype(")[:-1] + ")",
        V2.replace("', 0)", "', 0, 0.125)").replace("', 1)", "', 1, 1.0)").replace("', 2)", "', 2, .5)"),
        V2.replace("', 2)", "', np.int64(2))"),
        V2.replace("sep_conv_3x3", "dua_sepc_3x3").replace("dil_conv", "dil_sepc"),
        V2.replace("('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ", "('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "),
        V2.replace("'", '"').replace("), ", "),\n# a comment\n"),
    ],
)
def test_it_is_read_in_many_spellings(text):
    assert SPACE.from_genotype(text).tree == TREE


def test_names_of_nasp_are_read():
    named = V2.replace("sep_conv_", "sep_").replace("dil_conv_3x3", "conv 3x3").replace("max_pool_3x3", "conv 1x1")
    known = V2.replace("dil_conv_3x3", "conv_3x3").replace("max_pool_3x3", "conv_1x1")
    space = search_spaces.get("darts", operations=["conv_1x1", "conv_3x3", "sep_conv_3x3", "skip_connect"])
    assert space.from_genotype(named) == space.from_genotype(known)


def test_operations_that_a_setting_adds_are_named_with_it():
    text = V2.replace("dil_conv_3x3", "conv_3x1_1x3")
    with pytest.raises(ArchitectureError, match=r"setting operations=\[.., 'conv_3x1_1x3'\] makes one that has it"):
        SPACE.from_genotype(text)
    wider = search_spaces.get("darts", operations=[*SPACE.operations, "conv_3x1_1x3"])
    assert wider.from_genotype(text)["normal"]["node_5"][1] == {"input_2": "conv_3x1_1x3"}


def test_cells_that_repeat_an_input_are_led_to_a_space_that_has_them():
    text = V2.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)")
    with pytest.raises(ArchitectureError, match=r"get\('enas_micro', blocks=4, operations=.., concat='all'\)"):
        SPACE.from_genotype(text)
    space = search_spaces.get("enas_micro", blocks=4, operations=SPACE.operations, concat="all")
    assert space.from_genotype(text)["normal"]["block_5"]["right"] == {"input": 0, "op": "dil_conv_3x3"}


def test_sparse_cells_say_which_node_lacks_an_edge():
    with pytest.raises(ArchitectureError, match="node 3 has 1 edge; each of the 4 nodes takes two") as caught:
        SPACE.from_genotype(FAIR_DARTS.replace("('max_pool_3x3', 3, 0), ", ""))
    assert caught.value.path == "normal"
    with pytest.raises(ArchitectureError, match="node 3 has 0 edges"):
        SPACE.from_genotype(FAIR_DARTS.replace("('dil_conv_3x3', 3, 1), ('max_pool_3x3', 3, 0), ", ""))


def test_a_node_may_have_its_own_tuple_with_weights():
    weighted = GDAS_V1.replace("0)", "0, 0.1278)").replace("1)", "1, 0.13)")
    assert SPACE.from_genotype(weighted) == SPACE.from_genotype(GDAS_V1)


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        (
            "('dil_conv_3x3', 2)",
            "('dil_conv_3x4', 2)",
            "normal[7]",
            "'dil_conv_3x4' is not an operation of this space; did",
        ),
        ("('dil_conv_3x3', 2)", "('none', 2)", "normal[7]", "'none' is a candidate of supernets only; allowed: max_"),
        (
            "('dil_conv_3x3', 2)",
            "('dil_conv_3x3', 5)",
            "normal[7]",
            "node 5 cannot take 5 as input; allowed: 0, 1, 2, 3",
        ),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', -1)", "normal[7]", "cannot take -1"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)", "normal[7]", "node 5 takes input 0 twice"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', '2')", "normal[7]", "'2' is not a whole number"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', True)", "normal[7]", "True is not a whole number"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3',)", "normal[7]", "write (operation, input)"),
        (
            "('dil_conv_3x3', 2)",
            "'dil_conv_3x3'",
            "normal[7]",
            "'dil_conv_3x3' is found where (operation, input) is expected",
        ),
        (
            "('dil_conv_3x3', 2)",
            "('dil_conv_3x3', 4, 2)",
            "normal[7]",
            "an edge of node 4 where one of node 5 is expected",
        ),
        (", ('dil_conv_3x3', 2)", "", "normal", "7 edges; 4 nodes of two edges each make 8"),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=[2, 3, 4]", "normal_concat", "concatenates [2, 3, 4, 5]"),
        ("reduce_concat=[2, 3, 4, 5]", "reduce_concat=[2, 3, 4, 4]", "reduce_concat", "[2, 3, 4, 4] are concatenated"),
        (
            "reduce_concat=[2, 3, 4, 5]",
            "reduce_concat=3",
            "reduce_concat",
            "3 is found where a list of nodes is expected",
        ),
        (", reduce_concat=[2, 3, 4, 5]", "", "reduce_concat", "no field 'reduce_concat'"),
        (", reduce=[", ", redcue=[", "redcue", "did you mean 'reduce'"),
        (", reduce_concat=[2, 3, 4, 5]", ", reduce_concat=[2, 3, 4, 5], up=[1]", "up", "no such field"),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_place(old, new, path, said):
    assert old in V2
    with pytest.raises(ArchitectureError) as caught:
        SPACE.from_genotype(V2.replace(old, new))
    assert caught.value.path == path
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("Genotype(normal=[('a', 0)", "not Python at line 1, column"),
        ("x = 1; y = 2", "'y = 2' at line 1, column 8: a second statement"),
        ("import os", "'import os' at line 1, column 1: no genotype"),
        ("[1, 2]", "'[1, 2]' at line 1, column 1: write Genotype(normal=.., ..)"),
        ("Genotype(\n normal=PRIMITIVES)", "'PRIMITIVES' at line 2, column 9: only strings"),
        ("Genotype(normal=[('a', x)])", "'x' at line 1, column 24"),
        ("Genotype(normal=[], normal=[])", "'normal' is given twice"),
        ("Genotype([], normal=[])", "'normal' is given twice"),
        ("Genotype(**{})", "'{}' at line 1, column 12: ** is not read"),
        ("Genotype(1, 2, 3, 4, 5)", "'5' at line 1, column 22: a genotype has 4 fields"),
        ("{1: 2}", "'1' at line 1, column 2: the key"),
        ("Genotype(normal_concat=range(2, 10**9))", "'10 ** 9'"),
        ("Genotype(normal_concat=range(999999999))", "a range of more than 100 nodes"),
        ("Genotype(normal_concat=range(1, 2, 0))", "the step not 0"),
        ("Genotype(" + "(" * 5000 + ")" * 5000 + ")", "nested"),
        ("-" * 15000 + "1", "nested too deeply"),
        ("x" + ".y" * 5000, "nested too deeply"),
        ("Genotype(normal='\0')", "not Python"),
        ("Genotype()" + " " * 10 + "#" * 30000, "30020 characters; a genotype has at most 20000"),
    ],
)
def test_what_is_no_genotype_is_refused_where_it_breaks(text, said):
    with pytest.raises(ArchitectureError) as caught:
        SPACE.from_genotype(text)
    assert said in str(caught.value)


def test_text_is_never_evaluated(tmp_path):
    victim = tmp_path / "victim"
    for text in (f"Genotype(normal=open({str(victim)!r}, 'w'))", f"Genotype(normal=[open({str(victim)!r}, 'w')])"):
        with pytest.raises(ArchitectureError, match="line 1, column"):
            SPACE.from_genotype(text)
    assert not victim.exists()


@pytest.mark.parametrize("thing", [None, 3, [("sep_conv_3x3", 0)], b"Genotype()"])
def test_other_things_are_refused(thing):
    with pytest.raises(ArchitectureError, match="give the text of a genotype, or a namedtuple"):
        SPACE.from_genotype(thing)


def test_a_cell_of_another_concatenation_is_not_taken_for_one_of_this_space():
    with pytest.raises(ArchitectureError, match="there is concat='all'") as caught:
        search_spaces.get("enas_micro").from_genotype(ENASNET)
    assert caught.value.path == "reduce_concat"
    with pytest.raises(ArchitectureError, match=r"this space concatenates \[2, 3, 5, 6\]"):
        search_spaces.get("pnas", concat="loose").from_genotype(PNASNET)


def test_pnas_has_one_cell():
    other = PNASNET.replace("reduce=[(('sep_conv_5x5'", "reduce=[(('sep_conv_7x7'")
    with pytest.raises(ArchitectureError, match="one cell for both strides") as caught:
        search_spaces.get("pnas").from_genotype(other)
    assert caught.value.path == "reduce"


def test_operations_of_another_family_are_refused():
    with pytest.raises(ArchitectureError, match="'sep_conv_7x7' is not an operation of this space"):
        search_spaces.get("enas_micro").from_genotype(NASNET)
