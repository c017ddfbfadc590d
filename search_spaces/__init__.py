"""The language of search spaces, their members (architectures), and the catalogue of known spaces.

    from search_spaces import Space, choice, integer, repeat

    space = Space({"layers": repeat({"op": choice("conv", "pool"), "width": integer(8, 64, step=8)}, 1, 4)})
    architecture = space.sample(0)
    architecture["layers"][0]["op"], architecture.id

The package is pure Python: torch, Ray and Optuna are imported only by the functions that need them.
"""

from __future__ import annotations

from search_spaces.algebra.flat import Parameter
from search_spaces.architecture import Architecture
from search_spaces.catalogue import get, names, register
from search_spaces.drawing import draw
from search_spaces.errors import ArchitectureError, NasTuneError, NoMemberError, SpaceError, UnknownNameError
from search_spaces.former_names import import_former_modules as _import_former_modules
from search_spaces.parameters import choice, const, integer, real, repeat, subset
from search_spaces.space import Space

__all__ = [
    "Architecture",
    "ArchitectureError",
    "NasTuneError",
    "NoMemberError",
    "Parameter",
    "Space",
    "SpaceError",
    "UnknownNameError",
    "choice",
    "const",
    "draw",
    "get",
    "integer",
    "names",
    "real",
    "register",
    "repeat",
    "subset",
]

_import_former_modules()
