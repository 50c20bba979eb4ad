"""Cosines of one embedder, told on the scale of another: some say 0.8 of what has nothing to do with a question.

Both read the same questions and answers. Cosines of what belongs together, and of what does not, are the same on both
scales in the mean, and between them it is a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.base import EmbedEngine, EngineBroken

if TYPE_CHECKING:
    from apps.engines.base import Vectors

_LEAST = 0.02  # by which answers have to be nearer to their questions than others are

PAIRS = (
    ("When does the museum open on Sundays?", "On Sundays the museum opens at ten and closes at six."),
    ("How do I change my password?", "You change your password in the menu of your account, under Security."),
    ("Which gas do plants take from the air?", "Plants take carbon dioxide from the air and give off oxygen."),
    ("What is the notice period of the lease?", "The lease can be ended with a notice period of three months."),
    ("Who wrote the symphony?", "The symphony was written by a composer from Vienna in 1824."),
    ("How long must the dough rest?", "The dough must rest for eighteen hours in a cool place before it is baked."),
    ("What causes the tides?", "Tides are caused by the pull of the moon and the sun on the sea."),
    ("How is a refund paid out?", "A refund is paid out to the card that was charged, within five working days."),
    ("At what temperature does the pump switch off?", "The pump switches off when its temperature reaches 80 degrees."),
    ("Which medicine lowers blood pressure?", "Blood pressure is lowered by medicines such as ACE inhibitors."),
    ("How are errors of the server logged?", "Errors of the server are written to a log file, one line each."),
    ("Why did the bridge collapse?", "The bridge collapsed because rust had weakened the steel of its cables."),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """`told = offset + slope * raw`."""

    offset: float = 0.0
    slope: float = 1.0

    def told(self, raw: float) -> float:
        return self.offset + self.slope * raw


SAME = Scale()


_known: dict[tuple[str, str], Scale] = {}  # by fingerprints


def scale(embed: EmbedEngine, like: EmbedEngine) -> Scale:
    """The scale of `embed`, told as `like` would. Takes as long as 24 sentences, once a process. Raises EngineError;
    EngineBroken where the embedder does not tell an answer from other sentences."""
    key = (embed.fingerprint, like.fingerprint)
    if key not in _known:
        _known[key] = SAME if embed.fingerprint == like.fingerprint else _measured(embed, like)
    return _known[key]


def _measured(embed: EmbedEngine, like: EmbedEngine) -> Scale:
    other, near = _means(embed)
    other_like, near_like = _means(like)
    if near - other < _LEAST or near_like - other_like < _LEAST:
        raise EngineBroken("The embedding model finds unrelated sentences as near to a question as its answer.")
    slope = (near_like - other_like) / (near - other)
    return Scale(other_like - slope * other, slope)


def _means(embed: EmbedEngine) -> tuple[float, float]:
    """The mean cosine of a question with answers to others, and with its own."""
    questions: Vectors = np.stack([embed.embed_query(question) for question, _ in PAIRS])
    cosines = questions @ embed.embed_passages([answer for _, answer in PAIRS]).T
    own = np.eye(len(PAIRS), dtype=bool)
    return float(cosines[~own].mean()), float(cosines[own].mean())
