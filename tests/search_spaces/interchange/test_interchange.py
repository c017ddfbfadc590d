"""Architectures from NNI's exports, Optuna's trials and tables, and back: round trips across formats, and refusals."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import optuna
import pandas as pd
import pytest

from search_spaces import ArchitectureError, Space, choice, get, integer, real, repeat, subset
from search_spaces.interchange import from_frame, from_nni, from_row, from_trial, to_frame, to_nni, to_row, to_trial

if TYPE_CHECKING:
    from search_spaces.catalogue.cells import CellSpace
    from search_spaces.catalogue.nb101 import NB101Space
    from search_spaces.catalogue.nb201 import NB201Space

DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
DARTS_V1 = (
    "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])"
)
MIXED = {
    "conv": {"op": choice("sep", "dil"), "kernel": choice(3, 5, 7), "bias": choice(False, True)},
    "depth": integer(1, 64, step=3),
    "dropout": real(0, 0.5),
    "inputs": subset([0, 1, 2, 3], 2),
    "block": choice({"conv": {"width": integer(8, 64, step=8)}, "pool": {}}),
    "layers": repeat({"act": choice(None, "relu", 6)}, 1, 3),
}


def around(space: Space, made: Any) -> None:
    """Through every format in turn, and back to the same member."""
    row = from_row(space, to_row(space, made))
    trial = from_trial(space, to_trial(space, row, 0.5))
    (framed,) = from_frame(space, to_frame(space, [trial]))
    back = from_nni(space, to_nni(space, framed))
    assert (back, back.id) == (made, made.id)


@pytest.mark.parametrize("family", ["darts", "nasnet", "pnas", "nb201", "nb101", "chain", "mobilenetv3", "recurrent"])
def test_members_pass_through_all_formats(family: str) -> None:
    space, rng = get(family), random.Random(0)
    for _ in range(3):
        around(space, space.sample(rng))


def test_a_tree_of_all_kinds_passes_through_all_formats() -> None:
    space = Space(MIXED)
    for seed in range(20):
        around(space, space.sample(seed))


@pytest.mark.parametrize("genotype", [DARTS_V1, DARTS_V2])
def test_published_genotypes_pass_through_all_formats(genotype: str) -> None:
    space = cast("CellSpace", get("darts"))
    made = space.from_genotype(genotype)
    around(space, made)
    exported = to_nni(space, from_trial(space, to_trial(space, from_row(space, to_row(space, made)))))
    assert space.to_genotype(from_nni(space, exported)) == space.to_genotype(made)


def test_strings_and_matrices_of_the_benchmarks_pass_through_all_formats() -> None:
    nb201 = cast("NB201Space", get("nb201"))
    text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"
    cell = nb201.from_string(text)
    around(nb201, cell)
    assert nb201.to_string(from_nni(nb201, to_nni(nb201, cell))) == text
    nb101 = cast("NB101Space", get("nb101"))
    matrix = [[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    made = nb101.from_matrix(matrix, ["conv3x3-bn-relu", "maxpool3x3"])
    around(nb101, made)
    back = from_row(nb101, to_row(nb101, made))
    assert nb101.to_matrix(back) == (matrix, ["input", "conv3x3-bn-relu", "maxpool3x3", "output"])


# NNI


def hub_export(genotype: str, *, lists: bool) -> dict[str, Any]:
    cells = cast("CellSpace", get("darts")).to_cells(cast("CellSpace", get("darts")).from_genotype(genotype))
    exported: dict[str, Any] = {"width": 36, "depth": 20}
    for kind, cell in cells.items():
        for node, edges in enumerate(cell, 2):
            for place, (operation, source) in enumerate(reversed(edges)):
                exported[f"{kind}/op_{node}_{place}"] = operation
                exported[f"{kind}/input_{node}_{place}"] = [source] if lists else source
    return exported


@pytest.mark.parametrize("lists", [False, True])
def test_cells_of_the_hub_read_in_both_versions(lists: bool) -> None:
    space = cast("CellSpace", get("darts"))
    assert from_nni(space, hub_export(DARTS_V2, lists=lists)) == space.from_genotype(DARTS_V2)


def test_cells_of_the_hub_are_written_with_its_labels() -> None:
    space = cast("CellSpace", get("darts"))
    exported = to_nni(space, space.from_genotype(DARTS_V2))
    assert list(exported)[:4] == ["normal/op_2_0", "normal/input_2_0", "normal/op_2_1", "normal/input_2_1"]
    assert (exported["normal/op_5_1"], exported["normal/input_5_1"]) == ("dil_conv_3x3", [2])
    assert len(exported) == 2 * 4 * 4


def test_nas_bench_201_of_the_hub() -> None:
    space = cast("NB201Space", get("nb201"))
    names = ["conv_3x3", "none", "conv_1x1", "skip_connect", "avg_pool_3x3", "conv_3x3"]
    edges = ["0_1", "0_2", "1_2", "0_3", "1_3", "2_3"]
    text = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    for label in ("cell/", "cell__"):
        exported = {f"{label}{edge}": name for edge, name in zip(edges, names, strict=True)}
        assert space.to_string(from_nni(space, exported)) == text
    assert to_nni(space, space.from_string(text))["cell/1_2"] == "conv_1x1"


GPU_STAGES = {
    2: ["k5e3"],
    3: ["k7e3", "k3e3"],
    4: ["k7e6", "k5e3"],
    5: ["k5e6", "k3e3", "k5e3"],
    6: ["k7e6", "k7e6", "k7e6", "k5e6"],
    7: ["k7e6"],
}
PROXYLESS_GPU: dict[str, Any] = {f"s{stage}_depth": len(blocks) for stage, blocks in GPU_STAGES.items()} | {
    f"s{stage}_i{index}": block for stage, blocks in GPU_STAGES.items() for index, block in enumerate(blocks)
}
"""The network that ProxylessNAS' authors published for a GPU, as the hub has it."""


