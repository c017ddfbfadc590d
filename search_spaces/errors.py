"""The root of every error that the project raises, and the errors of search spaces.

    NasTuneError                      exit 1
    |-- SpaceError (ValueError)       exit 2   a space that breaks a rule of the language
    |   |-- ArchitectureError         exit 2   an architecture that does not belong to its space
    |   `-- NoMemberError             exit 2   a space whose rule leaves no member, or none that is found
    `-- UnknownNameError (LookupError) exit 2  a name that is not registered

`trainables.errors` and `nas_tune.errors` add their branches below the same root. A message says the value,
the rule that it breaks, and the remedy; `exit_code` is the exit code of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable

from search_spaces.names import did_you_mean

__all__ = ["ArchitectureError", "NasTuneError", "NoMemberError", "SpaceError", "UnknownNameError"]


class NasTuneError(Exception):
    """The base of every error of this project; `exit_code` is the exit code of the command line."""

    exit_code = 1


class SpaceError(NasTuneError, ValueError):
    """A search space, or a parameter in it, that breaks a rule of the language."""

    exit_code = 2


class ArchitectureError(SpaceError):
    """An architecture that does not belong to its space.

    Args:
        path: the dotted place inside the tree; empty for its root.
        message: the value, the rule that it breaks, and the remedy; kept as `reason`.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"architecture at {path or 'its root'}: {message}")
        self.path = path
        self.reason = message

    def __reduce__(self) -> tuple[type[ArchitectureError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class NoMemberError(SpaceError):
    """A space without a member, without another one, or without one that a bounded search finds."""


class UnknownNameError(NasTuneError, LookupError):
    """A space, trainable, strategy or another registered thing that is asked for by an unknown name.

    Args:
        kind: what such a thing is called: "space".
        name: the unknown name.
        known: the registered names; the message has the closest one.
    """

    exit_code = 2

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        super().__init__(f"no {kind} is called {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}")
        self.kind, self.name, self.known = kind, name, known

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str]]]:
        return type(self), (self.kind, self.name, self.known)
