"""Correct words of a question that occur in no searched chunk, to words one edit away that do.

The vocabulary is the index itself: all words one edit away are looked up, as in Norvig's corrector. So any index
serves, and no dictionary is stored. A word that the embedder has as a single token is no misspelling: a question about
a moose is not searched for a mouse.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from apps.engines.types import EmbedEngine
from apps.lib.text.analyzer import STOPWORDS, normalise_text, stem_word
from apps.lib.text.language_detection import guess_language, list_function_words

SHORTEST = 6  # letters; shorter words have too many neighbours
_SHORTEST_FOREIGN = 9  # in other languages than English, of which the embedder knows few words: "cuesta" is no "cuenta"
_LANGUAGES = frozenset({"en", "de", "es"})
LONGEST = 24
MOST = 3  # words that are corrected in one question; a pasted page is not corrected word by word
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = "abcdefghijklmnopqrstuvwxyzäöüßáéíóúñçàèâêîôûëï"
_ALPHABETS = (_LATIN, "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ", "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ")

Rarity = Mapping[str, float]  # IDF weight by stem, as in a result of the index


def unknown_words(question: str, idf: Rarity, unknown: float, embed: EmbedEngine) -> list[str]:
    """Return at most MOST words of the question that occur in no chunk and look misspelt, as they are written.

    `unknown` is the IDF weight of a term that occurs in no chunk. Names in capitals and function words are left out.
    """
    words, small = [], STOPWORDS | list_function_words(question)
    language = guess_language(question, _LANGUAGES)
    shortest = SHORTEST if language in ("", "en") else _SHORTEST_FOREIGN
    for word in dict.fromkeys(_WORD.findall(question)):
        plain = normalise_text(word)
        if not shortest <= len(word) <= LONGEST or word.isupper() or plain in small or word.casefold() in small:
            continue
        if idf.get(stem_word(plain), 0.0) >= unknown - 1e-6 and len(embed.offsets(plain)) > 1:
            words.append(word)
    return words[:MOST]


async def respell(
    question: str, idf: Rarity, unknown: float, embed: EmbedEngine, look_up: Callable[[str], Awaitable[Rarity]]
) -> dict[str, str]:
    """Return, for each misspelt word of the question, the word to search for instead; {} for none.

    `look_up` returns the IDF weights of the words of a text from the index. `unknown` is the weight of a term that
    occurs in no chunk.
    """
    words = unknown_words(question, idf, unknown, embed)
    if not words:
        return {}
    edits_by_word = {word: set(_iter_edits(normalise_text(word))) for word in words}
    idf_by_edit = await look_up(" ".join(sorted(set().union(*edits_by_word.values()))))
    corrections = {}
    for word, edits in edits_by_word.items():
        weights = [
            (idf_by_edit[term], edit)
            for edit in edits
            if idf_by_edit.get(term := stem_word(edit), unknown) < unknown - 1e-6
        ]
        if weights:
            corrections[word] = min(weights, key=lambda pair: _rank_correction(word, *pair))[1]
    return corrections


def replace_words(text: str, corrections: Mapping[str, str]) -> str:
    """Return the text with each key of `corrections` replaced by its correction."""
    return _WORD.sub(lambda found: corrections.get(found.group(), found.group()), text) if corrections else text


def _rank_correction(word: str, weight: float, edit: str) -> tuple[bool, bool, float, str]:
    """Return a sort key, likeliest correction first.

    The first letter is seldom wrong, letters are swapped more often than replaced, and frequent words are meant more
    often than rare ones.
    """
    plain = normalise_text(word)
    return edit[0] != plain[0], sorted(edit) != sorted(plain), weight, edit


def _iter_edits(word: str) -> Iterator[str]:
    """Yield every string one edit away: a letter left out, inserted, replaced or swapped with its neighbour."""
    letters = next((alphabet for alphabet in _ALPHABETS if any(sign in alphabet for sign in word)), "")
    for at in range(len(word) + 1):
        left, right = word[:at], word[at:]
        yield from _iter_edits_at(left, right, letters)


def _iter_edits_at(left: str, right: str, letters: str) -> Iterable[str]:
    edits = [left + letter + right for letter in letters]
    if right:
        edits += [left + right[1:], *(left + letter + right[1:] for letter in letters if letter != right[0])]
    if len(right) > 1:
        edits.append(left + right[1] + right[0] + right[2:])
    return edits
