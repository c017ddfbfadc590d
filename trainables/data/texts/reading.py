"""Reading of texts: files of characters or bytes, NumPy files of ids, folders of them, arrays, in their parts."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.npz import DAMAGE
from trainables.data.parts import PartName, parts_of_files, usual_names, visible
from trainables.data.streaming.scratch import joined_on_disk
from trainables.data.tables.reading import places_of
from trainables.data.texts.pieces import pieces_of
from trainables.data.texts.settings import TextSettings
from trainables.errors import DataError, first_line

__all__ = ["RawText", "is_text", "joined_points", "path_of_text", "read_text_parts", "text_files", "unit_of"]

Array = np.ndarray[Any, Any]
_BYTE_ORDER_MARK = 0xFEFF
_READ = 2**22
"""Bytes that are decoded at a time."""


@dataclass(frozen=True)
class RawText:
    """A text in the parts that its author gave it.

    Attributes:
        name: names the text in messages.
        unit: what a token is: "characters", "bytes" or "ids".
        parts: code points, bytes or ids, (n,), by part, "train" among them; a text without parts is all "train".
        notes: for people.
    """

    name: str
    unit: str
    parts: Mapping[PartName, Array]
    notes: Sequence[str] = ()


def is_text(data: object, root: object) -> bool:
    """Check whether data are a text rather than images or rows.

    Args:
        data: the data of a search: a path, an array, or something else.
        root: the folder of relative paths; None for the environment variable NAS_TUNE_DATA.

    Returns:
        True for a text file (.txt), a NumPy file or an array of one dimension of whole numbers, a folder of such files
        (and of notes about them, .md), and a text of several lines.
    """
    if isinstance(data, np.ndarray):
        return data.ndim == 1 and data.dtype.kind in "iu"
    if not isinstance(data, str | Path) or not str(data):
        return False
    if _is_in_memory(data):
        return True
    path = next((place for place in places_of(data, root) if place.exists()), None)
    if path is None:
        return Path(data).suffix.lower() == ".txt"
    found = (one for one in path.glob("**/*") if one.is_file() and one.suffix.lower() != ".md")
    files = visible(found, path) if path.is_dir() else [path]
    return bool(files) and all(_is_text_file(file) for file in files)


def unit_of(settings: TextSettings) -> str:
    """Decide what a token is, by the settings and the names of the files.

    Args:
        settings: the text.

    Returns:
        "characters", "bytes" or "ids".
    """
    if settings.tokens is not None:
        return settings.tokens
    data = settings.data
    if isinstance(data, np.ndarray) or settings.vocabulary is not None:
        return "ids"
    if data is None or _is_in_memory(data):
        return "characters"
    if Path(data).suffix:
        return "ids" if Path(data).suffix.lower() == ".npy" else "characters"
    folder = next((place for place in places_of(data, settings.root) if place.is_dir()), None)
    return "characters" if folder is None or text_files(folder, "characters") else "ids"


def path_of_text(settings: TextSettings) -> Path | None:
    """Find the file or folder of a text.

    Args:
        settings: the text.

    Returns:
        The path; None where the text is in memory.

    Raises:
        DataError: there is none.
    """
    data = settings.data
    if isinstance(data, np.ndarray) or (isinstance(data, str) and _is_in_memory(data)):
        return None
    if not isinstance(data, str | Path) or not str(data):
        given = "not given" if data is None else f"a {type(data).__name__}"
        raise DataError(
            f"data is {given}; give the path of a text file, of a .npy file of token ids or of a folder of "
            "them, or a one-dimensional array of token ids"
        )
    tried = places_of(data, settings.root)
    for path in tried:
        if path.exists():
            return path
    raise DataError(
        f"there is no text {str(data)!r}: {' or '.join(map(str, tried))} does not exist; correct it, or give a text "
        "of several lines to use it as it is"
    )


def text_files(path: Path, unit: str | None = None) -> list[Path]:
    """Find the files of a text.

    Args:
        path: a file, or a folder that is searched at any depth.
        unit: finds only files of such tokens; None finds those of characters and of ids.

    Returns:
        The file; of a folder the visible files (.txt, or .npy for ids), sorted.
    """
    if not path.is_dir():
        return [path]
    endings = {None: (".txt", ".npy"), "ids": (".npy",)}.get(unit, (".txt",))
    return visible((one for one in path.glob("**/*") if one.suffix.lower() in endings), path)


def read_text_parts(settings: TextSettings, *, on_disk: bool = False) -> RawText:
    """Read a text in its parts.

    Args:
        settings: the text.
        on_disk: whether what files hold stays on the disk.

    Returns:
        The text.

    Raises:
        DataError: it is missing, damaged, of another encoding, or has no token.
    """
    path, unit = path_of_text(settings), unit_of(settings)
    if path is None:
        return RawText("the text in memory", unit, {"train": _in_memory(settings, unit)})
    files = text_files(path, unit)
    if not files:
        raise DataError(
            f"{path} holds no text; it needs files whose names end in {'.npy' if unit == 'ids' else '.txt'}"
        )
    notes: list[str] = []
    by_file = parts_of_files(path, files, notes) if path.is_dir() else {path: None}
    if len(files) > 1 and len(files) > len({*by_file.values()}):
        notes.append(f"{len(files)} files are joined in the order of their names")
    found: dict[PartName, list[Array]] = {}
    for file in files:
        read = _mapped(file, unit, settings.encoding) if on_disk else _read(file, unit, settings.encoding)
        found.setdefault(by_file[file] or "train", []).append(read)
    if "train" not in found:
        raise DataError(f"{path} has no file for training; rename one of them ({usual_names()})")
    joined = {part: joined_points(pieces, on_disk=on_disk) for part, pieces in found.items()}
    return RawText(str(path), unit, joined, notes)


def joined_points(pieces: Sequence[Array], *, on_disk: bool) -> Array:
    """Join pieces of a text.

    Args:
        pieces: code points, bytes or ids, each (n,); at least one.
        on_disk: whether the whole is stored on the disk.

    Returns:
        All of them.
    """
    if not on_disk:
        return np.concatenate(pieces)
    if len(pieces) == 1:
        return pieces[0]
    kind = np.result_type(*pieces)
    return joined_on_disk(part.astype(kind) for piece in pieces for part in pieces_of(piece))


def _mapped(path: Path, unit: str, encoding: str) -> Array:
    """What `_read` reads, on the disk."""
    if unit == "ids":
        return _read_ids(path, on_disk=True)
    if not path.stat().st_size:
        return _read(path, unit, encoding)
    if unit == "bytes":
        return np.memmap(path, np.uint8, "r")
    points = joined_on_disk(_decoded(path, encoding))
    return points[1:] if len(points) and points[0] == _BYTE_ORDER_MARK else points


def _decoded(path: Path, encoding: str) -> Iterator[Array]:
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with path.open("rb") as file:
        while raw := file.read(_READ):
            try:
                yield _points(decoder.decode(raw))
            except UnicodeDecodeError as error:
                raise _undecoded(path, encoding, error, done + len(raw) - len(error.object)) from error
            done += len(raw)
    try:
        yield _points(decoder.decode(b"", final=True))
    except UnicodeDecodeError as error:
        raise _undecoded(path, encoding, error, done - len(error.object)) from error


def _undecoded(path: Path, encoding: str, error: UnicodeDecodeError, done: int) -> DataError:
    """A message; `done` bytes are before those that could not be decoded."""
    return DataError(
        f"{path} is not text in {encoding}: byte {done + error.start} is 0x{error.object[error.start]:02x} "
        f'({error.reason}); give its encoding, such as encoding = "latin-1", or read it as it is by tokens = "bytes"'
    )


def _read(path: Path, unit: str, encoding: str) -> Array:
    if unit == "ids":
        return _read_ids(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}); give a text file that you may read") from error
    if unit == "bytes":
        return np.frombuffer(raw, dtype=np.uint8)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecoded(path, encoding, error, 0) from error
    points = _points(text)
    return points[1:] if len(points) and points[0] == _BYTE_ORDER_MARK else points


def _read_ids(path: Path, *, on_disk: bool = False) -> Array:
    try:
        if on_disk:
            ids = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            with path.open("rb") as file:
                ids = np.load(file, allow_pickle=False)
    except DAMAGE as error:
        raise DataError(
            f"{path} is not a complete .npy file of plain numbers ({first_line(error)}); write it with numpy.save"
        ) from error
    if not isinstance(ids, np.ndarray):
        ids.close()
        raise DataError(f"{path} is an archive of arrays; save one array of token ids with numpy.save, as .npy")
    return _checked_ids(ids, str(path))


def _checked_ids(ids: Array, place: str) -> Array:
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise DataError(
            f"{place} is an array of {ids.dtype} of shape {ids.shape}; token ids are whole numbers in one dimension: "
            "convert it, such as by ids.reshape(-1).astype('int32')"
        )
    start = 0
    for piece in pieces_of(ids):
        negative = np.flatnonzero(piece < 0)
        if len(negative):
            first = int(negative[0])
            raise DataError(f"{place}: token {start + first} is {int(piece[first])}; an id is 0 or more: correct it")
        start += len(piece)
    return ids


def _in_memory(settings: TextSettings, unit: str) -> Array:
    data = settings.data
    if isinstance(data, np.ndarray) != (unit == "ids"):
        given = "an array of ids" if isinstance(data, np.ndarray) else "a text"
        setting = "vocabulary" if settings.tokens is None else "tokens"
        raise DataError(f"{setting} is {getattr(settings, setting)!r}, and the data are {given}; leave {setting} out")
    if isinstance(data, np.ndarray):
        return _checked_ids(data, "the array")
    text = str(data)
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8) if unit == "bytes" else _points(text)


def _points(text: str) -> Array:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _is_in_memory(data: object) -> bool:
    """Whether a text is meant itself: no path of a file has several lines."""
    return isinstance(data, str) and "\n" in data


def _is_text_file(path: Path) -> bool:
    ending = path.suffix.lower()
    if ending != ".npy":
        return ending == ".txt"
    try:
        ids = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGE:
        return False
    if not isinstance(ids, np.ndarray):
        ids.close()  # an .npz file under the name of an .npy file
        return False
    return ids.ndim == 1 and ids.dtype.kind in "iu"
