"""The dicts that NNI's `export_top_models(formatter="dict")` returns, as architectures, and back.

NNI (2.x and 3.0) writes a flat dict from the label of a choice to the chosen value, nested choices beside the others.
Its label `normal/node_2` is our `normal.node_2`. A chosen value is the name of an option, its index (an int, or text as
in lists of 2.x), the value itself, or a list of one of these. Several inputs are the list of their indices, or one flag
an input, `label/0: True`.

A choice without a label gets one with a number (`model_1`, `model/1`, `global/1`), which counts choices in the order of
the program. Numbered labels are assigned in this order to the decisions that no other key names, in the order of the
tree. Where that is not clear (choices inside options, other counts), `labels={"model/1": "conv.kernel"}` assigns them.

Spaces that both NNI's hub and the catalogue have are read and written with the hub's labels: the cells of NASNet,
AmoebaNet, PNAS, ENAS and DARTS, and NAS-Bench-201. ProxylessNAS and AutoFormer are read only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search_spaces.algebra.flat import Categorical
from search_spaces.algebra.interpreter import RepeatNode, SpaceNode, ValueNode
from search_spaces.algebra.options import ChoiceNode, SubsetNode
from search_spaces.architecture import Architecture, Json, Scalar
from search_spaces.catalogue.cells import CellSpace
from search_spaces.catalogue.nb201 import NB201Space
from search_spaces.catalogue.proxylessnas import ProxylessNASSpace
from search_spaces.errors import ArchitectureError
from search_spaces.interchange import nni_hub
from search_spaces.interchange.reading import member, read_as
from search_spaces.names import did_you_mean
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = ["from_nni", "to_nni"]

_NUMBERED = re.compile(r"(?:_mutation_|model_|global_|param_)?\d+(?:_\d+)*|\w+(?:/\d+)+")


def from_nni(space: Space, exported: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> Architecture:
    """Read one exported dict.

    Args:
        space: the space of the architecture.
        exported: one dict of the list that NNI exports: a value by label.
        labels: renames keys of `exported` to decisions of the space.

    Returns:
        The member.

    Raises:
        ArchitectureError: a key fits no decision (the message has the closest one), a value is not among the options,
            an
            active decision is missing, or numbered labels cannot be assigned.
    """
    if not isinstance(exported, Mapping):
        remedy = "; give one of the list, such as exported[0]" if isinstance(exported, list | tuple) else ""
        raise ArchitectureError("", f"{exported!r} is not a dict from labels to what was chosen{remedy}")
    renamed = _renamed(exported, labels or {})
    if isinstance(space, CellSpace):
        return nni_hub.from_cells(space, renamed)
    if isinstance(space, NB201Space):
        renamed = nni_hub.from_nb201(renamed)
    elif isinstance(space, ProxylessNASSpace):
        renamed = nni_hub.from_proxylessnas(renamed, space.depths)
    elif space.name == "vit":
        renamed = nni_hub.from_autoformer(renamed)
    given = _by_decision(space, renamed)
    values: dict[str, Scalar] = {}
    for name, (key, value) in given.items():
        values.update(_read(space, name, key, value))
    return member(space, values, _label, "the export")


def to_nni(space: Space, architecture: object) -> dict[str, Any]:
    """Write an architecture as NNI 3.0 exports it.

    Args:
        space: the space of the architecture.
        architecture: a member, or its tree.

    Returns:
        The active decisions by label: options by name, several inputs as a list.

    Raises:
        ArchitectureError: it is not a tree of the space.
    """
    if isinstance(space, CellSpace):
        return nni_hub.to_cells(space, architecture)
    params = space.params(architecture)
    exported = {_label(node_name): value for node_name, value in _written(space, params)}
    return nni_hub.to_nb201(exported) if isinstance(space, NB201Space) else exported


def _renamed(exported: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    keys = {str(key): labels.get(str(key), str(key)) for key in exported}
    unused = next((key for key in labels if key not in keys), None)
    if unused is not None:
        raise ArchitectureError(unused, f"labels has {unused!r}, the export does not{did_you_mean(unused, keys)}")
    if len(set(keys.values())) != len(keys):
        raise ArchitectureError(
            "", f"labels={dict(labels)!r} gives two keys of the export one name; give each another one"
        )
    return {keys[str(key)]: value for key, value in exported.items()}


def _label(name: str) -> str:
    return name.replace(".", "/")


def _written(space: Space, params: dict[str, Scalar]) -> Iterator[tuple[str, Json]]:
    for name in dict.fromkeys(space._by_name[name].group or name for name in params):
        if name in space._subsets:
            node = space._subsets[name]
            yield name, [node.options[index].label for index in sorted(node.chosen(params))]
        else:
            yield name, params[name]


def _by_decision(space: Space, exported: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Each decision's key and value, by the name of the parameter, of the subset, or of a flag of a subset."""
    known = {*space._subsets, *space._by_name}
    found: dict[str, tuple[str, Any]] = {}
    numbered: list[str] = []
    for key, value in exported.items():
        name = _name(key, known)
        if name is not None:
            if name in found:
                raise ArchitectureError(name, f"both {found[name][0]!r} and {key!r} decide it; leave one out")
            found[name] = (key, value)
        elif _NUMBERED.fullmatch(key):
            numbered.append(key)
        else:
            labels = [_label(name) for name in known]
            remedy = "; rename it by labels={key: decision}, see space.parameters"
            raise ArchitectureError(key, f"the space has no decision {key!r}{did_you_mean(key, labels)}{remedy}")
    if numbered:
        for name, key in _assigned(space, found, numbered).items():
            found[name] = (key, exported[key])
    return found


