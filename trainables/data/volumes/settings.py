"""The settings of scans with masks: which, how they are cut and scaled, and how they are split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trainables.data.split_settings import SplitSettings
from trainables.errors import TrainableError
from trainables.settings import check_name, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["INTENSITIES", "VolumeSettings"]

INTENSITIES = ("data", "volume")


@dataclass(frozen=True, kw_only=True)
class VolumeSettings(SplitSettings):
    """Which scans, how they are cut and scaled, and how they are split.

    `validation_groups` is the name of an array of the `.npz` file with the group of each scan, such as its patient; an
    array `groups` is used where it is there.
    """

    data: Any = "blobs3d"
    """The path of an `.npz` file with scans `x` (n, c, d, h, w) or (n, c, h, w) and masks `y` (n, d, h, w) or
    (n, h, w); or of a folder with `imagesTr` and `labelsTr` of NIfTI files, which needs `nas-tune[medical]`. Below
    `data_root` or not. "blobs3d" and "blobs2d" are small ones that a seed draws.
    """
    root: str | None = field(default=None, metadata=flat_name("data_root"))
    """The folder of relative paths. The default is the environment variable NAS_TUNE_DATA."""
    classes: Sequence[str] | None = None
    """The names of the classes in the order of the numbers in the masks, the background first. None takes those of the
    data, else numbers.
    """
    patch: int | Sequence[int] | None = None
    """The sides of the windows that a network learns from: larger scans are cut into windows that overlap by half, and
    evaluated in such windows. None takes whole scans.
    """
    intensity: str = "data"
    """"data" standardizes all scans by the mean and deviation of the training scans, as suits units that mean the same
    in each (CT); "volume" each by its own (MRI of several scanners), which goes with whole scans and not with `patch`.
    """

    def __post_init__(self) -> None:
        if not isinstance(self.data, str) and not hasattr(self.data, "__fspath__"):
            raise TrainableError(f"data is a {type(self.data).__name__}; give the path of a file or folder, or a name")
        check_text("data_root", self.root, optional=True)
        check_name("intensity", self.intensity, INTENSITIES)
        self.check_split()
        object.__setattr__(self, "patch", _checked_patch(self.patch))
        object.__setattr__(self, "classes", _checked_classes(self.classes))
        if self.patch is not None and self.intensity == "volume":
            raise TrainableError(
                f"patch is {self.patch!r} and intensity 'volume': a window would be standardized by its own values and "
                "not by those of its scan; leave one of them out, or standardize each scan before and leave intensity "
                "out"
            )


def _checked_patch(patch: object) -> int | tuple[int, ...] | None:
    if patch is None or isinstance(patch, int):
        if patch is not None:
            check_number("patch", patch, 4, whole=True)
        return patch
    if not isinstance(patch, list | tuple) or len(patch) not in (2, 3):
        raise TrainableError(f"patch is {patch!r}; give one side for all, or two of images and three of volumes")
    for side in patch:
        check_number("patch", side, 4, whole=True)
    return tuple(patch)


def _checked_classes(classes: object) -> tuple[str, ...] | None:
    if classes is None:
        return None
    names = classes if isinstance(classes, list | tuple) else ()
    if len(names) < 2 or not all(isinstance(name, str) and name for name in names) or len({*names}) < len(names):
        raise TrainableError(
            f"classes is {classes!r}; give a list of different names, the background first, such as "
            "['background', 'tumour']"
        )
    return tuple(names)
