"""Boxes in the form of Pascal VOC: an XML file for each image, and lists of the images of a part.

Pixels are counted from 1 there, and a box includes its last row and column.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from trainables.data.boxes.annotated import Annotated, Annotations
from trainables.data.boxes.files import images_below
from trainables.data.decode import IMAGE_SUFFIXES
from trainables.data.parts import PartName, part_of, part_of_file, visible
from trainables.errors import DataError

__all__ = ["read_voc", "voc_files"]


def voc_files(path: Path) -> list[Path]:
    """Find the XML files of images.

    Args:
        path: a folder, searched at any depth.

    Returns:
        The files, sorted; empty where there are none.
    """
    files = visible(path.glob("**/*.xml"), path) if path.is_dir() else []
    return files if files and b"<annotation" in files[0].read_bytes()[:4096] else []


def read_voc(path: Path) -> Annotations:
    """Read images with boxes in the form of Pascal VOC.

    Args:
        path: the folder, such as VOC2007 with `Annotations`, `JPEGImages` and `ImageSets/Main`.

    Returns:
        The images, by the lists of `ImageSets/Main`, or by the folder of the XML file that names a part.

    Raises:
        DataError: a file is damaged, or an image is missing.
    """
    files = voc_files(path)
    listed = _lists(path)
    known = images_below(path)
    by_stem = {file.stem: file for some in known.values() for file in some}
    found: dict[PartName, list[Annotated]] = {}
    unlisted = 0
    for file in files:
        part = listed.get(file.stem) if listed else part_of_file(file, path)
        if part is None and listed:
            unlisted += 1
            continue
        one = _read(file, by_stem, path)
        found.setdefault("train" if part is None or part == "unclear" else part, []).append(one)
    if "train" not in found:
        raise DataError(f"{path} has no image for training; list some in ImageSets/Main/train.txt")
    notes = [f"{unlisted} images are left out, which no list of ImageSets/Main names"] if unlisted else []
    return Annotations(str(path), found, notes=tuple(notes), remedy="correct it")


def _lists(path: Path) -> Mapping[str, PartName]:
    """The part of each image by its name, from the lists of parts; empty where there are none."""
    found: dict[str, PartName] = {}
    for file in visible(path.glob("**/ImageSets/Main/*.txt"), path):
        part = part_of(file.stem)
        if part is None:
            continue  # lists of one class, and trainval
        for line in file.read_text().splitlines():
            if line.strip():
                found[line.split()[0]] = part
    return found


def _read(file: Path, images: Mapping[str, Path], root: Path) -> Annotated:
    name = str(file.relative_to(root))
    try:
        tree = ElementTree.fromstring(file.read_bytes())  # noqa: S314 (expat since 2.4.1 limits entities)
    except ElementTree.ParseError as error:
        raise DataError(f"{name} is no complete XML file ({error}); fetch or write it again") from error
    stem = Path(tree.findtext("filename") or file.stem).stem
    image = images.get(file.stem) or images.get(stem)
    if image is None:
        raise DataError(f"{name}: its image {stem} does not exist below {root}, as {', '.join(IMAGE_SUFFIXES)}; add it")
    boxes, labels = [], []
    for number, one in enumerate(tree.iter("object")):
        label = one.findtext("name")
        if not label:
            raise DataError(f"{name}, box {number}: it has no name; add the class")
        boxes.append(_corners(one, f"{name}, box {number}"))
        labels.append(label.strip())
    return Annotated(name, image, boxes, labels)


def _corners(one: ElementTree.Element, place: str) -> tuple[float, ...]:
    texts = [one.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
    try:
        left, top, right, bottom = (float(text or "") for text in texts)
    except ValueError as error:
        raise DataError(f"{place}: bndbox is {texts}; it must have the numbers xmin, ymin, xmax and ymax") from error
    return left - 1, top - 1, right, bottom
