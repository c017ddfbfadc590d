"""Boxes in the form of Pascal VOC: an XML file for each image, and lists of the images of a part.

Pixels are counted from 1 there, and a box includes its last row and column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from trainables.data.boxes.annotated import Annotated, Annotations, BoxForm
from trainables.data.boxes.files import below, images_below, text_of
from trainables.data.decode import IMAGE_SUFFIXES
from trainables.data.parts import PartName, part_of, part_of_file
from trainables.errors import DataError

__all__ = ["read_voc", "voc_files"]

_ROOT = "annotation"
_START = 4096
_SHOWN = 5
_LISTS = "ImageSets/Main"


def voc_files(path: Path) -> list[Path]:
    """Find the XML files of images.

    Args:
        path: a folder, searched at any depth.

    Returns:
        All XML files, sorted; empty where none begins as those of images do.
    """
    files = [one for one in below(path, "**/*") if one.suffix.lower() == ".xml"] if path.is_dir() else []
    return files if any(_begins_right(file) for file in files) else []


def _begins_right(file: Path) -> bool:
    with file.open("rb") as content:
        return f"<{_ROOT}".encode() in content.read(_START)


def read_voc(path: Path) -> Annotations:
    """Read images with boxes in the form of Pascal VOC.

    Args:
        path: the folder, such as VOC2007 with `Annotations`, `JPEGImages` and `ImageSets/Main`, or one of several such
            folders.

    Returns:
        The images, by the lists of `ImageSets/Main`, or by the folder of the XML file that names a part. The image of
        an XML file is that of its name, or of the name in it; of several the one in the folder of the same path.

    Raises:
        DataError: a file is damaged, an image is missing or not clear, or is in the lists of two parts.
    """
    lists = _Lists.of(path)
    by_stem = _by_stem(path)
    found: dict[PartName, list[Annotated]] = {}
    unlisted, others = 0, []
    for file in voc_files(path):
        tree = _tree(file)
        if tree.tag != _ROOT:
            others.append(file.name)
            continue
        part = lists.part(file) if lists.parts else part_of_file(file, path)
        if part is None and lists.parts:
            unlisted += 1
            continue
        one = _read(tree, file, by_stem, path)
        found.setdefault("train" if part is None or part == "unclear" else part, []).append(one)
    if "train" not in found:
        raise DataError(f"{path} has no image for training; list some in {_LISTS}/train.txt")
    notes = []
    if unlisted:
        notes.append(f"{unlisted} images are left out, which no list of {_LISTS} names")
    if others:
        notes.append(f"left out, because they are no annotations of images: {', '.join(others[:_SHOWN])}")
    return Annotations(
        name=str(path), parts=found, form=BoxForm.VOC, remedy="correct bndbox", notes=(*notes, *lists.lacking())
    )


@dataclass(frozen=True)
class _Lists:
    """The lists of images of all folders with `ImageSets/Main`.

    Attributes:
        parts: the part of an image by the folder and by what the list calls it.
        asked: the images that were looked up and found.
    """

    parts: Mapping[tuple[Path, str], PartName]
    asked: set[tuple[Path, str]]

    @classmethod
    def of(cls, path: Path) -> _Lists:
        found: dict[tuple[Path, str], PartName] = {}
        for file in below(path, f"**/{_LISTS}/*.txt"):
            part = part_of(file.stem)
            if part is None:
                continue  # lists of one class, and trainval
            folder = file.parent.parent.parent
            for name in (line.split()[0] for line in text_of(file).splitlines() if line.strip()):
                if found.setdefault((folder, name), part) != part:
                    raise DataError(
                        f"{file}: {name} is in the list of {found[folder, name]} too; remove it from one of them"
                    )
        return cls(found, set())

    def part(self, file: Path) -> PartName | None:
        """The part of an XML file; None where no list names it."""
        for folder in file.parents:
            inside = file.relative_to(folder).with_suffix("").parts[1:]  # without Annotations
            for name in ("/".join(inside), file.stem):
                if (folder, name) in self.parts:
                    self.asked.add((folder, name))
                    return self.parts[folder, name]
        return None

    def lacking(self) -> list[str]:
        """A note of the images that have no XML file."""
        names = sorted({name for _, name in self.parts.keys() - self.asked})
        some = ", ".join(names[:_SHOWN])
        return [f"{len(names)} images of the lists have no XML file, and are left out: {some}"] if names else []


def _by_stem(path: Path) -> Mapping[str, Sequence[Path]]:
    found: dict[str, list[Path]] = {}
    for some in images_below(path).values():
        for image in some:
            found.setdefault(image.stem, []).append(image)
    return found


def _tree(file: Path) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(file.read_bytes())  # noqa: S314 (expat since 2.4.1 limits entities)
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        raise DataError(f"{file} is no complete XML file ({error}); fetch or write it again") from error


def _read(tree: ElementTree.Element, file: Path, images: Mapping[str, Sequence[Path]], root: Path) -> Annotated:
    name = str(file.relative_to(root))
    image = _image(tree, file, images, root)
    boxes, labels = [], []
    for number, one in enumerate(tree.iter("object")):
        label = (one.findtext("name") or "").strip()
        if not label:
            raise DataError(f"{name}, box {number}: it has no name; add the class")
        boxes.append(_corners(one, f"{name}, box {number}"))
        labels.append(label)
    return Annotated(name, image, boxes, labels)


def _image(tree: ElementTree.Element, file: Path, images: Mapping[str, Sequence[Path]], root: Path) -> Path:
    """The image of an XML file."""
    name = file.relative_to(root)
    inside = Path((tree.findtext("filename") or file.name).strip()).stem
    same = images.get(file.stem) or images.get(inside) or ()
    tests: tuple[Callable[[Path], bool], ...] = (
        lambda one: one.name == (tree.findtext("filename") or "").strip(),  # and not the mask of its name
        lambda one: one.parent == file.parent,
        lambda one: _are_beside(name.parent, one.relative_to(root).parent),
    )
    for test in tests:
        same = [one for one in same if test(one)] or same
    if not same:
        known = ", ".join(IMAGE_SUFFIXES)
        raise DataError(f"{name}: its image {inside} does not exist below {root}, as {known}; add it")
    if len(same) > 1:
        places = ", ".join(str(one.relative_to(root)) for one in same[:_SHOWN])
        raise DataError(f"{name}: its image may be {places}; give each image a name of its own")
    return same[0]


def _are_beside(one: Path, other: Path) -> bool:
    """Whether two folders differ in one name at most, as a/Annotations/b and a/JPEGImages/b do."""
    first, second = one.parts, other.parts
    ahead = 0
    while ahead < min(len(first), len(second)) and first[ahead] == second[ahead]:
        ahead += 1
    first, second = first[ahead:], second[ahead:]
    while first and second and first[-1] == second[-1]:
        first, second = first[:-1], second[:-1]
    return len(first) <= 1 and len(second) <= 1


def _corners(one: ElementTree.Element, place: str) -> tuple[float, ...]:
    texts = [one.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
    try:
        left, top, right, bottom = (float(text or "") for text in texts)
    except ValueError as error:
        raise DataError(f"{place}: bndbox is {texts}; it must have the numbers xmin, ymin, xmax and ymax") from error
    return left - 1, top - 1, right, bottom
