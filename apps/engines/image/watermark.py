"""Invisible watermark: 32 bits and a checksum in the middle frequencies of a picture's luminance.

The picture is read at 256 x 256 pixels, so the mark survives resizing and JPEG, but not cropping. Each bit has some 60
cosine coefficients with pseudo-random signs. The picture's own share of those coefficients is compensated on embedding,
so the bits can be read without the original.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

BITS = 32
_CHECK = 16
_SIDE = 256  # pixels of a side of the square that is read
_BAND = (10, 66)  # of its frequencies; lower ones are visible, higher ones do not survive JPEG
_STRENGTH = 6.0  # mean of a bit's coefficients, in grey levels of an orthonormal transform
_ROUNDS = 6  # clipping weakens the mark, which is restored in further rounds
_FULL_SIZE_ROUNDS, _LACKING = 6, 0.5  # further rounds in the picture's own size, while a bit lacks more than 0.5

Floats = Any  # np.ndarray of float32


def embed_watermark(picture: Image, marks: Sequence[int]) -> tuple[Image, int] | None:
    """Return the picture with the one of `marks` (0 to 2**32 - 1) that changes it least, and that mark. Return None if
    the mark could not be read again. More marks to choose from change the picture less."""
    from PIL import Image as Pillow

    plain = picture.convert("RGB")
    small = np.asarray(plain.resize((_SIDE, _SIDE), Pillow.Resampling.BICUBIC), np.float32)
    mark, signs = _choose_mark(_means(_grey(small)), marks)
    shift = np.zeros((_SIDE, _SIDE), np.float32)
    for _ in range(_ROUNDS):
        shift += _pattern(_lacking(signs, _means(_grey(np.clip(small + shift[..., None], 0, 255)))))
    for _ in range(_FULL_SIZE_ROUNDS + 1):
        marked = _add_shift(plain, shift)
        means = _means(_square(marked))
        lacking = _lacking(signs, means)
        if np.abs(lacking).max() < _LACKING:
            break
        shift += _pattern(lacking)
    return (marked, mark) if _decode(means) == mark else None


def _add_shift(plain: Image, shift: Floats) -> Image:
    """Return the picture in its own size with `shift`, at 256 x 256, added to its brightness."""
    from PIL import Image as Pillow
    from PIL import ImageChops

    enlarged = np.rint(np.asarray(Pillow.fromarray(shift).resize(plain.size, Pillow.Resampling.BICUBIC)))
    lighter, darker = (
        Pillow.merge("RGB", [Pillow.fromarray(np.clip(part, 0, 255).astype(np.uint8))] * 3)
        for part in (enlarged, -enlarged)
    )
    return ImageChops.subtract(ImageChops.add(plain, lighter), darker)


def _lacking(signs: Floats, means: Floats) -> Floats:
    """Return what each bit's mean lacks of the wanted strength, 0 for bits that are strong enough."""
    return signs * np.maximum(_STRENGTH - signs * means, 0)


def _choose_mark(means: Floats, marks: Sequence[int]) -> tuple[int, Floats]:
    checked = b"".join((mark << _CHECK | _check(mark)).to_bytes((BITS + _CHECK) // 8, "big") for mark in marks)
    bits = np.unpackbits(np.frombuffer(checked, np.uint8)).reshape(len(marks), BITS + _CHECK)
    signs = bits.astype(np.float32) * 2 - 1
    lacking = np.maximum(_STRENGTH - signs * means, 0)
    best = int(np.argmin((lacking**2).sum(axis=1)))
    return marks[best], signs[best]


def read_watermark(picture: Image) -> int | None:
    """Return the mark, or None if there is none. One in 65,536 pictures without a mark gives a false one."""
    return _decode(_means(_square(picture)))


def _decode(means: Floats) -> int | None:
    value = int("".join("1" if bit else "0" for bit in means > 0), 2)
    mark, check = value >> _CHECK, value & ((1 << _CHECK) - 1)
    return mark if check == _check(mark) else None


def _check(mark: int) -> int:
    return zlib.crc32(b"openbook" + mark.to_bytes(4, "big")) & ((1 << _CHECK) - 1)


def _grey(colours: Floats) -> Floats:
    """Return the luminance (ITU-R 601, as in Pillow)."""
    return 0.299 * colours[..., 0] + 0.587 * colours[..., 1] + 0.114 * colours[..., 2]


def _square(picture: Image) -> Floats:
    """Return the grey levels of the 256 x 256 square."""
    from PIL import Image as Pillow

    return np.asarray(picture.convert("L").resize((_SIDE, _SIDE), Pillow.Resampling.BICUBIC), np.float32)


def _means(grey: Floats) -> Floats:
    """Return the mean of each bit's coefficients, shape (bits,)."""
    from scipy.fft import dctn  # on one core: matrix products would wait for other users of all cores

    rows, columns, signs = _coefficients()
    return np.asarray((dctn(grey, norm="ortho")[rows, columns] * signs).mean(axis=1), np.float32)


def _pattern(means: Floats) -> Floats:
    """Return the change of the square that adds `means` to the bits."""
    from scipy.fft import idctn

    rows, columns, signs = _coefficients()
    spectrum = np.zeros((_SIDE, _SIDE), np.float32)
    spectrum[rows, columns] = means[:, None] * signs
    return np.asarray(idctn(spectrum, norm="ortho"), np.float32)


@lru_cache(1)
def _coefficients() -> tuple[Floats, Floats, Floats]:
    """Return rows, columns and signs of each bit's coefficients, each of shape (bits, coefficients)."""
    y, x = np.mgrid[:_SIDE, :_SIDE]
    inside = (np.hypot(y, x) >= _BAND[0]) & (np.hypot(y, x) < _BAND[1])
    rows, columns = np.nonzero(inside)
    seed = int.from_bytes(hashlib.sha256(b"openbook picture mark 1").digest()[:8], "big")
    generator = np.random.Generator(np.random.PCG64(seed))
    bits = BITS + _CHECK
    order = generator.permutation(len(rows))[: len(rows) // bits * bits].reshape(bits, -1)
    return rows[order], columns[order], generator.choice(np.array([-1.0, 1.0], np.float32), order.shape)
