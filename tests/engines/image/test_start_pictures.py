"""Tests of starting pictures from odd and hostile files: each becomes plain RGB of the wanted size, or is refused in
words, at little cost."""

from __future__ import annotations

import io
import struct
import time
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from apps.engines.image.validation import encode_png, open_start_picture
from apps.engines.types import EngineRefused

SIZE = (64, 96)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def headed(width: int, height: int, *more: bytes, body: bytes = b"") -> bytes:
    """Return a PNG whose header states that size."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def located() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif.get_ifd(0x8825)[1] = "N"
    return saved(Image.new("RGB", (96, 64), "navy"), "JPEG", exif=exif, comment=b"secret", icc_profile=b"x" * 5000)


def grey() -> Image.Image:
    return Image.fromarray(np.full((96, 64), 0x8000, np.uint16))


def frames() -> list[Image.Image]:
    return [Image.new("RGB", SIZE, (shade, 0, 0)) for shade in range(99)]


TAKEN = {
    "cmyk": lambda: saved(Image.new("CMYK", SIZE, (255, 255, 0, 0)), "JPEG"),
    "16 bits": lambda: saved(grey(), "PNG"),
    "palette": lambda: saved(Image.new("RGBA", SIZE, (0, 0, 128, 90)).quantize(8), "PNG"),
    "one bit": lambda: saved(Image.new("1", SIZE, 1), "PNG"),
    "animated": lambda: saved(Image.new("RGB", SIZE), "WEBP", save_all=True, append_images=frames()),
    "place and profile": located,
    "narrow": lambda: saved(Image.new("RGB", (8, 4000), "navy"), "PNG"),
}  # fmt: skip
REFUSED = {
    "empty": lambda: b"",
    "no picture": lambda: b"<svg onload=alert(1)>",
    "one pixel": lambda: saved(Image.new("RGB", (1, 1)), "PNG"),
    "a line": lambda: saved(Image.new("RGB", (1, 65_500)), "PNG"),
    "gigapixels": lambda: headed(60_000, 60_000),
    "179 megapixels": lambda: headed(13_000, 13_000),
    "cut off": lambda: saved(Image.effect_noise(SIZE, 90).convert("RGB"), "PNG")[:2000],
    "profile bomb": lambda: headed(64, 64, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(80_000_000), 9))),
    "text bomb": lambda: headed(64, 64, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000), 9))),
    "gif": lambda: saved(Image.new("RGB", SIZE), "GIF"),
    "tiff": lambda: saved(Image.new("RGB", SIZE), "TIFF"),
    "avif": lambda: saved(Image.new("RGB", SIZE), "AVIF"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TAKEN)
def test_odd_start_picture_becomes_plain_rgb(kind: str) -> None:
    picture = open_start_picture(TAKEN[kind](), *SIZE)
    assert (picture.size, picture.mode) == (SIZE, "RGB")
    again = Image.open(io.BytesIO(encode_png(picture)))
    assert not again.info and not again.getexif(), "and nothing of what else its file held goes along"


def test_sixteen_bits_keep_their_grey() -> None:
    red, green, blue = open_start_picture(saved(grey(), "PNG"), *SIZE).getpixel((5, 5))  # type: ignore[misc]
    assert 120 < red == green == blue < 136


@pytest.mark.parametrize("quantised", [True, False])
def test_transparent_start_picture_stands_upon_white(quantised: bool) -> None:
    clear = Image.new("RGBA", SIZE, (0, 0, 128, 0))
    red, green, blue = open_start_picture(saved(clear.quantize(8) if quantised else clear, "PNG"), *SIZE).getpixel(
        (5, 5)
    )  # type: ignore[misc]
    assert red == green == blue == 255


@pytest.mark.parametrize("kind", REFUSED)
def test_unusable_start_picture_is_refused_at_little_cost(kind: str) -> None:
    content = REFUSED[kind]()
    began = time.process_time()
    with pytest.raises(EngineRefused, match="starting picture"):
        open_start_picture(content, *SIZE)
    assert time.process_time() - began < 2
    assert PngImagePlugin.MAX_TEXT_CHUNK <= 1 << 20
