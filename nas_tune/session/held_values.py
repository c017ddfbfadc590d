"""What a callable holds besides its source: arguments that are bound, defaults, closures, the state of its instance.

Two callables of the same source are the same trainable only if what they hold is equal. Equal means: plain values and
containers by value, arrays and tensors by type, shape and bytes, functions and classes by name, source and what they
hold, other objects by class and by the state that they would be copied with. What has no such state (a lock, an open
file) counts by its class alone.

Not promised: global variables and what a function calls are not looked at; a `version` attribute stands for those.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import types
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

__all__ = ["held_fingerprint"]

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_DEEPEST = 100


def held_fingerprint(obj: object) -> str | None:
    """Compute a fingerprint of what a callable holds.

    Args:
        obj: a class, a function, a bound method, a partial, or an instance that can be called.

    Returns:
        16 hexadecimal digits, which are equal for equal values, also in another process. None for an object with an
        attribute `version` (a string or an integer), which stands for all that it holds.
    """
    if isinstance(inspect.getattr_static(obj, "version", None), str | int):
        return None
    return hashlib.sha256(_Walk().token(obj).encode(errors="surrogatepass")).hexdigest()[:16]


class _Walk:
    """One walk through an object; what is met again inside itself is named by when it was met first."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def token(self, obj: Any) -> str:
        """A text that is equal for equal objects."""
        if isinstance(obj, _PLAIN) and type(obj) in _PLAIN:
            return f"{type(obj).__name__}:{obj!r}"
        if id(obj) in self._above or len(self._above) > _DEEPEST:
            return f"again:{self._above.get(id(obj), _DEEPEST)}"
        self._above[id(obj)] = len(self._above)
        try:
            return f"{_name(type(obj))}({self._inside(obj)})"
        finally:
            del self._above[id(obj)]

    def _inside(self, obj: Any) -> str:
        match obj:
            case functools.partial():
                return self._all(obj.func, obj.args, obj.keywords)
            case types.MethodType():
                return self._all(obj.__func__, obj.__self__)
            case types.FunctionType():
                return self._function(obj)
            case type():
                return self._class(obj)
            case types.ModuleType() | types.BuiltinFunctionType():
                return str(getattr(obj, "__qualname__", obj.__name__))
            case PurePath():
                return str(obj)
            case Mapping() if type(obj) is dict:
                return ",".join(sorted(f"{self.token(key)}={self.token(value)}" for key, value in obj.items()))
            case list() | tuple() if type(obj) in (list, tuple):
                return self._all(*obj)
            case set() | frozenset():
                return ",".join(sorted(map(self.token, obj)))
        return self._array(obj) or self._state(obj)

    def _all(self, *values: object) -> str:
        return ",".join(map(self.token, values))

    def _function(self, function: types.FunctionType) -> str:
        cells = [_content(cell) for cell in function.__closure__ or ()]
        holds = self._all(function.__defaults__, function.__kwdefaults__, cells)
        return f"{_name(function)}:{_source(function)}:{holds}"

    def _class(self, cls: type) -> str:
        """Its source, and what its methods took along from where it was defined."""
        if "<locals>" not in cls.__qualname__:
            return f"{_name(cls)}:{_source(cls)}"
        own = {name: value for name, value in vars(cls).items() if isinstance(value, types.FunctionType)}
        return f"{_name(cls)}:{_source(cls)}:{self.token(own)}"

    def _array(self, obj: Any) -> str:
        """An array or tensor by its bytes; empty for anything else."""
        if not (hasattr(obj, "dtype") and hasattr(obj, "shape")):
            return ""
        if str(obj.dtype) == "object":
            return self.token(obj.tolist())
        try:
            if hasattr(obj, "detach"):
                plain = obj.detach().cpu().contiguous().reshape(-1)
                data = plain.view(plain.new_empty(0).byte().dtype).numpy().tobytes() if plain.numel() else b""
            else:
                data = obj.tobytes()
        except (AttributeError, TypeError, ValueError, RuntimeError):
            return ""
        return f"{obj.dtype}{tuple(obj.shape)}{hashlib.sha256(data).hexdigest()}"

    def _state(self, obj: Any) -> str:
        try:
            reduced = obj.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 -- an object may refuse to be copied in any way; it counts by its class
            return "without a state"
        if isinstance(reduced, str):
            return reduced
        _, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        return self._all(arguments, state, list(items or ()), list(pairs or ()))


def _name(obj: Any) -> str:
    """Without the module: a script's objects are `__main__`'s at one time, and its own at another."""
    return str(getattr(obj, "__qualname__", type(obj).__name__))


def _source(obj: Any) -> str:
    try:
        return hashlib.sha256(inspect.getsource(obj).encode()).hexdigest()
    except (OSError, TypeError):
        return ""


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None