def _name(key: str, known: set[str]) -> str | None:
    """The decision that a key names, with or without the prefix that a model space puts before its labels."""
    name = key.replace("/", ".")
    return next((given for given in (name, name.partition(".")[2]) if given in known), None)


def _assigned(space: Space, found: Mapping[str, object], numbered: list[str]) -> dict[str, str]:
    """A numbered label for each decision that no other key names."""
    left = {name: inside for name, inside in _decisions(space._root) if name not in found}
    if any(left.values()) or len(left) != len(numbered):
        raise ArchitectureError(
            numbered[0],
            f"{len(numbered)} keys are numbered by NNI ({', '.join(numbered)}), {len(left)} decisions are left "
            f"({', '.join(left)}), and their order does not say which is which; give labels={{key: decision}}",
        )
    in_order = sorted(numbered, key=lambda key: [int(number) for number in re.findall(r"\d+", key)])
    return dict(zip(left, in_order, strict=True))


def _decisions(node: SpaceNode, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Every decision's name (a subset is one decision), and whether it is inside an option or a list."""
    if isinstance(node, SubsetNode):
        yield node.name, inside
    elif isinstance(node, ValueNode | ChoiceNode | RepeatNode) and node.parameter is not None:
        yield node.parameter.name, inside
    deeper = inside or isinstance(node, ChoiceNode | SubsetNode | RepeatNode)
    for child in node.children():
        yield from _decisions(child, deeper)


def _read(space: Space, name: str, key: str, value: Any) -> dict[str, Scalar]:
    """The parameters that one exported value decides."""
    if name in space._subsets:
        return _read_subset(space._subsets[name], key, value)
    parameter = space._by_name[name]
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(parameter, Categorical) and parameter.group is None:
        value = _option(parameter.choices, value)
    return {name: read_as(parameter, value, key)}


def _read_subset(node: SubsetNode, key: str, value: Any) -> dict[str, Scalar]:
    labels = [option.label for option in node.options]
    chosen = [_option(labels, item) for item in (value if isinstance(value, list | tuple) else [value])]
    wrong = next((item for item in chosen if item not in labels), None)
    if wrong is not None:
        raise ArchitectureError(node.path, f"{key!r}: {wrong!r} is not allowed; allowed: {_listed(labels)}")
    many = str(node.low) if node.low == node.high else f"{node.low} to {node.high}"
    if len(set(chosen)) != len(chosen) or not node.low <= len(chosen) <= node.high:
        rule = f"{many} different ones of {_listed(labels)} are chosen here"
        raise ArchitectureError(node.path, f"{key!r}: {value!r} is not allowed; {rule}")
    return node.flagged({labels.index(item) for item in chosen})


def _option(labels: Sequence[Scalar], value: Any) -> Any:
    """The label that a name, a value or an index stands for; any other value is returned, and refused by the caller."""
    if isinstance(value, str) and value not in labels:
        alike = [label for label in labels if str(label) == value]
        if len(alike) == 1:
            return alike[0]
        value = int(value) if value.isascii() and value.isdigit() else value
    is_index = is_whole(value)
    if is_index and all(isinstance(label, str) for label in labels) and 0 <= value < len(labels):
        return labels[value]
    return value


def _listed(labels: Sequence[Scalar]) -> str:
    return ", ".join(map(repr, labels))
