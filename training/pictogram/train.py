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
_PARAPHRASE_KEYWORDS = 3  # keywords of a paraphrase


@dataclass(frozen=True, slots=True)
class PainterTraining:
    """Options of a training."""

    data: Path
    folder: Path
    steps: int
    seconds: float = math.inf
    pictures: int = 0  # 0: all
    threads: int = 0  # 0: all
    shape: NetworkConfig = field(default_factory=NetworkConfig)


def train(task: PainterTraining, log: Callable[[str], object]) -> str:
    """Train, write weights and card into `task.folder`, and return the SHA-256 of the weights."""
    from training.pictogram import trainer

    trainer.set_thread_count(task.threads)
    pictograms = pictogram_dataset.read_pictograms(task.data, task.pictures)
    embed = SentenceTransformerEmbedder()
    embedded = embed.embed_passages([caption for one in pictograms for caption in one.captions])
    vectors = np.asarray(embedded, np.float32).reshape(len(pictograms), pictogram_dataset.CAPTIONS, -1)
    log(f"{len(pictograms):,} pictograms, {pictogram_dataset.CAPTIONS} captions each")
    shape = replace(task.shape, pictures=len(pictograms), captions=pictogram_dataset.CAPTIONS)
    training_pictures = trainer.TrainingPictures(np.stack([one.pixels for one in pictograms]), vectors)
    plan = trainer.TrainingPlan(steps=task.steps, warmup_steps=min(200, max(1, task.steps // 5)))
    weights = trainer.train(training_pictures, shape, plan, task.folder, log, task.seconds)
    sha256 = trainer.save_painter(task.folder / engine.FILE, weights, shape, [one.name for one in pictograms])
    name_accuracy, paraphrase_accuracy = measure_accuracies(task.folder, pictograms)
    shares = f"{name_accuracy:.0%} of names, {paraphrase_accuracy:.0%} of paraphrases"
    log(f"The right picture is the nearest of {NAMES} for {shares}")
    (task.folder / "card.md").write_text(_describe(pictograms, sha256, name_accuracy, paraphrase_accuracy))
    return sha256


def measure_accuracies(folder: Path, pictograms: Sequence[Pictogram], seed: int = SEED) -> tuple[float, float]:
    """Return the accuracy for names, and for paraphrases, of NAMES pictograms that a seed chooses among those with
    enough keywords."""
    known = [one for one in pictograms if len(one.other_keywords) >= _PARAPHRASE_KEYWORDS]
    chosen = [known[row] for row in np.random.default_rng(seed).permutation(len(known))[:NAMES]]
    embedder, rng = SentenceTransformerEmbedder(), np.random.default_rng(seed)
    names, paraphrases = [one.name for one in chosen], [make_paraphrase(one, rng) for one in chosen]
    return measure_accuracy(folder, chosen, embedder.embed_passages(names)), measure_accuracy(
        folder, chosen, embedder.embed_passages(paraphrases)
    )


def make_paraphrase(pictogram: Pictogram, rng: np.random.Generator) -> str:
    """Return a sentence with three of the pictogram's keywords that is in no caption."""
    words = [
        pictogram.other_keywords[at] for at in rng.permutation(len(pictogram.other_keywords))[:_PARAPHRASE_KEYWORDS]
    ]
    return f"draw something that shows {', '.join(words[:-1])} and {words[-1]}"


def measure_accuracy(folder: Path, pictograms: Sequence[Pictogram], vectors: NDArray[np.float32]) -> float:
    """Return the share of vectors (n, 384) whose drawing is nearer to its own training picture than to those of the
    others. The distance is the mean squared difference of slightly blurred pixels."""
    from training.pictogram import trainer

    loaded = engine.load_painter(folder / engine.FILE)
    drawn = np.concatenate([
        trainer.draw_batch(loaded, vectors[part], part.tolist())
        for part in np.array_split(np.arange(len(pictograms)), max(1, len(pictograms) // 10))
    ])  # fmt: skip
    expected = np.stack([one.pixels for one in pictograms]).astype(np.float32) / 127.5 - 1
    drawn_means, expected_means = _blur(drawn), _blur(expected)
    distances = ((drawn_means[:, None] - expected_means[None]) ** 2).mean(axis=2)
    return float((distances.argmin(axis=1) == np.arange(len(pictograms))).mean())


def _blur(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return means of 4 x 4 pixels, shape (n, 3 * 16 * 16), so that a shift by a pixel hardly counts."""
    parts = pictures.reshape(len(pictures), 3, 16, 4, 16, 4).mean(axis=(3, 5))
    return np.asarray(parts.reshape(len(pictures), -1), np.float32)


def _describe(pictograms: Sequence[Pictogram], sha256: str, name_accuracy: float, paraphrase_accuracy: float) -> str:
    return f"""# Openbook Pictograms

Draws 64 x 64 pixels of a pictogram from words, enlarged to 512. The words recall a sketch of 16 x 16 pixels of what it
has seen, {len(pictograms):,} pictograms, or a mixture of a few; a flow-matching transformer draws that out from noise.
So it draws what it has seen, and variations; it cannot draw scenes, people who exist, letters or words, and says so
where a prompt is far from everything it knows. What a prompt names besides (colours, numbers, places) is mostly not
heeded.

- **Data**: Noto Emoji (Apache-2.0, Google), names and keywords of Unicode CLDR (Unicode-3.0).
- **Measured** with {NAMES} pictograms chosen by seed {SEED}: for {name_accuracy:.0%} of their names and
  {paraphrase_accuracy:.0%} of sentences with three of their keywords, what is drawn is nearer to the right training
  picture than to those of others.
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
    task = PainterTraining(options.data, options.to, options.steps, seconds, options.pictures, options.threads)
    print(f"SHA-256 of the weights: {train(task, print)}")
    backend = "apps.engines.image.pictogram.engine.PictogramPainter"
    print(f"To draw with it: IMAGE_BACKEND={backend} IMAGE_MODEL={options.to}")
