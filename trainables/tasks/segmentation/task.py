"""The task `segmentation`: a class for each pixel of an image or voxel of a volume."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainables.data.chosen import as_tensor
from trainables.data.volumes import (
    PatchPart,
    VolumeData,
    VolumeSettings,
    class_names,
    described_volumes,
    load_volumes,
    volumes_checksum,
)
from trainables.data.volumes.guessing import sides_of_masks
from trainables.data.volumes.nifti import read_nifti
from trainables.data.volumes.scans import standardized
from trainables.data.volumes.unlabelled import Placement, nifti_files, placed, read_volumes
from trainables.data.volumes.views import ScanViews
from trainables.errors import DataError, TrainableError
from trainables.metrics import Metric
from trainables.networks import NETWORKS, space_name
from trainables.networks.examples import scans
from trainables.settings import check_number
from trainables.settings.groups import flat_settings, group
from trainables.tasks.segmentation.losses import segmentation_loss, soft_dice
from trainables.tasks.segmentation.meter import DICE, SegmentationMeter, metrics_of_classes
from trainables.tasks.segmentation.showing import axis_of, check_target, triptych, write_masks
from trainables.tasks.segmentation.windows import in_windows
from trainables.tasks.task import Meter, Task
from trainables.training.batches import Batch

__all__ = ["ScansOf", "Segmentation"]

_VOXELS = 2**18
"""The most positions that are evaluated together."""
_FLAT = 2
_IMAGES_A_STEP, _VOLUMES_A_STEP = 4, 2
_FOREGROUND = 2 / 3
"""The least share of the windows of an epoch that hold a class other than the background."""


@dataclass(frozen=True)
class ScansOf:
    """What an exported network has of its data.

    Attributes:
        classes: the names of the classes in order, the background first.
        window: the sides of the inputs of exported files; larger scans are predicted in windows.
        normalizes: whether raw scans are still to be standardized, each by its own values.
        orientation: where the axes of the scans of the training point; empty where it is not known.
        spacing: the distance of two voxels along each axis in mm; None where it is not known.
    """

    classes: tuple[str, ...]
    window: tuple[int, ...]
    normalizes: bool
    orientation: str = ""
    spacing: tuple[float, ...] | None = None

    def normalize(self, inputs: Tensor) -> Tensor:
        """Standardize scans, each by its own values.

        Args:
            inputs: (n, c, ...), as they are in the data.

        Returns:
            The same as float32 numbers.
        """
        return standardized(inputs, None, None)


def unit_of(data: VolumeData) -> str:
    """Name the unit of the distances between surfaces.

    Args:
        data: the scans.

    Returns:
        "mm" where the spacing is known, else "voxels", of images "pixels".
    """
    if data.spacing is not None:
        return "mm"
    return "voxels" if data.dimensions == 3 else "pixels"


@dataclass(frozen=True, kw_only=True)
class Segmentation(Task):
    """A class for each pixel of an image or voxel of a volume; class 0 is the background.

    The primary metric is `dice`, the mean over the cases and then over the classes other than the background.
    """

    name: ClassVar[str] = "segmentation"
    primary: ClassVar[str] = DICE
    has_large_outputs: ClassVar[bool] = True
    supernet_defaults: ClassVar[Mapping[str, object]] = MappingProxyType({"validation_share": 0.5})
    fixed_settings: ClassVar[Collection[str]] = frozenset(flat_settings(VolumeSettings))
    refuses: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "target": "the masks are the array y of an .npz file, or the files of labelsTr; leave target out",
            "resize": "scans are not scaled, since masks would change; resample them before, or give patch",
        }
    )

    data: VolumeSettings = field(default_factory=VolumeSettings, metadata=group(VolumeSettings))
    """Which scans, how they are cut and scaled, and how they are split."""
    views: ScanViews = field(default_factory=ScanViews, metadata=group(ScanViews))
    """How scans are changed at random while the network trains."""
    dice_weight: float = 1.0
    """The weight of the soft Dice in the loss, beside the cross-entropy."""

    def __post_init__(self) -> None:
        check_number("dice_weight", self.dice_weight, 0)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Dice, loss, Dice of each class, volume error; and hd95, which only an evaluation measures.

        Those of classes are left out where neither the settings name the classes nor the data are there.
        """
        try:
            return metrics_of_classes(class_names(self.data), self._unit)
        except DataError:
            return metrics_of_classes((), "")

    @property
    def _unit(self) -> str:
        """The unit of distances: mm where the spacing is known. Empty where the scans are not there."""
        try:
            data = load_volumes(self.data, torch.device("cpu"))
        except DataError:
            return ""
        return unit_of(data)

    def load(self, device: torch.device) -> VolumeData:
        """Load the scans; later calls with equal settings take them from memory."""
        return load_volumes(self.data, device)

    def augment(
        self, inputs: Tensor, targets: Tensor, data: VolumeData, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Change brightness, contrast and gamma of each scan, and mirror it where that is asked for."""
        return self.views(inputs, targets, generator)

    def order(self, data: VolumeData, generator: torch.Generator) -> Tensor:
        """Draw each scan once; of windows all that hold a class, and at most half as many others."""
        if not isinstance(data.train, PatchPart):
            return super().order(data, generator)
        holds = data.train.holds_foreground.to(data.device)
        if not holds.any():
            return super().order(data, generator)  # a split or fold without any class: all windows are alike
        order = torch.randperm(len(holds), generator=generator, device=data.device)
        full, empty = order[holds[order]], order[~holds[order]]
        kept = torch.cat((full, empty[: round(len(full) * (1 - _FOREGROUND) / _FOREGROUND)]))
        return kept[torch.randperm(len(kept), generator=generator, device=data.device)]

    def loss(self, outputs: Tensor, targets: Tensor, data: VolumeData) -> Tensor:
        """Compute the mean cross-entropy in nats, and one less the mean soft Dice over the batch."""
        return segmentation_loss(outputs, targets, self.dice_weight)

    def for_loss(self, outputs: Tensor, targets: Tensor, data: VolumeData) -> tuple[Tensor, Tensor]:
        """Leave logits as they are; targets are whole numbers."""
        return outputs.float(), targets.long()

    def for_metrics(self, outputs: Tensor, targets: Tensor, data: VolumeData) -> tuple[Tensor, Tensor]:
        """Leave logits as they are; targets are whole numbers."""
        return outputs.float(), targets.long()

    def heads(self, outputs: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        """Separate the outputs from those of coarser levels, which follow them in a tuple."""
        main, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
        return main, auxiliary

    def reward(self, outputs: Tensor, targets: Tensor, data: VolumeData) -> Tensor:
        """Compute the mean Dice of the predicted classes over the batch."""
        count = outputs.shape[1]
        found = functional.one_hot(outputs.argmax(1), count).movedim(-1, 1).float()
        return soft_dice(found, targets.long()).mean()

    def distillation(self, outputs: Tensor, teacher: Tensor, data: VolumeData) -> Tensor:
        """Compute the mean cross-entropy against the probabilities of the teacher."""
        return functional.cross_entropy(outputs.float(), torch.softmax(teacher.float(), 1))

    def meter(self, data: VolumeData, names: Sequence[str]) -> Meter:
        """Measure Dice, loss, Dice of each class, volume error, and hd95 where it is asked for."""
        spacing = data.spacing or (1.0,) * data.dimensions
        metrics = metrics_of_classes(data.classes, unit_of(data))
        return SegmentationMeter(data.classes, metrics, names, spacing, data.device)

    def most_at_once(self, data: VolumeData | ScansOf) -> int:
        """Limit the scans of a batch by their positions."""
        sides = data.window if isinstance(data, ScansOf) else data.sides
        return max(1, _VOXELS // int(np.prod(sides)))

    def applied(self, run: Any, inputs: Tensor, data: VolumeData | ScansOf) -> Tensor:
        """Run the network on scans, in windows where `patch` is given or an exported file takes another size."""
        if data.window is None:
            outputs: Tensor = run(inputs)
            return outputs
        return in_windows(run, inputs, data.window)

    def decode(self, outputs: Tensor, data: VolumeData | ScansOf) -> Tensor:
        """Take the most likely class of each position, (n, ...), uint8."""
        return outputs.argmax(1).to(torch.uint8)

    def probabilities(self, outputs: Tensor, data: VolumeData | ScansOf) -> None:
        """Return nothing: probabilities are of positions, not of scans."""
        return

    def recipe(self) -> dict[str, object]:
        """Train by AdamW, with few scans a step, 4 images or 2 volumes: each has thousands of positions.

        Of volumes 2 a step learned more in the same CPU seconds than 4 (hippocampus); nnU-Net takes 2 as well.
        """
        batch = _VOLUMES_A_STEP if sides_of_masks(self.data.data, self.data.root) == 3 else _IMAGES_A_STEP
        return {"optimizer": "adamw", "lr": 1e-2, "weight_decay": 0.01, "batch_size": batch, "warmup": 0.1}

    def fitting(self, space: str) -> str:
        """Take the U-Nets of images where the masks have two sides."""
        is_flat = sides_of_masks(self.data.data, self.data.root) == _FLAT
        return "unet2d" if space == "unet3d" and is_flat else space

    def full_recipe(self) -> dict[str, object]:
        """Train the winner on the validation scans too."""
        return {"whole": True}

    def exported(self, data: VolumeData) -> dict[str, Any]:
        """Return how raw scans are standardized, their sides, type and range, and what outputs are."""
        train = data.train.whole if isinstance(data.train, PatchPart) else data.train
        images = as_tensor(train.images)
        found: dict[str, Any] = {
            "raw_dtype": str(images.dtype).removeprefix("torch."),
            "raw_range": (float(images.min()), float(images.max())),
            "pipeline": "image-segmentation",
            "meanings": {"output": "one number for each class and position, before softmax"},
            "reading": {
                "window": list(data.example().shape[2:]),
                "orientation": data.orientation,
                "spacing": None if data.spacing is None else list(data.spacing),
            },
        }
        if data.mean is not None and data.std is not None:
            found |= {"mean": tuple(data.mean.flatten().tolist()), "std": tuple(data.std.flatten().tolist())}
        return found

    def restored(self, reading: Mapping[str, Any], classes: Sequence[str], *, finished: bool) -> ScansOf:
        """Make what `read` and `decode` need; larger scans than those of the export are predicted in windows."""
        spacing = reading.get("spacing")
        return ScansOf(
            tuple(classes),
            tuple(reading["window"]),
            normalizes=not finished,
            orientation=str(reading.get("orientation") or ""),
            spacing=None if spacing is None else tuple(spacing),
        )

    def read(self, x: Any, like: Tensor, data: VolumeData | ScansOf) -> tuple[Tensor, Sequence[str]]:
        """Read scans of any size: arrays, `.npy` and `.npz` files, NIfTI files and folders of them."""
        return read_volumes(x, like.shape[1], like.dim() - 2, like.dtype, Placement(data.orientation, data.spacing))

    def placed(self, values: Any, x: Any, data: VolumeData | ScansOf) -> Any:
        """Turn masks to the axes of the NIfTI files from which they are predicted."""
        return placed(np.asarray(values), x, Placement(data.orientation, data.spacing))

    def write(self, values: Any, x: Any, target: Path) -> list[Path]:
        """Write masks: an `.npz` file, or a NIfTI file for each scan of NIfTI."""
        return write_masks(np.asarray(values), x, target)

    def draw(self, values: Any, x: Any, target: Path, classes: Sequence[str]) -> list[Path]:
        """Draw the slice of each scan that shows most of its mask, without and with it."""
        files = nifti_files(Path(x)) if isinstance(x, str | Path) else []
        if isinstance(x, str | Path):
            check_target(Path(x), target)
        count = len(np.asarray(values))
        raw, _ = read_volumes(
            x, None, np.asarray(values).ndim - 1, torch.float32, together=bool(files) and len(files) != count
        )
        axis = axis_of(read_nifti(files[0]).spacing) if files else 0
        written: list[Path] = []
        for number, (image, mask) in enumerate(zip(raw.numpy(), np.asarray(values), strict=True)):
            out = target if len(raw) == 1 else target.with_stem(f"{target.stem}_{number}")
            triptych(image, [mask], axis).save(out)
            written.append(out)
        return written

    def pictures(self, inputs: Tensor, targets: Tensor, outputs: Tensor, data: VolumeData) -> dict[str, bytes]:
        """Draw for each scan the slice with most of its mask: the image, the truth and the prediction."""
        found: dict[str, bytes] = {}
        predicted = self.decode(outputs, data).cpu().numpy()
        for number, (image, mask, own) in enumerate(
            zip(inputs.cpu().numpy(), targets.cpu().numpy(), predicted, strict=True)
        ):
            memory = io.BytesIO()
            triptych(image, [mask, own], axis_of(data.spacing)).save(memory, "PNG")
            found[f"scan {number}: image, truth, prediction"] = memory.getvalue()
        return found

    def check_space(self, space: object) -> None:
        """Check that the networks of a space give each position a class."""
        name = space_name(space)
        if name in NETWORKS.built_in() and NETWORKS.get(name).example is not scans:
            known = ", ".join(one for one in NETWORKS.built_in() if NETWORKS.get(one).example is scans)
            raise TrainableError(
                f"the networks of {name} give no class to each position; give one of the spaces that do: {known}"
            )

    def about(self) -> list[str]:
        """Describe the parts, the sides, the classes, and what was noticed."""
        unit = self._unit
        why = "" if unit == "mm" else ", since the spacing is not known"
        return [*described_volumes(self.data), f"distances of surfaces (hd95) are in {unit}{why}"]

    def checksum(self) -> str:
        """Compute a checksum of the files, whatever the split."""
        return volumes_checksum(self.data)

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name."""
        values: dict[str, object] = {"dice_weight": self.dice_weight}
        for title, held in (("data", self.data), ("views", self.views)):
            for one in dataclasses.fields(held):
                value = getattr(held, one.name)
                if one.name in ("folds", "fold") and value is None:
                    continue
                values[f"{title}.{one.name}"] = value if isinstance(value, int | float | None) else str(value)
        return values
