"""The rules of a space that has decisions beside those of another space, such as the settings of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from search_spaces.architecture import Architecture, Json

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["Beside"]


class Beside:
    """A rule of a space, for the architectures of one that has further decisions at the top of its tree.

    Args:
        space: the space without them.
        names: of the further decisions.
        rule: "valid" or "canonical", whichever rule of the space it is.
    """

    def __init__(self, space: Space, names: Sequence[str], rule: str) -> None:
        self.space, self.names, self.rule = space, tuple(names), rule

    def __call__(self, architecture: Architecture) -> Any:
        tree: Any = architecture.tree
        beside = {name: tree[name] for name in self.names if name in tree}
        inner = self.inner(architecture)
        if self.rule == "valid":
            return self.space.valid is None or self.space.valid(inner)
        form: Any = inner if self.space.canonical is None else self.space.canonical(inner)
        canonical: Json = form.tree if isinstance(form, Architecture) else form
        return {"architecture": canonical, "beside": beside}

    def inner(self, architecture: Architecture) -> Architecture:
        """Leave the further decisions out.

        Args:
            architecture: a member of the space that has them.

        Returns:
            The member of the space without them.
        """
        tree: Any = architecture.tree
        kept = {name: value for name, value in tree.items() if name not in self.names}
        return Architecture._bound(kept, self.space)

    def to_spec(self) -> dict[str, Any]:
        """Write the rule for the spec of a space.

        Returns:
            The spec of the space without the further decisions, and their names.
        """
        return {"space": self.space.to_spec(), "names": list(self.names), "rule": self.rule}

    @classmethod
    def from_spec(cls, state: Any, space: Space) -> Beside:
        """Read what `to_spec` wrote.

        Args:
            state: the result of `to_spec`.
            space: its space, read already.

        Returns:
            The rule.
        """
        return cls(space, [str(name) for name in state["names"]], str(state["rule"]))
