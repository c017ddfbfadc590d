"""The root of every error that the project raises, and those that speak of spaces.

    NasTuneError                      exit 1
    |-- SpaceError (ValueError)       exit 2   a space that cannot be
    |   |-- ArchitectureError         exit 2   an architecture that does not belong to its space
    |   `-- NoMemberError             exit 2   a space whose rule leaves no member, or none that is found
    `-- UnknownNameError (LookupError) exit 2  a name that nobody registered

`trainables.errors` and `nas_tune.errors` add their branches below the same root. A message says the value,
the rule that it broke, and the remedy; `exit_code` is what the command line ends with.
"""

from __future__ import annotations

from collections.abc import Iterable

from search_spaces.names import did_you_mean

__all__ = ["ArchitectureError", "NasTuneError", "NoMemberError", "SpaceError", "UnknownNameError"]


class NasTuneError(Exception):
    """Anything that the project reports as wrong, with the exit code of the command line."""

    exit_code = 1


class SpaceError(NasTuneError, ValueError):
    """A search space, or a parameter in it, that breaks a rule of the language."""

    exit_code = 2


class ArchitectureError(SpaceError):
    """An architecture that does not belong to its space; `path` is the dotted place inside the tree."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"architecture at {path or 'its root'}: {message}")
        self.path = path
        self.reason = message

    def __reduce__(self) -> tuple[type[ArchitectureError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class NoMemberError(SpaceError):
    """A rule that leaves no member, or no other one, or none that a bounded search finds; the message says which."""


class UnknownNameError(NasTuneError, LookupError):
    """A space, trainable, strategy or scheduler that is not registered."""

    exit_code = 2

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        super().__init__(f"no {kind} is called {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}")
        self.kind, self.name, self.known = kind, name, known

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str]]]:
        return type(self), (self.kind, self.name, self.known)
