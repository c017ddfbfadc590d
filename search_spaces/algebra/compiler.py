"""From the language to the interpreter: compile a declared tree into nodes, and refuse what breaks a rule by its path.

The rules: names are identifiers, and differ even when case is ignored. A choice has at least one option; options are
JSON, and no two are equal in Python (1, 1.0 and True are). No decided tree could belong to two unnamed sub-spaces of
one choice. The tree does not contain itself, and has at most `MAX_PARAMETERS` parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from search_spaces.algebra.confusion import confusable
from search_spaces.algebra.flat import Categorical, IntegerRange, RealRange
from search_spaces.algebra.interpreter import FixedNode, GroupNode, ListNode, RepeatNode, SpaceNode, ValueNode
from search_spaces.algebra.options import ChoiceNode, Option, SubsetNode
from search_spaces.architecture import Architecture, Canonical, Json, Scalar, plain_json
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.names import IDENTIFIER_RULE, is_identifier
from search_spaces.parameters import Choice, Const, Declared, Integer, Options, Real, Repeat, Subset

__all__ = ["MAX_PARAMETERS", "Nested", "compile_tree"]

MAX_PARAMETERS = 100_000
"""The most flat parameters of one space: a `repeat` has a set of them for each place."""
_PLAIN = (bool, int, float, str)
_SHOWN = 5


class Nested:
    """The base of `Space`, which may be in a tree as a sub-space: the compiler needs its declared tree only."""

    declared: object
    valid: Callable[[Architecture], bool] | None
    canonical: Canonical | None


def compile_tree(tree: object) -> SpaceNode:
    """Compile the tree of a whole space.

    Args:
        tree: a tree of the language: declared parameters, dicts, lists, spaces and JSON values.

    Returns:
        The root node, with paths and parameter names from the root on.

    Raises:
        SpaceError: the tree breaks a rule of the language; the message says the path, the value, the rule and the
            remedy.
    """
    if isinstance(tree, dict | list | tuple) and not tree:
        raise _refused("", repr(tree), "an empty space has nothing to decide; declare at least one parameter")
    whole = tree
    while isinstance(whole, Nested):
        whole = whole.declared
    is_container = isinstance(whole, Mapping | list | tuple) and not isinstance(whole, Declared)
    try:
        _check_decides(tree, "")
        node = _Compiler().compile(tree, "", "" if is_container else "root")
    except RecursionError:
        raise _refused("", type(tree).__name__, "the tree contains itself; write repeat(..) for repetition") from None
    _check_flat_names(parameter.name for parameter in node.parameters())
    return node


class _Compiler:
    """One compilation. Of a node, `path` is its place in the decided tree, `name` the name of its parameter."""

    def __init__(self) -> None:
        self.budget = MAX_PARAMETERS
        self.open: dict[int, str] = {}

    def compile(self, tree: object, path: str, name: str) -> SpaceNode:
        if isinstance(tree, Nested):
            if tree.valid is not None or tree.canonical is not None:
                raise _refused(
                    path,
                    repr(tree),
                    "a sub-space must not have `valid` or `canonical`; give them to the whole space",
                )
            return self.compile(tree.declared, path, name)
        if id(tree) in self.open and isinstance(tree, dict | list | Declared):
            circle = f"{self.open[id(tree)] or '(root)'} -> {path}"
            raise _refused(path, circle, "the tree contains itself; write repeat(..) for repetition")
        self.open[id(tree)] = path
        node = self._compile(tree, path, name)
        self.open.pop(id(tree), None)
        return node

    def _compile(self, tree: object, path: str, name: str) -> SpaceNode:
        match tree:
            case Const(value):
                return FixedNode(path, _json(value, path))
            case Integer(low, high, step, log):
                self._spend(path)
                return ValueNode(path, IntegerRange(name=name, path=path, low=low, high=high, step=step, log=log))
            case Real(low, high, step, log):
                self._spend(path)
                return ValueNode(path, RealRange(name=name, path=path, low=low, high=high, step=step, log=log))
            case Choice():
                return self._choice(tree, path, name)
            case Subset():
                return self._subset(tree, path, name)
            case Repeat():
                return self._repeat(tree, path, name)
            case dict():
                _check_names(tree, path, "key")
                for key, item in tree.items():
                    _check_decides(item, _join(path, key))
                return GroupNode(
                    path,
                    {key: self.compile(item, _join(path, key), _join(name, key)) for key, item in tree.items()},
                )
            case list() | tuple():
                return ListNode(
                    path, [self.compile(item, _join(path, i), _join(name, i)) for i, item in enumerate(tree)]
                )
        return FixedNode(path, _json(tree, path))

    def _choice(self, declared: Choice, path: str, name: str) -> SpaceNode:
        self._spend(path)
        options = self._options(declared.options, path, name)
        labels = tuple(option.label for option in options)
        parameter = Categorical(name=name, path=path, choices=labels)
        if all(_is_plain(option) for option in options):
            return ValueNode(path, parameter)
        return ChoiceNode(path, parameter, options)

    def _subset(self, declared: Subset, path: str, name: str) -> SpaceNode:
        options = self._options(declared.options, path, name)
        self._spend(path, len(options))
        flags = []
        for i in range(len(options)):
            flags.append(Categorical(name=_join(name, i), path=path, group=name, choices=(False, True)))
        return SubsetNode(path, name, flags, options, declared.low, declared.high)

    def _repeat(self, declared: Repeat, path: str, name: str) -> SpaceNode:
        low, high = declared.low, declared.high
        self._spend(path, high)
        parameter = None if low == high else IntegerRange(name=name, path=path, low=low, high=high, repeats=True)
        items = [self.compile(declared.subtree, _join(path, i), _join(name, i)) for i in range(high)]
        return RepeatNode(path, parameter, items, low)

    def _options(self, declared: Options, path: str, name: str) -> list[Option]:
        if not declared.entries:
            raise _refused(path, "no options", "a choice has at least one option; add one")
        if declared.named:
            _check_names([key for key, _ in declared.entries], path, "option name")
        options = [self._option(i, key, tree, path, name) for i, (key, tree) in enumerate(declared.entries)]
        if not declared.named:
            _check_options(options, path)
        return options

    def _option(self, index: int, key: object, tree: object, path: str, name: str) -> Option:
        if key is not None:
            return Option(str(key), str(key), self.compile(tree, _join(path, str(key)), _join(name, str(key))))
        plain = tree.value if isinstance(tree, Const) else tree
        if plain is None or isinstance(plain, str | bool | int | float):
            return Option(plain, None, FixedNode(path, _json(plain, path)))
        if not isinstance(plain, Declared | Nested | dict | list | tuple):
            kind = type(plain).__name__
            raise _refused(path, repr(plain), f"an option is JSON or a sub-space, not a {kind}; name it by a string")
        label = f"option{index}"
        return Option(label, None, self.compile(tree, path, _join(name, label)))

    def _spend(self, path: str, count: int = 1) -> None:
        self.budget -= count
        if self.budget < 0:
            raise _refused(
                path,
                "too many parameters",
                f"a space has at most {MAX_PARAMETERS}; lower the counts of repeat",
            )


def _check_options(options: list[Option], path: str) -> None:
    seen: dict[Scalar, Scalar] = {}
    for option in options:
        if option.label in seen:
            other = seen[option.label]
            if type(other) is not type(option.label):
                pair = f"{other!r} and {option.label!r}"
                raise _refused(
                    path,
                    pair,
                    "these options are equal in Python: indistinguishable; keep one, or use strings",
                )
            raise _refused(path, repr(option.label), "the option occurs twice; remove one, or name the sub-spaces")
        seen[option.label] = option.label
    sub_spaces = [option for option in options if not _is_plain(option)]
    for one in sub_spaces:
        for another in options:
            if another is not one and confusable(one.node, another.node):
                pair = f"{another.text} and {one.text}"
                raise _refused(path, pair, 'a decided tree could be either; name them: choice({"name": sub-space, ..})')


def _check_names(names: Iterable[object], path: str, kind: str) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str) or not is_identifier(name):
            text = repr(name)
            raise _refused(path, f"{kind} {text[:80]}{'..' if len(text) > 80 else ''}", f"{IDENTIFIER_RULE}; rename it")
        other = seen.setdefault(name.lower(), name)
        if other is not name and other != name:
            raise _refused(path, f"{kind}s {other!r} and {name!r}", "they differ only in case; rename one")


def _check_decides(tree: object, path: str) -> None:
    """Refuse a list of plain values: it decides nothing, and most likely stands for a choice."""
    if isinstance(tree, list | tuple) and len(tree) > 1 and all(isinstance(item, _PLAIN) for item in tree):
        options = ", ".join(map(repr, tree[:_SHOWN])) + (", .." if len(tree) > _SHOWN else "")
        raise _refused(
            path,
            f"[{options}]",
            f"a list of plain values decides nothing: did you mean choice({options})? If every architecture shall "
            f"hold this list, write const([{options}])",
        )


def _check_flat_names(names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            raise _refused(name, repr(name), f"another parameter is called {other!r}; rename the option or the key")


def _is_plain(option: Option) -> bool:
    return option.name is None and isinstance(option.node, FixedNode) and not isinstance(option.node.value, dict | list)


def _json(value: object, path: str) -> Json:
    try:
        return plain_json(value, path)
    except ArchitectureError as error:
        raise SpaceError(f"space at {path or 'its root'}: {error.reason}; name it by a string instead") from error


def _join(path: str, key: str | int) -> str:
    return f"{path}.{key}" if path else str(key)


def _refused(path: str, value: str, rule: str) -> SpaceError:
    return SpaceError(f"space at {path or 'its root'}: {value}: {rule}")