def test_proxylessnas_of_the_hub() -> None:
    space = get("proxylessnas")
    made = from_nni(space, PROXYLESS_GPU)
    zeros = dict.fromkeys(("block_3", "block_4"), "zero")
    assert made["stage_2"] == {"block_1": "mbconv3_7x7", "block_2": "mbconv3_3x3", **zeros}
    assert (made["stage_5"]["block_4"], made["stage_6"]) == ("mbconv6_5x5", {"block_1": "mbconv6_7x7"})
    with_more = {key: [value] for key, value in PROXYLESS_GPU.items()} | {"s2_i1": "k3e3", "s2_i2": "k3e3"}
    assert from_nni(space, with_more) == made  # 2.x writes what lies beyond the depth, too
    around(space, made)


def test_autoformer_of_the_hub() -> None:
    ratios = [3.0, 3.5, 3.0, 3.5, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 3.5, 4.0, 3.0]
    heads = [6, 6, 5, 7, 5, 5, 5, 6, 6, 7, 7, 6, 7, 5]
    exported: dict[str, Any] = {"embed_dim": 384, "depth": 13}
    exported |= {f"mlp_ratio_{index}": ratio for index, ratio in enumerate(ratios)}
    exported |= {f"num_head_{index}": count for index, count in enumerate(heads)}
    space = get("vit", size="small")
    made = from_nni(space, exported)
    blocks = [{"heads": count, "mlp_ratio": ratio} for count, ratio in zip(heads, ratios, strict=True)]
    assert made.tree == {"embedding": 384, "blocks": blocks[:13]}
    around(space, made)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"s3_depth": 5}, "at s3_depth: 5 is not allowed; allowed: ints from 1 to 4"),
        ({"s3_depth": "two"}, "'two' is not allowed; allowed: ints from 1 to 4"),
        ({"s9_depth": 1}, "at s9_depth: the space has no such stage; its stages: s2 to s7"),
        ({"s3_i0": "k9e3"}, "'mbconv3_9x9' is not allowed; allowed: 'mbconv3_3x3'"),
        ({"s3_i1": ...}, "no value for 'stage_2/block_2'"),
    ],
)
def test_wrong_exports_of_proxylessnas_are_refused(changes: dict[str, Any], said: str) -> None:
    exported = {key: value for key, value in {**PROXYLESS_GPU, **changes}.items() if value is not ...}
    with pytest.raises(ArchitectureError, match=said):
        from_nni(get("proxylessnas"), exported)


