"""Data set of the pictograms that the painter is trained on, with their names and keywords."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.image.pictogram.network_config import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

CAPTIONS = 6
_EXCLUDED = ("skin tone", "flag:", "keycap:")  # variants of others, and signs that are letters rather than pictures


@dataclass(frozen=True, slots=True)
class Pictogram:
    """Training pictogram with its name."""

    name: str
    keywords: tuple[str, ...]  # keywords
    pixels: NDArray[np.uint8]  # (3, SIDE, SIDE), on white

    @property
    def other_keywords(self) -> list[str]:
        """Keywords other than the name."""
        return [word for word in self.keywords if word != self.name]

    @property
    def captions(self) -> list[str]:
        """Six captions, the name first."""
        name, keywords = self.name, self.other_keywords
        pairs = [f"{name}, {word}" for word in keywords[:2]]
        listed = [", ".join(part) for part in (keywords[:4], keywords[4:8]) if part]
        found = [name, f"a picture of {name}", *pairs, *listed]
        return [*found, *[name] * (CAPTIONS - len(found))]


def read_pictograms(data: Path, limit: int = 0) -> list[Pictogram]:
    """Return the first `limit` pictograms (0: all) in the folder `emoji` of `data`, in the order of the file of
    names."""
    folder = data / "emoji"
    rows = [json.loads(line) for line in (folder / "noto_captions_en.jsonl").open(encoding="utf-8")]
    rows = [row for row in rows if not any(part in row["name"] for part in _EXCLUDED)]
    with zipfile.ZipFile(folder / "noto_png72.zip") as archive:
        files = {Path(name).name: name for name in archive.namelist()}
        rows = [row for row in rows if row["file"] in files][: limit or None]
        return [
            Pictogram(row["name"], tuple(row["keywords"]), _read_pixels(archive.read(files[row["file"]])))
            for row in rows
        ]


def _read_pixels(png: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as file:
        picture = file.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        ground.alpha_composite(picture)
        side = max(picture.size)
        square = Image.new("RGB", (side, side), "white")
        square.paste(ground.convert("RGB"), ((side - picture.width) // 2, (side - picture.height) // 2))
        small = square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))
