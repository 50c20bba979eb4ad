"""Training of the pictogram painter on open pictograms, and measurement of the result."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.image.pictogram import engine
from apps.engines.image.pictogram.network_config import NetworkConfig
from training.pictogram import dataset as pictogram_dataset
from training.pictogram.dataset import Pictogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = 100  # pictograms that are drawn and compared with as many training pictures
SEED = 7
_SAID = 3  # keywords of a paraphrase


@dataclass(frozen=True, slots=True)
class Wish:
    """Options of a training."""

    data: Path
    to: Path
    steps: int
    seconds: float = math.inf
    pictures: int = 0  # 0: all
    threads: int = 0  # 0: all
    shape: NetworkConfig = field(default_factory=NetworkConfig)


def train(wish: Wish, say: Callable[[str], object]) -> str:
    """Train, write weights and card into `wish.to`, and return the SHA-256 of the weights."""
    from training.pictogram import trainer

    trainer.set_thread_count(wish.threads)
    found = pictogram_dataset.read(wish.data, wish.pictures)
    embed = SentenceTransformerEmbedder()
    read = embed.embed_passages([caption for one in found for caption in one.captions])
    vectors = np.asarray(read, np.float32).reshape(len(found), pictogram_dataset.CAPTIONS, -1)
    say(f"{len(found):,} pictograms, {pictogram_dataset.CAPTIONS} captions each")
    shape = replace(wish.shape, pictures=len(found), captions=pictogram_dataset.CAPTIONS)
    lessons = trainer.TrainingPictures(np.stack([one.pixels for one in found]), vectors)
    plan = trainer.TrainingPlan(steps=wish.steps, warmup_steps=min(200, max(1, wish.steps // 5)))
    weights = trainer.train(lessons, shape, plan, wish.to, say, wish.seconds)
    sha256 = trainer.save_painter(wish.to / engine.FILE, weights, shape, [one.name for one in found])
    names, others = accuracies(wish.to, found)
    say(f"The right picture is the nearest of {NAMES} for {names:.0%} of names, {others:.0%} of paraphrases")
    (wish.to / "card.md").write_text(_card(found, sha256, names, others))
    return sha256


def accuracies(folder: Path, found: Sequence[Pictogram], seed: int = SEED) -> tuple[float, float]:
    """Return the accuracy for names, and for paraphrases, of NAMES pictograms that a seed chooses among those with
    enough keywords."""
    known = [one for one in found if len(one.others) >= _SAID]
    chosen = [known[row] for row in np.random.default_rng(seed).permutation(len(known))[:NAMES]]
    embed, chance = SentenceTransformerEmbedder(), np.random.default_rng(seed)
    names, others = [one.name for one in chosen], [paraphrase(one, chance) for one in chosen]
    return accuracy(folder, chosen, embed.embed_passages(names)), accuracy(folder, chosen, embed.embed_passages(others))


def paraphrase(one: Pictogram, chance: np.random.Generator) -> str:
    """Return a sentence with three of the pictogram's keywords that is in no caption."""
    words = [one.others[at] for at in chance.permutation(len(one.others))[:_SAID]]
    return f"draw something that shows {', '.join(words[:-1])} and {words[-1]}"


def accuracy(folder: Path, found: Sequence[Pictogram], vectors: NDArray[np.float32]) -> float:
    """Return the share of vectors (n, 384) whose drawing is nearer to its own training picture than to those of the
    others. The distance is the mean squared difference of slightly blurred pixels."""
    from training.pictogram import trainer

    loaded = engine.load_painter(folder / engine.FILE)
    drawn = np.concatenate([
        trainer.draw_batch(loaded, vectors[part], part.tolist())
        for part in np.array_split(np.arange(len(found)), max(1, len(found) // 10))
    ])  # fmt: skip
    right = np.stack([one.pixels for one in found]).astype(np.float32) / 127.5 - 1
    mine, theirs = _blurred(drawn), _blurred(right)
    distances = ((mine[:, None] - theirs[None]) ** 2).mean(axis=2)
    return float((distances.argmin(axis=1) == np.arange(len(found))).mean())


def _blurred(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return means of 4 x 4 pixels, shape (n, 3 * 16 * 16), so that a shift by a pixel hardly counts."""
    parts = pictures.reshape(len(pictures), 3, 16, 4, 16, 4).mean(axis=(3, 5))
    return np.asarray(parts.reshape(len(pictures), -1), np.float32)


def _card(found: Sequence[Pictogram], sha256: str, names: float, others: float) -> str:
    return f"""# Openbook Pictograms

Draws 64 x 64 pixels of a pictogram from words, enlarged to 512. The words recall a sketch of 16 x 16 pixels of what it
has seen, {len(found):,} pictograms, or a mixture of a few; a flow-matching transformer draws that out from noise. So it
draws what it has seen, and variations; it cannot draw scenes, people who exist, letters or words, and says so where a
prompt is far from everything it knows. What a prompt names besides (colours, numbers, places) is mostly not heeded.

- **Data**: Noto Emoji (Apache-2.0, Google), names and keywords of Unicode CLDR (Unicode-3.0).
- **Measured** with {NAMES} pictograms chosen by seed {SEED}: for {names:.0%} of their names and {others:.0%} of
  sentences with three of their keywords, what is drawn is nearer to the right training picture than to those of others.
- **SHA-256 of the weights**: `{sha256}`
"""


def main(arguments: Sequence[str]) -> None:
    """Train the painter: hours on two cores, beside other work; broken off, it goes on where it was."""
    from django.conf import settings

    from benchmarks.command import DATA

    to = Path(settings.DATA_DIR) / "models" / "pictogram"
    parser = argparse.ArgumentParser(prog="./run train pictogram", description=main.__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
    parser.add_argument("--to", type=Path, metavar="DIR", default=to, help="of weights, card and checkpoint")
    parser.add_argument("--steps", type=int, default=8000, help="of the whole training")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many, and go on next time")
    parser.add_argument("--pictures", type=int, default=0, metavar="N", help="learn only the first N; 0: all")
    parser.add_argument("--threads", type=int, default=0, help="processor cores; 0: all")
    options = parser.parse_args(arguments)
    if not (options.data / "emoji").is_dir():
        sys.exit(f"{options.data} has no folder 'emoji'. Name the data sets' folder with --data.")
    seconds = options.minutes * 60
    wish = Wish(options.data, options.to, options.steps, seconds, options.pictures, options.threads)
    print(f"SHA-256 of the weights: {train(wish, print)}")
    backend = "apps.engines.image.pictogram.engine.PictogramPainter"
    print(f"To draw with it: IMAGE_BACKEND={backend} IMAGE_MODEL={options.to}")
