"""Which code a run would load, and whether it may: decided before any of it is imported.

A run folder may come from anybody, and what goes on with it or rebuilds its networks imports the modules that it
names. It may, where the code belongs to this package or to an installed plug-in, where the caller gives it, or where
this user began the run: then its signature is this user's, and each module is the file that it was. Everything else is
listed and refused, unless it is allowed by `allow_code` (`--allow-code`).

An allowed reference is still checked for what it should be (see `search_spaces.algebra.code` and `load_target`).
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trainables.registry
from nas_tune.config.references import current_reference, is_reference, load_reference, reference_of, with_local_modules
from nas_tune.coordination.registrations import ONE_OF, is_here
from nas_tune.errors import ConfigError, ForeignCodeError
from nas_tune.session.signing import is_signed, key_problem, signature_of
from search_spaces.algebra.code import OUR_PACKAGES, no_code
from search_spaces.algebra.spec import references
from search_spaces.plug_ins import PLUG_IN_KINDS, plug_ins
from trainables.registry import TrainableTarget

__all__ = [
    "Named",
    "check_code",
    "check_commands",
    "check_names",
    "load_target",
    "named_by_settings",
    "named_code",
    "signed",
    "target_called",
    "unkept",
]

_SIGNED = ("config", "space", "trainable", "registered", "code")
_DEEPEST = 5
_METHODS = ("setup", "step", "save", "load")


@dataclass(frozen=True, slots=True)
class Named:
    """A reference that a run would import.

    Attributes:
        what: the part of the run that needs it, such as "trainable", or "strategy NAME".
        reference: "module:attribute".
    """

    what: str
    reference: str

    def __str__(self) -> str:
        return f"{self.what} {self.reference}"


def named_code(meta: Mapping[str, Any]) -> list[Named]:
    """List every reference that going on with a run would import.

    Args:
        meta: as the ledger of the run has it.

    Returns:
        The references, each once.
    """
    found = [*_of_space(meta.get("space")), *_of_trainable(meta), *_of_registered(meta.get("registered"))]
    return list(dict.fromkeys(found))


def signed(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Sign the meta of a new run.

    Args:
        meta: all that the ledger is to keep.

    Returns:
        The same with `code`, the files of the code that it names, and this user's `signature`.
    """
    kept = {**meta, "code": {one.reference: _file_of(one.reference) for one in _foreign(named_code(meta))}}
    return {**kept, "signature": signature_of(_what_is_signed(kept))}


def unkept(meta: Mapping[str, Any]) -> str:
    """Warn the user where a run names code and this user's key cannot be kept.

    Args:
        meta: of the run, signed.

    Returns:
        The sentence; empty where there is nothing to say.
    """
    problem = key_problem() if meta.get("code") else ""
    if not problem:
        return ""
    return (
        f"{problem}, so another process will not know this run as yours: it needs --allow-code there, or set "
        "XDG_STATE_HOME to a folder that is kept"
    )


def check_code(
    meta: Mapping[str, Any],
    folder: Path,
    *,
    allow_code: bool = False,
    given: Collection[str] = (),
    reaches: Mapping[str, object] | None = None,
) -> None:
    """Refuse to load the code of a run that did not begin here.

    Args:
        meta: what its ledger keeps.
        folder: of the run.
        allow_code: load it all the same.
        given: what the caller brings or does not need: "space", "trainable", "strategy", "scheduler".
        reaches: keys of the configuration that lead out of this machine and folder, with their values; those of None,
            and those that the run was begun with by this user, do not count.

    Raises:
        ForeignCodeError: names what would be imported; nothing of it was.
    """
    if allow_code:
        return
    wanted = _foreign(one for one in named_code(meta) if one.what.split()[0] not in given and not _is_here(one, meta))
    places = {key: value for key, value in (reaches or {}).items() if value is not None}
    if not wanted and not places:
        return
    mine = is_signed(_what_is_signed(meta), meta.get("signature"))
    if mine:
        wanted = [one for one in wanted if not _is_where_it_was(meta, one.reference)]
        places = {key: value for key, value in places.items() if value != meta["config"].get(key)}
    if wanted or places:
        told = [f"{one}{_moved(meta, one.reference) if mine else ''}" for one in wanted]
        told += [f"{key} {value} (or say it yourself: {key}=...)" for key, value in places.items()]
        raise ForeignCodeError(_refusal(meta, folder, told, mine=mine))


