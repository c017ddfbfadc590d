"""The dicts that NNI's `export_top_models(formatter="dict")` returns, as architectures, and back.

NNI (2.x and 3.0) knows no tree: a dict from the label of a choice to what was chosen, nested choices beside the
others. A label `normal/node_2` is our `normal.node_2`. What was chosen reads as: the name of an option, its index (as
an int or as text, as 2.x writes those of lists), the value itself, a list of one of these; several inputs are the
list of their indices, or one flag an input, `label/0: True`.

Labels that NNI made up, because none was given (`model_1`, `model/1`, `global/1`), count choices in the order of the
program. They are read in that order for the decisions, in the order of the tree, that no other key names; where that
is not clear (choices inside options, other counts) `labels={"model/1": "conv.kernel"}` says it.

Spaces of NNI's hub that the catalogue has too are read and written with their labels there: the cells of NASNet,
AmoebaNet, PNAS, ENAS and DARTS, and NAS-Bench-201. Those of ProxylessNAS and AutoFormer are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search_spaces.algebra.flat import Categorical
from search_spaces.algebra.interpreter import Node, RepeatNode, ValueNode
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

__all__ = ["from_nni", "to_nni"]

_MADE_UP = re.compile(r"(?:_mutation_|model_|global_|param_)?\d+(?:_\d+)*|\w+(?:/\d+)+")


def from_nni(space: Space, exported: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> Architecture:
    """The architecture of one exported dict; `labels` renames keys of the dict to decisions of the space.

    `ArchitectureError` for a key that fits no decision (with the closest one), a value that is none of the options,
    and an active decision that the dict does not have.
    """
    if not isinstance(exported, Mapping):
        remedy = "; give one of the list, such as exported[0]" if isinstance(exported, list | tuple) else ""
        raise ArchitectureError("", f"{exported!r} is no dict from labels to what was chosen{remedy}")
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
    """The active decisions by label, as NNI 3.0 writes them: options by name, several inputs as a list."""
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
        raise ArchitectureError("", f"labels={dict(labels)!r} gives two keys of the export one name; name each apart")
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
    made_up: list[str] = []
    for key, value in exported.items():
        name = _name(key, known)
        if name is not None:
            if name in found:
                raise ArchitectureError(name, f"both {found[name][0]!r} and {key!r} decide it; leave one out")
            found[name] = (key, value)
        elif _MADE_UP.fullmatch(key):
            made_up.append(key)
        else:
            labels = [_label(name) for name in known]
            remedy = "; rename it by labels={key: decision}, see space.parameters"
            raise ArchitectureError(key, f"the space has no decision {key!r}{did_you_mean(key, labels)}{remedy}")
    if made_up:
        free = _free(space, found, made_up)
        found.update({name: (key, exported[key]) for name, key in free.items()})
    return found


def _name(key: str, known: set[str]) -> str | None:
    """The decision that a key names, with or without the prefix that a model space puts before its labels."""
    name = key.replace("/", ".")
    return next((given for given in (name, name.partition(".")[2]) if given in known), None)


def _free(space: Space, found: Mapping[str, object], made_up: list[str]) -> dict[str, str]:
    """The made-up labels by the decisions that nothing else names."""
    left = {name: inside for name, inside in _decisions(space._root) if name not in found}
    if any(left.values()) or len(left) != len(made_up):
        raise ArchitectureError(
            made_up[0],
            f"{len(made_up)} keys are numbered by NNI ({', '.join(made_up)}), {len(left)} decisions are left "
            f"({', '.join(left)}), and their order does not say which is which; give labels={{key: decision}}",
        )
    numbered = sorted(made_up, key=lambda key: [int(number) for number in re.findall(r"\d+", key)])
    return dict(zip(left, numbered, strict=True))


def _decisions(node: Node, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Every decision by name, a subset being one, and whether it stands inside an option or a list."""
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
    """The label that a name, a value or an index means; anything else as it is, to be refused with its place."""
    if isinstance(value, str) and value not in labels:
        alike = [label for label in labels if str(label) == value]
        if len(alike) == 1:
            return alike[0]
        value = int(value) if value.isascii() and value.isdigit() else value
    is_index = isinstance(value, int) and not isinstance(value, bool)
    if is_index and all(isinstance(label, str) for label in labels) and 0 <= value < len(labels):
        return labels[value]
    return value


def _listed(labels: Sequence[Scalar]) -> str:
    return ", ".join(map(repr, labels))
