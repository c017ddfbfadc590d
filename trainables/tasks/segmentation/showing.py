"""What people get of predicted masks: files with the masks, and pictures of slices beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trainables.data.volumes.nifti import is_nifti, read_nifti, write_nifti
from trainables.data.volumes.unlabelled import centred, nifti_cases, nifti_files
from trainables.errors import TrainableError

__all__ = ["axis_of", "check_target", "painted", "slice_of", "triptych", "write_masks"]

Array = np.ndarray[Any, Any]
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))
"""Of Okabe and Ito, which people with any colour vision tell apart."""
_SHARE = 0.55
_LEAST = 160
"""The least height of a picture in pixels."""
_MOST = 512
"""The greatest side of a panel in pixels: reports leave out pictures of more than two million bytes."""
_GAP = 4
_FLAT = 2


def write_masks(masks: Array, x: Any, target: Path) -> list[Path]:
    """Write predicted masks.

    Args:
        masks: (n, ...), numbers of classes.
        x: what they were predicted from.
        target: an `.npz` file; or, where `x` is a NIfTI file or a folder of them, a folder, or a NIfTI file of one
            mask. Masks of NIfTI have the names, the sides and the place of their images.

    Returns:
        The files that were written.

    Raises:
        TrainableError: the target is none of these, or a mask would replace a scan.
    """
    path = Path(x) if isinstance(x, str | Path) else None
    files = nifti_files(path) if path is not None else []
    cases = nifti_cases(path, together=len(files) != len(masks)) if path is not None and files else {}
    if path is not None:
        check_target(path, target, list(cases))
    if target.suffix.lower() == ".npz":
        target.parent.mkdir(parents=True, exist_ok=True)
        names = {"names": np.array(list(cases))} if cases else {}
        np.savez_compressed(target, allow_pickle=False, y=masks, **names)
        return [target]
    if not files:
        raise TrainableError(
            f"{target} is no .npz file, and the scans are no NIfTI files; give a name that ends with .npz"
        )
    if is_nifti(target) and len(cases) > 1:
        raise TrainableError(f"{target} is one file, and there are {len(cases)} scans; give a folder, or an .npz file")
    if not is_nifti(target) and target.suffix:
        raise TrainableError(f"{target} is neither .npz, NIfTI nor a folder; give one of them")
    written: list[Path] = []
    for mask, (name, (file, *_)) in zip(masks, cases.items(), strict=True):
        out = target if is_nifti(target) else target / name
        out.parent.mkdir(parents=True, exist_ok=True)
        write_nifti(centred(mask, read_nifti(file).values.shape[1:]), file, out)
        written.append(out)
    return written


def check_target(path: Path, target: Path, names: Sequence[str] = ()) -> None:
    """Refuse a target whose writing would replace a scan.

    Args:
        path: the scans: a file, or a folder of files.
        target: the file or folder to write.
        names: of the files to write where the target is a folder.

    Raises:
        TrainableError: a file to write is one of the scans, or lies in their folder.
    """
    is_folder = not is_nifti(target) and not target.suffix
    written = [target / name for name in names] if is_folder else [target]
    scans = {one.resolve() for one in (nifti_files(path) if path.is_dir() else [path])}
    replaced = next((one for one in written if one.resolve() in scans), None)
    if replaced is not None:
        raise TrainableError(
            f"{target}: writing there would replace the scan {replaced}; give another file or folder, such as masks"
        )


def axis_of(spacing: Sequence[float] | None) -> int:
    """Choose the axis along which a volume is cut: that of the greatest spacing, so that slices are as fine as can be.

    Args:
        spacing: the distance of two voxels along each axis; None where it is not known.

    Returns:
        The number of the axis; the first of equals.
    """
    return 0 if spacing is None else int(np.argmax(np.round(spacing, 3)))


def slice_of(image: Array, mask: Array) -> tuple[int | None, Array]:
    """Choose the slice of a volume along its first axis that shows most of a mask.

    Args:
        image: (c, ...).
        mask: (...), numbers of classes; the middle slice is taken where all are 0.

    Returns:
        The number of the slice, None of an image; and the first channel of it, (h, w).
    """
    if mask.ndim == 2:
        return None, image[0]
    counts = (mask > 0).sum((1, 2))
    place = int(counts.argmax()) if counts.any() else len(counts) // 2
    return place, image[0, place]


def painted(plane: Array, mask: Array, low: float, high: float) -> Array:
    """Paint the classes of a mask over a slice.

    Args:
        plane: (h, w).
        mask: (h, w), numbers of classes.
        low: the value that is black.
        high: the value that is white.

    Returns:
        (h, w, 3), uint8.
    """
    grey = np.clip((plane.astype(float) - low) / max(high - low, 1e-9), 0, 1) * 255
    found = np.repeat(grey[..., None], 3, axis=2)
    for label in range(1, int(mask.max()) + 1):
        colour = np.array(_COLOURS[(label - 1) % len(_COLOURS)], dtype=float)
        where = mask == label
        found[where] = (1 - _SHARE) * found[where] + _SHARE * colour
    return found.astype(np.uint8)


def _at_most(panel: Array) -> Array:
    """A panel without sides that are too long for a page."""
    share = _MOST / max(panel.shape[:2])
    if share >= 1:
        return panel
    height, width = (max(1, round(side * share)) for side in panel.shape[:2])
    return np.asarray(Image.fromarray(panel).resize((width, height), Image.Resampling.BOX))


def triptych(image: Array, masks: Sequence[Array], axis: int = 0) -> Image.Image:
    """Draw a slice beside the same slice with each of some masks.

    Args:
        image: (c, ...), a scan.
        masks: (...) each, with the sides of the scan; the first one chooses the slice.
        axis: the axis along which a volume is cut.

    Returns:
        The picture.
    """
    if masks[0].ndim > _FLAT:
        image, masks = np.moveaxis(image, axis + 1, 1), [np.moveaxis(mask, axis, 0) for mask in masks]
    place, plane = slice_of(image, masks[0])
    low, high = float(plane.min()), float(plane.max())
    planes = [mask if place is None else mask[place] for mask in masks]
    panels = [painted(plane, mask, low, high) for mask in (np.zeros_like(planes[0]), *planes)]
    factor = max(1, -(-_LEAST // plane.shape[0]))
    panels = [_at_most(one.repeat(factor, 0).repeat(factor, 1)) for one in panels]
    gap = np.full((panels[0].shape[0], _GAP, 3), 255, dtype=np.uint8)
    row: list[Array] = []
    for panel in panels:
        row += [panel, gap]
    return Image.fromarray(np.concatenate(row[:-1], 1))