def check_commands(
    settings: Mapping[str, Any], meta: Mapping[str, Any], folder: Path, *, allow_code: bool = False
) -> None:
    """Refuse the command of a device by which a method of supernets measures options, in a run from elsewhere.

    Args:
        settings: of the trainable that is made.
        meta: what the ledger of the run keeps.
        folder: of the run.
        allow_code: call it all the same.

    Raises:
        ForeignCodeError: names the device; its command was not called.
    """
    called = [device for device in _devices(settings) if device.get("command") is not None]
    if allow_code or not called:
        return
    mine = is_signed(_what_is_signed(meta), meta.get("signature"))
    known = _devices(meta["trainable"].get("settings") or {}) if mine else []
    told = [f"measured_on {device}" for device in called if device not in known]
    if told:
        raise ForeignCodeError(_refusal(meta, folder, told, mine=mine))


def _devices(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The devices of a search in a supernet: that of its limits, and that of its method."""
    places = [settings, settings.get("method_settings")]
    devices = [place.get("measured_on") for place in places if isinstance(place, Mapping)]
    return [device for device in devices if isinstance(device, Mapping)]


def check_names(named: Iterable[Named], folder: Path, *, allow_code: bool = False, remedy: str = "") -> None:
    """Refuse to load code that a folder without a signature names.

    Args:
        named: what would be imported.
        folder: the folder.
        allow_code: load it all the same.
        remedy: what else a user can do, for the message; it ends before "allow ..".

    Raises:
        ForeignCodeError: some of it is neither of this package nor of an installed plug-in; nothing was imported.
    """
    if allow_code or not (wanted := _foreign(named)):
        return
    raise ForeignCodeError(
        f"{folder} names code that is neither of this package nor of an installed plug-in: "
        f"{', '.join(map(str, wanted))}; {remedy}allow it, if you trust whoever made the folder: allow_code=True "
        "(--allow-code)"
    )


def load_target(reference: str, *, is_given: bool = False) -> TrainableTarget:
    """Load the trainable behind a reference that may be loaded.

    Args:
        reference: "module:attribute".
        is_given: whether a person wrote it; then a module may also have the trainable from elsewhere.

    Returns:
        The class or generator function.

    Raises:
        ConfigError: it cannot be imported, or can be no trainable.
    """
    if why := no_code(reference):
        raise ConfigError(f"trainable: {reference!r} {why.replace('neither a Space nor a rule', 'not a trainable')}")
    found = load_reference(reference)
    if not callable(found):
        raise ConfigError(f"trainable: {reference} is {found!r}; a class or a generator function is needed")
    if not is_given and reference_of(found) != current_reference(reference):
        raise ConfigError(f"trainable: {reference!r} is not a class or function that is defined under this name")
    if _top(reference) in OUR_PACKAGES and not (
        isinstance(found, type) and all(callable(getattr(found, name, None)) for name in _METHODS)
    ):
        raise ConfigError(f"trainable: {reference!r} is not a trainable of this package")
    return found


def target_called(name: str) -> TrainableTarget:
    """Find the trainable that a person names.

    Args:
        name: a registered name, or "module:attribute".

    Returns:
        The class or generator function.

    Raises:
        UnknownNameError, ConfigError: there is none.
    """
    return trainables.registry.get(name) if ":" not in name else load_target(name, is_given=True)


def _is_here(one: Named, meta: Mapping[str, Any]) -> bool:
    """Whether this process has registered it itself under the name by which the run asks for it."""
    kind, _, name = one.what.partition(" ")
    for kinds, what in ONE_OF.items():
        if kind == what:
            return is_here(kinds, name)
    if kind != "trainable" or not meta["trainable"].get("registered"):
        return False
    named = meta["config"].get("trainable")
    asked = named.get("name") if isinstance(named, Mapping) else named
    return asked in trainables.registry.names() and one.reference == meta["trainable"].get("reference")


def _of_space(spec: object, what: str = "space") -> Iterator[Named]:
    if isinstance(spec, Mapping):
        for part, reference in references(spec):
            yield Named(f"{what} {part}", reference)


def _of_trainable(meta: Mapping[str, Any]) -> Iterator[Named]:
    kept = meta.get("trainable")
    if not isinstance(kept, Mapping):
        return
    config = meta.get("config")
    named = config.get("trainable") if isinstance(config, Mapping) else None
    name = named.get("name") if isinstance(named, Mapping) else named
    own = kept.get("reference")
    if kept.get("registered"):
        # What was registered in a process is found by its reference in another one.
        is_named = isinstance(name, str) and (":" in name or trainables.registry.is_installed(name))
        own = name if is_named else own
    yield from _of_target(own, kept.get("settings"), _DEEPEST)
    if isinstance(named, Mapping):
        # A resume makes the settings again from the configuration.
        yield from _of_target(own, named, _DEEPEST)


def _of_target(name: object, settings: object, deepest: int) -> Iterator[Named]:
    """A trainable by reference, and what its settings name where it is a retraining."""
    if isinstance(name, str) and ":" in name:
        yield Named("trainable", name)
    if isinstance(settings, Mapping):
        yield from named_by_settings(settings)
    if not isinstance(settings, Mapping) or "of" not in settings:
        return
    if deepest == 0:
        raise ConfigError("trainable: a retraining of a retraining of a retraining; give the run that it belongs to")
    yield from _of_target(settings["of"], settings.get("settings"), deepest - 1)
    try:
        spec = json.loads(str(settings.get("space")))
    except (ValueError, RecursionError):
        return
    yield from _of_space(spec, "trainable's space")


def named_by_settings(settings: Mapping[str, Any]) -> Iterator[Named]:
    """Find what the settings of a trainable name: its task, and the transforms, loss and metrics of that.

    The estimator "shared" has a checkpoint, whose settings name a task as well.

    Args:
        settings: of the trainable.

    Returns:
        The references among them.
    """
    task = settings.get("task")
    task = task.get("name") if isinstance(task, Mapping) else task
    if isinstance(task, str) and ":" in task:
        yield Named("task", task)
    transforms = settings.get("transforms")
    if isinstance(transforms, str) and ":" in transforms:
        yield Named("transforms", transforms)
    yield from _of_measures(settings)
    if isinstance(settings.get("checkpoint"), str):
        yield from _of_checkpoint(Path(settings["checkpoint"]))


def _of_checkpoint(folder: Path) -> Iterator[Named]:
    """What the supernet in a checkpoint names; nothing where there is none, which whoever uses it says."""
    from trainables.errors import CheckpointError
    from trainables.supernet.saved import SavedSupernet

    try:
        settings = SavedSupernet.read(folder).settings
    except CheckpointError:
        return
    yield from named_by_settings({name: value for name, value in settings.items() if name != "checkpoint"})


def _of_measures(settings: Mapping[str, Any]) -> Iterator[Named]:
    """The loss and the metrics of a task, as far as they are references."""
    metrics, loss = settings.get("metrics"), settings.get("loss")
    if isinstance(loss, str) and ":" in loss:
        yield Named("loss", loss)
    entries = list(metrics.values()) if isinstance(metrics, Mapping) else metrics
    for entry in entries if isinstance(entries, list | tuple) else ():
        what = entry.get("metric") if isinstance(entry, Mapping) else entry
        if isinstance(what, str) and ":" in what:
            yield Named("metric", what)


def _of_registered(kept: object) -> Iterator[Named]:
    for kind, by_name in kept.items() if isinstance(kept, Mapping) else ():
        for name, entry in by_name.items() if isinstance(by_name, Mapping) else ():
            for reference in entry.values() if isinstance(entry, Mapping) else [entry]:
                if isinstance(reference, str) and ":" in reference:
                    yield Named(f"{ONE_OF.get(kind, kind)} {name}", reference)


def _foreign(named: Iterable[Named]) -> list[Named]:
    """Those that are neither of this package nor of an installed plug-in."""
    others = [one for one in named if _top(one.reference) not in OUR_PACKAGES]
    if not others:
        return []
    at_hand = set()
    for kinds in PLUG_IN_KINDS:
        for point in plug_ins(kinds).values():
            at_hand.add(_top(point.value))
    return [one for one in others if _top(one.reference) not in at_hand]


def _top(reference: str) -> str:
    return reference.partition(":")[0].partition(".")[0]


def _what_is_signed(meta: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides which code is loaded and what it is given; the fingerprint of its source is not part of it."""
    kept = {key: meta.get(key) for key in _SIGNED}
    trainable = kept["trainable"]
    if isinstance(trainable, Mapping):
        kept["trainable"] = {key: value for key, value in trainable.items() if key != "fingerprint"}
    return kept


def _is_where_it_was(meta: Mapping[str, Any], reference: str) -> bool:
    """Whether the file behind a reference is the one that the run was begun with."""
    return reference in meta["code"] and meta["code"][reference] == _file_of(reference)


def _moved(meta: Mapping[str, Any], reference: str) -> str:
    """Where the code of a reference was, and what to do where it is not found."""
    was, now = meta["code"].get(reference), _file_of(reference)
    if was is None or now is not None:
        return f" (it was {was or 'in no file'}, and is {now or 'in no file'} now)"
    depth = reference.partition(":")[0].count(".") + (Path(was).name == "__init__.py")
    return (
        f" (it was {was}, which is not found from here: start in {Path(was).parents[depth]}, or put it on PYTHONPATH)"
    )


def _file_of(reference: str) -> str | None:
    """The file that an import would read; told without an import. None where there is none."""
    module = reference.partition(":")[0]
    loaded = sys.modules.get(module)
    if loaded is not None:
        return _real(getattr(loaded, "__file__", None))
    if not is_reference(f"{module}:x"):
        return None
    with_local_modules()
    places, spec = None, None
    for depth in range(1, module.count(".") + 2):
        spec = _spec_of(".".join(module.split(".")[:depth]), places)
        if spec is None:
            return None
        places = spec.submodule_search_locations
    return _real(spec.origin if spec else None)


def _spec_of(module: str, places: Any) -> importlib.machinery.ModuleSpec | None:
    for finder in sys.meta_path:
        try:
            found = finder.find_spec(module, places) if hasattr(finder, "find_spec") else None
        except KeyError:
            # Python asks for the parent of a folder without `__init__.py`, and that is not imported.
            return _folders_called(module, places)
        if found is not None:
            return found
    return None


def _folders_called(module: str, places: Iterable[str]) -> importlib.machinery.ModuleSpec:
    """A namespace package below another one: every folder of its name."""
    spec = importlib.machinery.ModuleSpec(module, None, is_package=True)
    folders = [os.path.join(place, module.rpartition(".")[2]) for place in places]
    spec.submodule_search_locations = [folder for folder in folders if os.path.isdir(folder)]
    return spec


def _real(path: object) -> str | None:
    return os.path.realpath(path) if isinstance(path, str) else None


def _refusal(meta: Mapping[str, Any], folder: Path, refused: list[str], *, mine: bool) -> str:
    if mine:
        why = "what it names lies elsewhere than when you began it"
    elif "signature" not in meta:
        why = "it was begun by a version that signed no run, so that it could be anybody's"
    else:
        why = "it was not begun by you on this machine, or was changed since"
    return (
        f"{folder} cannot be rebuilt here: {why}, and it would load or reach: {', '.join(refused)}. Nothing of it was "
        "imported. If you trust whoever made it, say --allow-code (in Python allow_code=True); or bring your own code, "
        "as in nas_tune.resume(path, space=..., trainable=...)"
    )
