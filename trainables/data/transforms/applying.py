"""Transforms on a batch: each image draws its own random numbers, all of which follow from one generator.

Transforms of torchvision draw from torch's global generators. For each batch these are seeded by a number of the given
generator, and are afterwards as they were. So a training that goes on from a checkpoint sees the same images. What
draws elsewhere, as from `numpy.random`, is not repeated.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.data.transforms.building import Transform
from trainables.errors import TrainableError

__all__ = ["check_transforms", "transformed"]

_SEEDS = 2**62


def transformed(images: Tensor, transform: Transform, generator: torch.Generator) -> Tensor:
    """Change each image of a batch.

    Args:
        images: (n, c, h, w), on any device; they stay unchanged unless the transform changes its input.
        transform: gets one image (c, h, w).
        generator: decides all random numbers; on the device of the images.

    Returns:
        A new tensor of the same shape and type.

    Raises:
        TrainableError: the transform returns something else.
    """
    device = images.device
    seed = int(torch.randint(_SEEDS, (), generator=generator, device=device))
    on_cuda = device.type == "cuda"
    with torch.random.fork_rng([device] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        changed = [_checked(transform(image), image) for image in images]
    return torch.stack(changed)


def check_transforms(images: Tensor, transform: Transform) -> None:
    """Try transforms on a few images before the first trial.

    Args:
        images: (n, c, h, w), as they are before normalisation.
        transform: gets one image.

    Raises:
        TrainableError: the transform raises, or returns something else than such an image.
    """
    try:
        transformed(images, transform, torch.Generator(images.device).manual_seed(0))
    except TrainableError:
        raise
    except (TypeError, ValueError, RuntimeError, AttributeError, NotImplementedError) as error:
        shape = " x ".join(map(str, images.shape[1:]))
        kind = str(images.dtype).removeprefix("torch.")
        raise TrainableError(
            f"transforms fail on an image of {shape} {kind} values before normalisation: {error}; leave out what needs "
            "other images"
        ) from error


def _checked(changed: object, image: Tensor) -> Tensor:
    if not isinstance(changed, Tensor):
        raise TrainableError(f"transforms return a {type(changed).__name__}; an image is a tensor (c, h, w)")
    if changed.dtype != image.dtype:
        before, after = (str(one.dtype).removeprefix("torch.") for one in (image, changed))
        raise TrainableError(
            f"transforms turn {before} into {after} values; keep the type: images are normalized afterwards, so leave "
            "ToDtype and Normalize out, or end with ToDtype back to it"
        )
    if changed.shape != image.shape:
        before, after = (" x ".join(map(str, one.shape)) for one in (image, changed))
        raise TrainableError(
            f"transforms turn images of {before} into {after}; networks are built for the former: end with "
            f"RandomCrop or Resize of size {list(image.shape[1:])}, and keep the channels"
        )
    return changed
