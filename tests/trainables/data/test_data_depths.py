"""Images keep the values that they have, whatever their depth and mode, and are standardized on their own scale."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.data import DataSettings, check_data, described_images, load_images, load_raw
from trainables.data.images import Split, raw_images
from trainables.data.split import moments, split_data
from trainables.errors import DataError

CPU = torch.device("cpu")


def folder_of(root, images, suffix):
    """Ten files of each of two classes; what `images` holds are arrays or images."""
    for kind, image in zip("ab", images, strict=True):
        (root / kind).mkdir(parents=True)
        for index in range(10):
            made = Image.fromarray(image) if isinstance(image, np.ndarray) else image
            made.save(root / kind / f"{index}.{suffix}")
    return root


def read(path, **settings):
    return load_raw(DataSettings(str(path), **settings)).train.images


def filled(value, kind):
    return np.full((4, 3), value, dtype=kind)


DEEP = {
    "png16": ((filled(10000, np.uint16), filled(40000, np.uint16)), "png", (10000, 40000)),
    "tiff16": ((filled(300, np.uint16), filled(65535, np.uint16)), "tiff", (300, 65535)),
    "tiff16big": ((filled(300, ">u2"), filled(65535, ">u2")), "tiff", (300, 65535)),
    "tiff32": ((filled(-7, np.int32), filled(70000, np.int32)), "tiff", (-7, 70000)),
    "float": ((filled(0.1, np.float32), filled(0.9, np.float32)), "tiff", (0.1, 0.9)),
    "pgm16": ((filled(10000, np.uint16), filled(40000, np.uint16)), "pgm", (10000, 40000)),
}


@pytest.mark.parametrize("resize", [None, 3])
@pytest.mark.parametrize(("images", "suffix", "values"), DEEP.values(), ids=DEEP)
def test_deep_images_keep_their_values(tmp_path, images, suffix, values, resize):
    found = read(folder_of(tmp_path, images, suffix), resize=resize)
    assert found.dtype == torch.float32
    assert found.shape == (20, 1, 3 if resize else 4, 3)
    assert found.unique().tolist() == pytest.approx(values)
    assert "with the values that they have" in described_images(DataSettings(str(tmp_path), resize=resize))[0]


def test_deep_images_can_be_told_apart(tmp_path):
    images = DEEP["png16"][0]
    data = load_images(DataSettings(str(folder_of(tmp_path, images, "png"))), CPU)
    bright = data.normalize(data.train.images).flatten(1).mean(1) > 0
    assert torch.equal(bright, data.train.labels.bool())


def png16(colours):
    """A PNG of 16 bits, (h, w, channels), which Pillow cannot write."""
    height, width, channels = colours.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colours)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colours_of_16_bits_are_refused_by_name(tmp_path, channels):
    """Pillow would read 200 and 255 of 65,535 as 0."""
    for kind, value in (("a", 200), ("b", 255)):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "0.png").write_bytes(png16(np.full((4, 3, channels), value, np.uint16)))
    with pytest.raises(DataError, match=r"0\.png has 16 bits a colour, of which 8 would be lost"):
        check_data(DataSettings(str(tmp_path)))


def test_depths_that_differ_are_refused_by_name(tmp_path):
    folder_of(tmp_path / "x", DEEP["png16"][0], "png")
    Image.fromarray(filled(9, np.uint8)).save(tmp_path / "x" / "b" / "odd.png")
    with pytest.raises(DataError, match=r"odd\.png has 8 bits per channel, and there are 20 of 16 bits, 1 of 8 bits"):
        check_data(DataSettings(str(tmp_path / "x")))
    folder_of(tmp_path / "y" / "train", DEEP["png16"][0], "png")
    folder_of(tmp_path / "y" / "test", (filled(9, np.uint8), filled(8, np.uint8)), "png")
    with pytest.raises(DataError, match="differ in bits per channel"):
        check_data(DataSettings(str(tmp_path / "y")))


def of_mode(mode):
    grey = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(4, 3) * 20)
    colour = Image.merge("RGB", [grey, grey.point(lambda v: 255 - v), grey.point(lambda v: v // 2)])
    if mode == "LA":
        return Image.merge("LA", [grey, grey])
    if mode == "RGBA":
        return Image.merge("RGBA", [*colour.split(), grey])
    return (grey if mode in ("1", "L") else colour).convert(mode)


@pytest.mark.parametrize(
    ("mode", "suffix", "channels"),
    [("1", "png", 1), ("L", "png", 1), ("LA", "png", 1), ("P", "png", 3), ("RGB", "png", 3), ("RGBA", "png", 3),
     ("CMYK", "tiff", 3), ("RGBA", "webp", 3)],
)  # fmt: skip
def test_modes_of_8_bits(tmp_path, mode, suffix, channels):
    image = of_mode(mode)
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    for kind in "ab":
        (tmp_path / kind).mkdir()
        image.save(tmp_path / kind / f"0.{suffix}", **options)
    found = read(tmp_path)
    assert found.dtype == torch.uint8
    wanted = np.asarray(image.convert("L" if channels == 1 else "RGB")).reshape(4, 3, channels)
    assert torch.equal(found[0].permute(1, 2, 0), torch.from_numpy(wanted.copy()))


def test_alpha_is_told_and_a_picture_in_it_alone_is_refused(tmp_path):
    folder_of(tmp_path / "x", (of_mode("RGBA"), of_mode("RGBA")), "png")
    assert "the alpha channel of 20 left out" in described_images(DataSettings(str(tmp_path / "x")))[0]
    shape = Image.merge("RGBA", [Image.new("L", (3, 4)) for _ in range(3)] + [of_mode("L")])
    folder_of(tmp_path / "y", (shape, shape), "png")
    with pytest.raises(DataError, match="picture in the alpha channel alone"):
        check_data(DataSettings(str(tmp_path / "y")))


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
def test_photographs_are_turned_upright(tmp_path, suffix):
    upright = Image.fromarray(np.kron(np.array([[0, 255], [0, 255], [255, 255]], np.uint8), np.ones((8, 8), np.uint8)))
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    for kind, image, more in (("a", lying, {"exif": exif}), ("b", upright, {})):
        (tmp_path / kind).mkdir()
        for index in range(5):
            image.save(tmp_path / kind / f"{index}.{suffix}", **more)
    images = read(tmp_path)
    assert images.shape == (10, 1, 24, 16)
    assert (images[0].int() - images[9].int()).abs().max() < 30
    assert "5 turned upright, as their EXIF orientation says" in described_images(DataSettings(str(tmp_path)))[0]


def npz(folder, x, **more):
    np.savez(folder / "a.npz", x=x, y=np.arange(len(x)) % 2, **more)
    return folder / "a.npz"


TWELVE = np.arange(12).reshape(12, 1, 1) * np.ones((12, 3, 4))


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (TWELVE / 11, torch.float32),
        (TWELVE - 6.5, torch.float32),
        ((TWELVE / 11).astype(np.float16), torch.float32),
        ((TWELVE * 100).astype(np.int64), torch.float32),
        ((TWELVE - 6).astype(np.int8), torch.float32),
        ((TWELVE * 6000).astype(np.uint16), torch.float32),
        (TWELVE.astype(np.int64), torch.uint8),
        (TWELVE > 5, torch.uint8),
        (TWELVE.astype(">f8") * 1e-9, torch.float32),
    ],
)
def test_arrays_of_every_kind_keep_their_values_and_are_standardized(tmp_path, array, kind):
    path = npz(tmp_path, array)
    images = read(path)
    assert images.dtype == kind
    assert np.allclose(images[:, 0].numpy(), array.astype(np.float64), rtol=1e-3)
    data = load_images(DataSettings(str(path)), CPU)
    normal = data.normalize(data.train.images).double()
    assert abs(float(normal.mean())) < 1e-3
    assert float(normal.std(unbiased=False)) == pytest.approx(1, abs=1e-3)


def test_arrays_whose_parts_are_of_two_scales_are_refused(tmp_path):
    whole = (TWELVE * 20).astype(np.uint8)
    path = npz(tmp_path, whole, x_test=whole / 255, y_test=np.arange(12) % 2)
    with pytest.raises(DataError, match="x is uint8, x_test is float64; the parts must be of one scale"):
        check_data(DataSettings(str(path)))
    path = npz(tmp_path, whole, x_test=whole.astype(np.int32) * 9, y_test=np.arange(12) % 2)
    raw = load_raw(DataSettings(str(path)))
    assert raw.train.images.dtype == raw.test.images.dtype == torch.float32
    assert float(raw.test.images.max()) == 9 * 220


def test_values_that_float32_cannot_tell_apart_are_refused(tmp_path):
    for array in (TWELVE + 1e9, TWELVE.astype(np.int64) + 2**40, TWELVE * 1e300):
        with pytest.raises(DataError, match="float32 cannot tell apart; subtract the smallest"):
            check_data(DataSettings(str(npz(tmp_path, array))))
    with pytest.raises(DataError, match="images are numbers"):
        check_data(DataSettings(str(npz(tmp_path, TWELVE * 1j))))


def test_moments_are_on_the_scale_of_the_channel():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(64, 3, 4, 4, generator=generator, dtype=torch.float64)
    scaled = torch.stack([images[:, 0] * 1e-8, images[:, 1] + 1e6, torch.full_like(images[:, 2], 0.1)], 1)
    mean, std = moments(scaled)
    wanted = images.std((0, 2, 3), unbiased=False)
    assert float(std[0, 0]) == pytest.approx(float(wanted[0]) * 1e-8, rel=1e-5)
    assert float(std[0, 1]) == pytest.approx(float(wanted[1]), rel=1e-5)
    assert float(std[0, 2]) == 1.0
    assert float(mean[0, 2]) == pytest.approx(0.1)


def test_the_digits_are_what_they_were():
    """Mean, deviation, checksum and the parts decide whether checkpoints and results of before still hold."""
    data = load_images(DataSettings("digits"), CPU)
    assert (float(data.mean).hex(), float(data.std).hex()) == ("0x1.39ebbe0000000p+2", "0x1.81bcc00000000p+2")
    assert load_raw(DataSettings("digits")).checksum() == "4e5f6c511bbc9ef0"
    assert data.train.labels[:12].tolist() == [0, 3, 4, 5, 7, 8, 9, 1, 2, 4, 8, 9]
    assert data.train.images.dtype == torch.uint8


def test_a_channel_of_one_value_is_left_at_zero():
    images = torch.full((8, 1, 2, 2), 1 / 3)
    data = split_data(
        raw_images("flat", Split(images, torch.arange(8) % 2)), validation_share=0.2, test_share=0.2, seed=0, device=CPU
    )
    assert float(data.normalize(data.train.images).abs().max()) < 1e-6