@pytest.mark.parametrize(
    ("exported", "expected"),
    [
        ({"op": "dil", "k": 5, "skip": [1], "in": [0, 2]}, ("dil", 5, 1, [0, 2])),  # 3.0
        ({"op": 1, "k": "5", "skip": 1, "in": ["2", "0"]}, ("dil", 5, 1, [0, 2])),  # 2.x: indices, as text
        ({"net/op": "1", "net/k": [5.0], "skip": "1", "in": (0, 2)}, ("dil", 5, 1, [0, 2])),
        ({"op": "sep", "k": 3, "skip": 0, "in/0": False, "in/1": True, "in/2": True}, ("sep", 3, 0, [1, 2])),
    ],
)
def test_values_of_both_versions(exported: dict[str, Any], expected: tuple[Any, ...]) -> None:
    space = Space({"op": choice("sep", "dil"), "k": choice(3, 5), "skip": choice(0, 1), "in": subset([0, 1, 2], 2)})
    made = from_nni(space, exported)
    assert tuple(made.tree.values()) == expected  # type: ignore[union-attr]


def test_labels_that_nni_made_up_are_read_in_their_order() -> None:
    space = Space({"conv1": choice("a", "b"), "cells": {"op": choice(0, 1, 2)}, "drop": choice(0.25, 0.5)})
    expected = {"conv1": "b", "cells": {"op": 2}, "drop": 0.25}
    assert from_nni(space, {"model_10": 0.25, "model_2": "2", "model_1": "b"}).tree == expected
    assert from_nni(space, {"model/1": "b", "drop": 0.25, "model/2": 2}).tree == expected
    labels = {"model/9": "conv1", "model/1": "cells.op"}
    assert from_nni(space, {"model/1": 2, "model/9": 1, "drop": 0.25}, labels=labels).tree == expected
    with pytest.raises(ArchitectureError, match=r"2 keys are numbered by NNI.*1 decisions are left.*labels="):
        from_nni(space, {"model/1": "b", "model/2": 2, "drop": 0.25, "cells/op": 1})


def test_labels_are_checked() -> None:
    space = Space({"conv1": choice("a", "b"), "conv2": choice("a", "b")})
    with pytest.raises(ArchitectureError, match="labels has 'model/11', the export does not; did you mean 'model/1'"):
        from_nni(space, {"model/1": 0, "conv2": 1}, labels={"model/11": "conv1"})
    with pytest.raises(ArchitectureError, match="gives two keys of the export one name"):
        from_nni(space, {"model/1": 0, "conv2": 1}, labels={"model/1": "conv2"})


def test_numbered_labels_of_nested_choices_are_not_guessed() -> None:
    space = Space({"block": choice({"conv": {"kernel": choice(3, 5)}, "pool": {}})})
    with pytest.raises(ArchitectureError, match="2 keys are numbered by NNI"):
        from_nni(space, {"model/1": 3, "model/2": "conv"})
    assert from_nni(space, {"block": "pool", "block/conv/kernel": 5}).tree == {"block": {"pool": {}}}
    labels = {"model/1": "block.conv.kernel", "model/2": "block"}
    assert from_nni(space, {"model/1": 5, "model/2": 0}, labels).tree == {"block": {"conv": {"kernel": 5}}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"normal/op_2_0": "sep_conv_3x"}, "normal/op_2_0.*'sep_conv_3x' is not allowed.*did you mean 'sep_conv_3x3'"),
        ({"normal/op_2_0": "none"}, "'none' is not allowed; allowed: max_pool_3x3"),
        ({"reduce/input_4_1": [4]}, r"reduce/input_4_1.*4 is not allowed; allowed: ints from 0 to 3"),
        ({"normal/input_3_0": 1, "normal/input_3_1": 1}, "normal.node_3.*an option occurs at most once in a subset"),
        ({"normal/opp_2_0": "skip_connect"}, "no decision 'normal/opp_2_0'; did you mean 'normal/op_2_0'"),
        ({"reduce/op_5_1": ...}, "no value for 'reduce/op_5_1'; did you mean"),
    ],
)
def test_wrong_exports_of_the_hub_say_the_key(changes: dict[str, Any], said: str) -> None:
    exported = {
        key: value for key, value in {**hub_export(DARTS_V2, lists=True), **changes}.items() if value is not ...
    }
    with pytest.raises(ArchitectureError, match=said):
        from_nni(get("darts"), exported)


