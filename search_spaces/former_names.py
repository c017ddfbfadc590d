"""Former names of modules and of what they export, which older code imports and older runs hold.

    from nas_tune.bench import Contest    # imports nas_tune.benchmarks.races, with a DeprecationWarning

A former module leads to the module itself and not to a copy, so that a class has one identity. A former name goes with
the next minor version. What no guide ever showed has no former name.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import CodeType, ModuleType

__all__ = ["MODULES", "NAMES", "current_module", "former_names", "import_former_modules"]

MODULES: Mapping[str, str] = {
    "nas_tune.bench": "nas_tune.benchmarks.races",
    "nas_tune.compressing": "nas_tune.winners.compress",
    "nas_tune.exporting": "nas_tune.winners.export",
    "nas_tune.insight": "nas_tune.analysis",
    "nas_tune.retraining": "nas_tune.winners.retrain",
    "nas_tune.tables": "nas_tune.benchmarks.tables",
    "search_spaces.encodings": "search_spaces.graphs.encodings",
    "trainables.darts_trainable": "trainables.supernet.trainable",
    "trainables.image_classifier": "trainables.tasks.image_classifier",
    "trainables.zero_cost": "trainables.costs.zero_cost",
}
"""Modules by their former names."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "nas_tune.benchmarks.races": {"score": "score_strategies"},
    "trainables.compression": {"KINDS": "QUANTIZATIONS", "METHODS": "PRUNING_METHODS"},
    "trainables.data": {"load": "load_images"},
}
"""Per module, its names by their former names."""


def current_module(name: str) -> str:
    """Replace the former name of a module, or of a package above it.

    Args:
        name: the full name of a module.

    Returns:
        Its current name; `name` where it has no other.
    """
    for former, now in MODULES.items():
        if name == former or name.startswith(f"{former}."):
            return now + name.removeprefix(former)
    return name


def former_names(module: str) -> Callable[[str], object]:
    """Make the `__getattr__` of a module that has former names: `__getattr__ = former_names(__name__)`.

    Args:
        module: its name, a key of `NAMES`.

    Returns:
        The function. It warns and gives what a former name means, and raises AttributeError for another name.
    """

    def attribute_of(name: str) -> object:
        if name not in NAMES[module]:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        _warn(f"{module}.{name}", f"{module}.{NAMES[module][name]}")
        return getattr(sys.modules[module], NAMES[module][name])

    return attribute_of


def import_former_modules() -> None:
    """Let `import` find modules by their former names, in this process."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())  # before the finder that would load a file a second time


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        now = current_module(fullname)
        if now == fullname or find_spec(now) is None:
            return None
        _warn(fullname, now)
        return ModuleSpec(fullname, _Former(now))


class _Former(Loader):
    """Loads a module by giving the one of another name."""

    def __init__(self, now: str) -> None:
        self._now = now
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        found = import_module(self._now)
        self._spec = found.__spec__
        return found

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # which the import system has replaced by that of the former name

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module, for `python -m` and a former name."""
        spec = find_spec(self._now)
        loader = None if spec is None else spec.loader
        return loader.get_code(self._now) if isinstance(loader, InspectLoader) else None


def _warn(former: str, now: str) -> None:
    text = f"{former} is called {now} now: import that; the former name goes with the next minor version"
    # Above are this frame and its caller; the frames of the import system are not counted.
    warnings.warn(text, DeprecationWarning, stacklevel=3)
