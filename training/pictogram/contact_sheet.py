"""Contact sheet of drawings of names and paraphrases that a seed chooses, none left out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.image.pictogram import engine
from training.pictogram.dataset import Pictogram, read_pictograms
from training.pictogram.train import make_paraphrase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

_COLUMNS, _ROWS = 8, 8
_TILE, _WORDS = 128, 34  # pixels: side of a picture, and height of the two lines below
_LINE = 22  # letters per line


def draw_sheet(folder: Path, pictograms: Sequence[Pictogram], seed: int) -> Image:
    """Return a sheet with names in the upper half and sentences of three keywords in the lower half, each drawn with
    its position as seed."""
    from PIL import Image, ImageDraw, ImageFont

    from training.pictogram.trainer import draw_batch

    prompts = choose_prompts(pictograms, seed)
    vectors = SentenceTransformerEmbedder().embed_passages(prompts)
    drawn = draw_batch(engine.load_painter(folder / engine.FILE), vectors, list(range(len(prompts))))
    sheet = Image.new("RGB", (_COLUMNS * _TILE, _ROWS * (_TILE + _WORDS)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for at, (prompt, pixels) in enumerate(zip(prompts, drawn, strict=True)):
        x, y = at % _COLUMNS * _TILE, at // _COLUMNS * (_TILE + _WORDS)
        values = ((np.clip(pixels, -1, 1) + 1) * 127.5).round().astype(np.uint8)
        picture = engine.enlarge_picture(Image.fromarray(values.transpose(1, 2, 0)))
        sheet.paste(picture.resize((_TILE, _TILE), Image.Resampling.LANCZOS), (x, y))
        for line, words in enumerate(_wrap_prompt(prompt)):
            pen.text((x + 3, y + _TILE + 13 * line), words, "black", font)
    return sheet


def choose_prompts(pictograms: Sequence[Pictogram], seed: int) -> list[str]:
    """Return 32 names and 32 paraphrases of others."""
    rng = np.random.default_rng(seed)
    candidates = [one for one in pictograms if len(one.other_keywords) >= 3]
    rows = [candidates[row] for row in rng.permutation(len(candidates))[: _COLUMNS * _ROWS]]
    half = len(rows) // 2
    return [one.name for one in rows[:half]] + [make_paraphrase(one, rng) for one in rows[half:]]


def _wrap_prompt(prompt: str) -> list[str]:
    words = prompt.removeprefix("draw something that shows ")
    cut = words.rfind(" ", 0, _LINE) if len(words) > _LINE else len(words)
    cut = cut if cut > 0 else _LINE
    return [words[:cut], words[cut:].strip()[:_LINE]]


def main(arguments: Sequence[str]) -> None:
    """Draw 64 prompts, chosen by a seed and unpicked, on one sheet."""
    from apps.engines.types import EngineError
    from benchmarks.command import DATA

    parser = argparse.ArgumentParser(prog="./run train contact_sheet", description=main.__doc__)
    parser.add_argument("file", type=Path, help="where it goes; its ending says the format: .webp, .png")
    parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
    parser.add_argument("--model", type=Path, metavar="DIR", default=engine.FOLDER, help="folder of the painter")
    parser.add_argument("--seed", type=int, default=64, help="chooses the prompts")
    options = parser.parse_args(arguments)
    if not (options.data / "emoji").is_dir():
        sys.exit(f"{options.data} has no folder 'emoji'. Name the data sets' folder with --data.")
    try:
        sheet = draw_sheet(options.model, read_pictograms(options.data), options.seed)
    except EngineError as error:
        sys.exit(str(error))
    sheet.save(options.file, quality=82)
    print(f"{options.file}: {sheet.width} x {sheet.height} pixels")
