"""References: spaces, classes and functions by name, as a run stores them and another process loads them.

A reference is `"module:qualname"`. The ledger stores it, and workers and resumed runs load it; the object itself is
never pickled. A resume compares source fingerprints to find out whether the code has changed. Modules of this package
that have moved are also found under the names that older runs and configurations have for them.

A limit: the fingerprint covers the source text of the object itself, not of what it calls or inherits. Code whose
behaviour is defined elsewhere should have a `version` attribute, and raise it with each change.
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
from search_spaces.algebra.code import OUR_PACKAGES
from search_spaces.former_names import current_module
from search_spaces.names import did_you_mean

__all__ = [
    "allow_local_modules",
    "current_reference",
    "is_ours",
    "is_reference",
    "load_reference",
    "reference_of",
    "source_fingerprint",
    "why_not",
    "with_local_modules",
]

_local: str | None = None
_RENAMED = {"trainables.tasks.table:Table": "trainables.tasks.table:TableTask"}
"""References that older runs may hold, and the new name of what they lead to."""
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_reference(text: str) -> bool:
    """Check whether a text has the form `"package.module:Name"` or `"module:Class.attribute"`.

    Args:
        text: the text.

    Returns:
        Whether it has that form; whether the object exists is not checked.
    """
    return _REFERENCE.fullmatch(text) is not None


def current_reference(reference: str) -> str:
    """Replace the old name of a module or class of this package that was renamed since the reference was written.

    Args:
        reference: the reference.

    Returns:
        The reference under the current names.
    """
    module, colon, qualname = reference.partition(":")
    current = f"{current_module(module)}{colon}{qualname}"
    return _RENAMED.get(current, current)


def is_ours(obj: object) -> bool:
    """Check whether a class or function belongs to this package, whose version identifies its code.

    Args:
        obj: the class or function.

    Returns:
        Whether its module is one of this package.
    """
    module = getattr(obj, "__module__", None) if hasattr(obj, "__qualname__") else None
    return isinstance(module, str) and module.partition(".")[0] in OUR_PACKAGES


def reference_of(obj: object) -> str | None:
    """Write the reference under which any process can import an object.

    Args:
        obj: a class or function.

    Returns:
        `"module:qualname"`, or None where there is none; `why_not` gives the reason.
    """
    if why_not(obj):
        return None
    return f"{getattr(obj, '__module__', '')}:{getattr(obj, '__qualname__', '')}"


def why_not(obj: object) -> str:
    """Find out why an object cannot be imported by name.

    Args:
        obj: a class or function.

    Returns:
        The reason and the remedy; empty where the object can be imported.
    """
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
    if getattr(sys.modules.get(module), "__spec__", None) is None:  # a module that was made by hand
        return f"the module {module!r} of {qualname} is not a file that another process could import; {remedy}"
    found = _resolve(module, qualname)
    # A class method is a new bound object at each access, so it is compared by equality.
    if found is not obj and not (isinstance(obj, types.MethodType) and found == obj):
        return f"{module}:{qualname} is not this object (it was replaced or made at run time); {remedy}"
    return ""


def load_reference(reference: str) -> object:
    """Load the object of a reference; its module is imported where it is not yet.

    On the command line modules of the current directory are found, too (`allow_local_modules`).

    Args:
        reference: `"module:qualname"`.

    Returns:
        The object.

    Raises:
        ConfigError: the text is not a reference, there is no such module or attribute, or importing the module raised
            an exception, which is then the `__cause__`.
    """
    if not is_reference(reference):
        raise ConfigError(f"{reference!r} is not a reference; write 'module:attribute', such as 'my_spaces:tiny'")
    with_local_modules()
    module, _, qualname = current_reference(reference).partition(":")
    found: object = _import(module, reference)
    for attribute in qualname.split("."):
        if not hasattr(found, attribute):
            raise ConfigError(_lacks(reference, found, attribute))
        found = getattr(found, attribute)
    return found


def allow_local_modules() -> None:
    """Let references name modules of the current directory; installed packages of the same name come first.

    The command line calls this once. The directory joins the import path when the first reference is loaded, so that a
    command that loads none never imports a file from the directory where it was started. Ray passes the driver's import
    path to its workers on this machine; on other machines of a cluster the modules must be installed or on a shared
    path.
    """
    global _local
    _local = os.getcwd()


def with_local_modules() -> None:
    """Add the current directory to the import path, if `allow_local_modules` was called and it is not there yet."""
    if _local is not None and _local not in sys.path and "" not in sys.path:
        sys.path.append(_local)
        importlib.invalidate_caches()


def source_fingerprint(obj: object) -> str | None:
    """Compute a digest of the source text of a class or function, without its indentation.

    An object with an attribute `version` (a string or an integer) is identified by that alone, so that its author
    decides what counts as a change.

    Args:
        obj: the class or function.

    Returns:
        16 hexadecimal digits; None for objects of this package, which its version identifies, and where there is no
        source to read (a builtin, a `python` prompt).
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


def _resolve(module: str, qualname: str) -> object:
    found: object = sys.modules.get(module)
    for attribute in qualname.split("."):
        found = getattr(found, attribute, None)
    return found


def _import(module: str, reference: str) -> object:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigError(_no_module(reference, error.name)) from error
        raise ConfigError(_broken(reference, module, error)) from error
    except Exception as error:  # the module of a user may raise anything while it is imported
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
