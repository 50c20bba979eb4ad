"""Calibrate cosines of one embedder to the scale of another: some give 0.8 to texts that have nothing in common.

Both embed the same questions and answers. The scale is linear: the mean cosine of matching pairs, and that of other
pairs, are mapped onto the other embedder's means.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from apps.engines.types import EmbedEngine

if TYPE_CHECKING:
    from apps.engines.types import Vectors

log = logging.getLogger(__name__)

# Share of the best language's separation from which a language counts as known. all-MiniLM-L6-v2 reaches 0.44 in German
# and 0.35 in Spanish, against 1 in English.
_MIN_SEPARATION_SHARE = 0.6
_MIN_SEPARATION = 0.02  # difference of mean cosines, of own answers and of others, below which nothing is calibrated

# By language: an embedder for German alone cannot tell English answers apart.
CALIBRATION_PAIRS = {
    "en": (
        ("When does the museum open on Sundays?", "On Sundays the museum opens at ten and closes at six."),
        ("How do I change my password?", "You change your password in the menu of your account, under Security."),
        ("Which gas do plants take from the air?", "Plants take carbon dioxide from the air and give off oxygen."),
        ("What is the notice period of the lease?", "The lease can be ended with a notice period of three months."),
        ("Who wrote the symphony?", "The symphony was written by a composer from Vienna in 1824."),
        ("How long must the dough rest?", "The dough must rest for eighteen hours in a cool place before it is baked."),
        ("What causes the tides?", "Tides are caused by the pull of the moon and the sun on the sea."),
        ("How is a refund paid out?", "A refund is paid out to the card that was charged, within five working days."),
        (
            "When does the pump switch off?",
            "The pump switches off when its temperature reaches 80 degrees.",
        ),
        ("Which medicine lowers blood pressure?", "Blood pressure is lowered by medicines such as ACE inhibitors."),
        ("How are errors of the server logged?", "Errors of the server are written to a log file, one line each."),
        ("Why did the bridge collapse?", "The bridge collapsed because rust had weakened the steel of its cables."),
    ),
    "de": (
        ("Wann öffnet das Museum am Sonntag?", "Sonntags öffnet das Museum um zehn und schließt um sechs Uhr."),
        ("Wie ändere ich mein Passwort?", "Das Passwort ändern Sie im Menü Ihres Kontos unter Sicherheit."),
        ("Wie lange ist die Kündigungsfrist des Mietvertrags?", "Der Mietvertrag ist mit drei Monaten Frist kündbar."),
        ("Wodurch entstehen die Gezeiten?", "Die Gezeiten entstehen, weil Mond und Sonne das Meer anziehen."),
        ("Wie lange muss der Teig ruhen?", "Der Teig muss achtzehn Stunden kühl ruhen, bevor er gebacken wird."),
        ("Warum stürzte die Brücke ein?", "Die Brücke stürzte ein, weil Rost den Stahl ihrer Seile geschwächt hatte."),
    ),
    "es": (
        ("¿Cuándo abre el museo los domingos?", "Los domingos el museo abre a las diez y cierra a las seis."),
        ("¿Cómo cambio mi contraseña?", "La contraseña se cambia en el menú de la cuenta, en Seguridad."),
        ("¿Qué preaviso tiene el contrato de alquiler?", "El alquiler puede rescindirse con tres meses de preaviso."),
        ("¿Qué causa las mareas?", "Las mareas se deben a la atracción de la luna y el sol sobre el mar."),
        (
            "¿Cuánto debe reposar la masa?",
            "La masa debe reposar dieciocho horas en un lugar fresco.",
        ),
        ("¿Por qué se derrumbó el puente?", "El puente se derrumbó porque el óxido debilitó el acero de sus cables."),
    ),
}


@dataclass(frozen=True, slots=True)
class LinearScale:
    """Linear map from cosines of one embedder to those of another: `offset + slope * raw`."""

    offset: float = 0.0
    slope: float = 1.0

    def apply(self, raw: float) -> float:
        """Return the cosine on the other embedder's scale."""
        return self.offset + self.slope * raw