@pytest.mark.parametrize(
    ("exported", "said"),
    [
        ({"op": "dil", "inn": [0, 1]}, "no decision 'inn'; did you mean 'in'.*labels="),
        ({"op": "dill", "in": [0, 1]}, "architecture at op: 'op': 'dill' is not allowed.*did you mean 'dil'"),
        ({"op": 2, "in": [0, 1]}, "'op': 2 is not allowed; allowed: 'sep', 'dil'"),
        ({"op": True, "in": [0, 1]}, "True is not allowed"),
        ({"op": "dil", "in": [0, 7]}, "at in: 'in': 7 is not allowed; allowed: 0, 1, 2"),
        ({"op": "dil", "in": [1, 1]}, r"\[1, 1\] is not allowed; 2 different ones of 0, 1, 2"),
        ({"op": "dil", "in": [1]}, "2 different ones"),
        ({"op": "dil"}, "at in: the export has no value for 'in"),
        ({"op": "dil", "net/op": "sep", "in": [0, 1]}, "both 'op' and 'net/op' decide it"),
        ({"op": "dil", "cell/0_1": "sep"}, "no decision 'cell/0_1'"),
        ([{"op": "dil"}], r"exported\[0\]"),
    ],
)
def test_wrong_exports_say_the_place_and_what_is_allowed(exported: Any, said: str) -> None:
    space = Space({"op": choice("sep", "dil"), "in": subset([0, 1, 2], 2)})
    with pytest.raises(ArchitectureError, match=said):
        from_nni(space, exported)


def test_spaces_declared_inside_a_module() -> None:
    import search_spaces.nn as nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.LayerChoice([nn.Conv2d(1, 8, 3), nn.Conv2d(1, 8, 5)], label="conv1")
            self.conv2 = nn.LayerChoice({"plain": nn.Conv2d(8, 8, 3), "identity": nn.Identity()}, label="conv2")
            self.skip = nn.InputChoice(2, n_chosen=None, label="skip")
            self.features = nn.ValueChoice([64, 128], label="features")
            self.depth = nn.Repeat(nn.Identity(), (1, 3), label="depth")

    space = nn.space_of(Net())
    exported = {"conv1": 1, "conv2": "identity", "skip": [0, 1], "features": 128, "depth": 2}
    made = from_nni(space, exported)
    assert made.tree == exported
    assert to_nni(space, made) == exported
    older = {"conv1": "1", "conv2": "1", "skip": [1, 0], "features": 128, "depth": "2"}
    assert from_nni(space, older) == made


# Optuna


def test_what_a_space_suggested_is_read_from_the_finished_trial() -> None:
    space = Space(MIXED)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = []

    def objective(trial: optuna.Trial) -> float:
        seen.append(space.suggest(trial))
        return trial.suggest_float("learning_rate", 0, 1)

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study.optimize(objective, n_trials=10)
    assert [from_trial(space, trial) for trial in study.trials] == seen


def trial_with(params: dict[str, Any]) -> optuna.trial.FrozenTrial:
    """As another program may have recorded it."""
    free = {name: optuna.distributions.CategoricalDistribution([value]) for name, value in params.items()}
    return optuna.trial.create_trial(params=params, distributions=free, value=0)


