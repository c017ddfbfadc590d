"""Objects by name: what a run can write down of a space, class or function, and find again elsewhere.

A reference is `"module:qualname"`. It is what the ledger stores and what workers and a resumed run load; the
object itself is never pickled. The source fingerprint tells a resume that the code behind it changed. Modules of this
package that have moved are found under the names that older runs and configurations have for them.

Not promised: the fingerprint covers the source text of the object itself, not of what it calls or inherits;
code whose behaviour is defined elsewhere should carry a `version` attribute and raise it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
import textwrap
import types

from nas_tune.errors import ConfigError
from search_spaces.algebra.code import OURS
from search_spaces.names import did_you_mean

__all__ = [
    "allow_local_modules",
    "current",
    "is_ours",
    "is_reference",
    "load_reference",
    "reference_of",
    "source_fingerprint",
    "why_not",
    "with_local_modules",
]

_local: str | None = None
_MOVED = {
    "nas_tune.retraining": "nas_tune.winners.retrain",
    "nas_tune.tables": "nas_tune.benchmarks.tables",
    "trainables.darts_trainable": "trainables.supernet.trainable",
    "trainables.image_classifier": "trainables.tasks.image_classifier",
}
"""Modules with something that a run may name: where they were, and where they are."""
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_reference(text: str) -> bool:
    """Whether `text` has the form `"package.module:Name"` or `"module:Class.attribute"`."""
    return _REFERENCE.fullmatch(text) is not None


def current(reference: str) -> str:
    """The same reference by the names of today, where a module of this package has moved since it was written."""
    module, colon, qualname = reference.partition(":")
    for before, now in _MOVED.items():
        if module == before or module.startswith(f"{before}."):
            return f"{now}{module.removeprefix(before)}{colon}{qualname}"
    return reference


def is_ours(obj: object) -> bool:
    """Whether a class or function belongs to this package, whose version says what it computes."""
    module = getattr(obj, "__module__", None) if hasattr(obj, "__qualname__") else None
    return isinstance(module, str) and module.partition(".")[0] in OURS


def reference_of(obj: object) -> str | None:
    """`"module:qualname"` under which any process can import `obj`, or None; `why_not` tells the reason."""
    return None if why_not(obj) else _written(obj)


def why_not(obj: object) -> str:
    """Why `obj` cannot be imported by name, with the remedy; the empty string when it can."""
    module, qualname = getattr(obj, "__module__", None), getattr(obj, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str):
        return f"{type(obj).__name__} instances have no name to import; give a class or function of a module"
    remedy = "move it to the top level of a module file and import it from there"
    if "<lambda>" in qualname:
        return f"{qualname} is a lambda, which has no name to import; define it with `def` in a module file"
    if "<locals>" in qualname:
        return f"{qualname} is defined inside a function; {remedy}"
    if module == "__main__":
        return f"{qualname} is defined in a notebook or in the script that was started; {remedy}"
    if not _has_file(module):
        return f"the module {module!r} of {qualname} is no file that another process could import; {remedy}"
    if not _is_same(_resolve(module, qualname), obj):
        return f"{module}:{qualname} is not this object (it was replaced or made at run time); {remedy}"
    return ""


def load_reference(reference: str) -> object:
    """The object behind `"module:qualname"`; its module is imported if it is not yet.

    On the command line modules of the current directory are found too (`allow_local_modules`).

    Raises:
        ConfigError: the text is no reference, there is no such module or attribute, or importing the module
            raised; that exception is then the `__cause__`.
    """
    if not is_reference(reference):
        raise ConfigError(f"{reference!r} is no reference; write 'module:attribute', say 'my_spaces:tiny'")
    with_local_modules()
    module, _, qualname = current(reference).partition(":")
    found: object = _import(module, reference)
    for attribute in qualname.split("."):
        if not hasattr(found, attribute):
            raise ConfigError(_lacks(reference, found, attribute))
        found = getattr(found, attribute)
    return found


def allow_local_modules() -> None:
    """From now on let references name modules of the current directory; installed packages of the same name come first.

    The command line calls this once. The directory takes part in imports from the first reference that is loaded, so
    that what loads none (a reader of runs, say) never imports a file that happens to lie where it was started. Ray
    hands the driver's import path to its workers on this machine; on other machines of a cluster the modules must be
    installed or on a shared path.
    """
    global _local
    _local = os.getcwd()


def with_local_modules() -> None:
    """Let the current directory take part in imports, if it is allowed to and does not yet."""
    if _local is not None and _local not in sys.path and "" not in sys.path:
        sys.path.append(_local)
        importlib.invalidate_caches()


def source_fingerprint(obj: object) -> str | None:
    """16 hexadecimal digits of the source text of a class or function, whatever its indentation.

    An object with an attribute `version` (a string or an integer) is known by that alone, so that its author
    decides what counts as a change. None for what belongs to this package, which counts by its version, and where there
    is no source to read (a builtin, a `python` prompt).
    """
    if is_ours(obj):
        return None
    version = inspect.getattr_static(obj, "version", None)
    if isinstance(version, str | int):
        return _digest(f"version:{version}")
    try:
        source = inspect.getsource(obj)  # type: ignore[arg-type]  # anything unsuitable raises TypeError
    except (OSError, TypeError):
        return None
    return _digest(textwrap.dedent(source))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _written(obj: object) -> str:
    return f"{getattr(obj, '__module__', '')}:{getattr(obj, '__qualname__', '')}"


def _has_file(module: str) -> bool:
    """Whether `module` is imported from somewhere that has an import specification (not built by hand)."""
    return getattr(sys.modules.get(module), "__spec__", None) is not None


def _resolve(module: str, qualname: str) -> object:
    found: object = sys.modules.get(module)
    for attribute in qualname.split("."):
        found = getattr(found, attribute, None)
    return found


def _is_same(found: object, obj: object) -> bool:
    """Identity; for a class method, whose bound object is fresh at each access, equality."""
    return found is obj or (isinstance(obj, types.MethodType) and found == obj)


def _import(module: str, reference: str) -> object:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigError(_no_module(reference, error.name)) from error
        raise ConfigError(_broken(reference, module, error)) from error
    except Exception as error:  # a stranger's module may raise anything while it is imported
        raise ConfigError(_broken(reference, module, error)) from error


def _broken(reference: str, module: str, error: Exception) -> str:
    return f"{reference}: importing {module!r} failed: {type(error).__name__}: {error}; repair that module"


def _no_module(reference: str, missing: str) -> str:
    parent = missing.rpartition(".")[0]
    folders = getattr(sys.modules.get(parent), "__path__", []) if parent else [os.getcwd()]
    known = [found.name for found in pkgutil.iter_modules(folders, prefix=parent and f"{parent}.")]
    return (
        f"{reference}: there is no module {missing!r}{did_you_mean(missing, known)}; "
        f"start from the folder that holds it (this is {os.getcwd()}), or install it"
    )


def _lacks(reference: str, owner: object, attribute: str) -> str:
    names = [name for name in vars(owner) if not name.startswith("_")] if hasattr(owner, "__dict__") else []
    where = getattr(owner, "__file__", None) or getattr(owner, "__qualname__", type(owner).__name__)
    hint = did_you_mean(attribute, names) or f"; it has: {', '.join(sorted(names)[:12]) or 'nothing public'}"
    return f"{reference}: {where} has no {attribute!r}{hint}"