IDENTITY_SCALE = LinearScale()


_scales: dict[tuple[str, str], LinearScale] = {}  # by (fingerprint of the embedder, fingerprint of the reference)
_unread_by_model: dict[str, frozenset[str]] = {}  # by fingerprint


def measure_scale(embed: EmbedEngine, like: EmbedEngine) -> LinearScale:
    """Return the map from cosines of `embed` to cosines as `like` gives them. Cached per process.

    The first call takes as long as 48 sentences of each embedder. Returns IDENTITY_SCALE if it cannot be measured.
    Raises EngineError if an embedder fails.
    """
    key = (embed.fingerprint, like.fingerprint)
    if key not in _scales:
        _scales[key] = IDENTITY_SCALE if embed.fingerprint == like.fingerprint else _measure(embed, like)
    return _scales[key]


@runtime_checkable
class ScalesByQuestion(Protocol):
    """Embedder whose scale depends on the question, which it knows without measuring."""

    def get_scale(self, question: str) -> LinearScale:
        """Return the map from cosines with this question's vector to cosines of the packaged embedder."""


def find_scale(embed: EmbedEngine, like: EmbedEngine, question: str) -> LinearScale:
    """Return the map from cosines of `embed` for this question to cosines as `like` gives them; see `measure_scale`."""
    return embed.get_scale(question) if isinstance(embed, ScalesByQuestion) else measure_scale(embed, like)


def find_unread_languages(embed: EmbedEngine) -> frozenset[str]:
    """Return the languages of CALIBRATION_PAIRS in which an embedder separates answers much worse than in its best one.

    Texts in them are found by words only. Cached per process; the first call takes as long as 48 sentences. Raises
    EngineError if the embedder fails.
    """
    if embed.fingerprint not in _unread_by_model:
        gaps = {
            code: near - other
            for code, (other, near) in ((code, _means(embed, CALIBRATION_PAIRS[code])) for code in CALIBRATION_PAIRS)
        }
        least = _MIN_SEPARATION_SHARE * max(gaps.values())
        _unread_by_model[embed.fingerprint] = frozenset(code for code, gap in gaps.items() if gap < least)
    return _unread_by_model[embed.fingerprint]


def _measure(embed: EmbedEngine, like: EmbedEngine) -> LinearScale:
    """Measure each embedder in the language that it separates best. IDENTITY_SCALE if one separates none."""
    unrelated, related = _best_means(embed)
    other_like, near_like = _best_means(like)
    if related - unrelated < _MIN_SEPARATION or near_like - other_like < _MIN_SEPARATION:
        log.warning(
            "An embedding model tells answers apart in none of %s: its scale is not known.",
            ", ".join(CALIBRATION_PAIRS),
        )
        return IDENTITY_SCALE
    slope = (near_like - other_like) / (related - unrelated)
    return LinearScale(other_like - slope * unrelated, slope)


def _best_means(embed: EmbedEngine) -> tuple[float, float]:
    return max((_means(embed, pairs) for pairs in CALIBRATION_PAIRS.values()), key=lambda means: means[1] - means[0])


def _means(embed: EmbedEngine, pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """Return the mean cosine of questions with other questions' answers, and with their own."""
    questions: Vectors = np.stack([embed.embed_query(question) for question, _ in pairs])
    cosines = questions @ embed.embed_passages([answer for _, answer in pairs]).T
    if isinstance(embed, ScalesByQuestion):
        scales = [embed.get_scale(question) for question, _ in pairs]
        cosines = np.stack([scale.offset + scale.slope * row for scale, row in zip(scales, cosines, strict=True)])
    own = np.eye(len(pairs), dtype=bool)
    return float(cosines[~own].mean()), float(cosines[own].mean())