def test_trials_with_values_of_other_types() -> None:
    space = Space({"n": integer(8, 64, step=8), "x": real(0, 1), "k": choice(3, 5), "s": subset(["a", "b", "c"], 2)})
    made = from_trial(space, trial_with({"n": 16.0, "x": 1, "k": 3.0, "s.0": 1, "s.1": 0.0}))
    assert made.tree == {"n": 16, "x": 1.0, "k": 3, "s": ["a", "c"]}
    assert type(made["n"]) is type(made["k"]) is int


def test_written_trials_teach_a_study_or_wait_to_be_run() -> None:
    space, study = get("nb201"), optuna.create_study(directions=["minimize", "maximize"])
    made = space.sample(0)
    study.add_trial(to_trial(space, made, (0.5, 0.25)))
    study.add_trial(to_trial(space, space.sample(1)))
    assert (study.trials[0].state.name, study.trials[0].values) == ("COMPLETE", [0.5, 0.25])
    study.enqueue_trial(space.params(space.sample(2)))
    assert space.suggest(study.ask()) == space.sample(1)
    assert [from_trial(space, trial) for trial in study.trials] == [made, space.sample(1), space.sample(2)]


def test_trials_that_do_not_decide_a_member() -> None:
    space = get("nb201")
    params = space.params(space.sample(0))
    close = {("edge_0_11" if name == "edge_0_1" else name): value for name, value in params.items()}
    with pytest.raises(
        ArchitectureError, match=r"at edge_0_1: the trial has no value for 'edge_0_1'; did you mean 'edge_0_11'"
    ):
        from_trial(space, trial_with(close))
    with pytest.raises(ArchitectureError, match=r"at edge_1_3: 'edge_1_3': 'conv' is not allowed; allowed: 'none'"):
        from_trial(space, trial_with({**params, "edge_1_3": "conv"}))


# Tables


def test_frames_with_inactive_decisions_through_csv(tmp_path: Any) -> None:
    space = Space(MIXED)
    members = [space.sample(seed) for seed in range(12)]
    frame = to_frame(space, members)
    assert frame["arch.depth"].dtype == "Int64"
    assert from_frame(space, frame) == members
    frame.assign(accuracy=0.5).to_csv(tmp_path / "trials.csv")
    # pandas 3 reads floats exactly; in 2.2 one asks for it.
    exact: dict[str, Any] = {} if pd.__version__ >= "3" else {"float_precision": "round_trip"}
    read = pd.read_csv(tmp_path / "trials.csv", **exact)
    assert from_frame(space, read) == members


def test_plain_columns_series_and_mappings() -> None:
    space = get("nb201")
    made = space.sample(0)
    row = {**space.params(made), "accuracy": 0.9, "edge": "of no interest"}
    assert from_row(space, row) == from_row(space, pd.Series(row)) == made
    assert from_row(space, {**to_row(space, made), "edge_0_1": "of no interest"}) == made
    assert to_row(space, made, prefix="") == space.params(made)


def test_missing_is_inactive_unless_it_is_needed() -> None:
    space = Space(
        {"block": choice({"conv": {"width": integer(8, 64, step=8)}, "pool": {}}), "act": choice(None, "relu")}
    )
    for missing in (None, float("nan"), pd.NA, np.nan):
        row = {"arch.block": "pool", "arch.block.conv.width": missing, "arch.act": missing}
        assert from_row(space, row).tree == {"block": {"pool": {}}, "act": None}
        with pytest.raises(
            ArchitectureError, match=r"at block.conv.width: the row has no value for 'arch.block.conv.width'"
        ):
            from_row(space, {**row, "arch.block": "conv"})


def test_wrong_rows_say_the_column_and_the_row() -> None:
    space = get("nb201")
    frame = to_frame(space, [space.sample(0), space.sample(1)]).set_index(pd.Index([7, 8]))
    frame.loc[8, "arch.edge_0_3"] = "conv"
    with pytest.raises(ArchitectureError, match=r"at edge_0_3: row 8: 'arch.edge_0_3': 'conv' is not allowed"):
        from_frame(space, frame)
    with pytest.raises(ArchitectureError, match=r"column 'arch.edge_0_33'; did you mean 'edge_0_3'"):
        from_frame(space, frame.rename(columns={"arch.edge_0_3": "arch.edge_0_33"}))
