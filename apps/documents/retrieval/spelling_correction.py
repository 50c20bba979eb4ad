"""Correct words of a question that occur in no searched chunk, to words one edit away that do.

The vocabulary is the index itself: all words one edit away are looked up, as in Norvig's corrector. So any index
serves, and no dictionary is stored. A word that the embedder has as a single token is no misspelling: a question about
a moose is not searched for a mouse. Neither is a word of which the index or the embedder knows another form: "dearer".
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from apps.engines.types import EmbedEngine
from apps.lib.text.analyzer import STOPWORDS, normalise_text, stem_word
from apps.lib.text.language_detection import guess_language, list_function_words

SHORTEST = 6  # letters; shorter words have too many neighbours
_SHORTEST_SWAPPED = 4  # letters of a word with two letters swapped, as in "abuot", which has few neighbours
_SHORTEST_STEM = 4  # letters that are left of a word without its ending
_SHORTEST_FOREIGN = 9  # in other languages than English, of which the embedder knows few words: "cuesta" is no "cuenta"
_LANGUAGES = frozenset({"en", "de", "es"})
LONGEST = 24
MOST = 3  # words that are corrected in one question; a pasted page is not corrected word by word
# Of English, German and Spanish words.
_ENDINGS = (
    "ness", "ings", "ing", "ern", "est", "ers", "ies", "er", "es", "ed", "en", "em", "ly",
    "os", "as", "s", "e", "n", "r",
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = "abcdefghijklmnopqrstuvwxyzäöüßáéíóúñçàèâêîôûëï"
_ALPHABETS = (_LATIN, "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ", "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ")

Rarity = Mapping[str, float]  # IDF weight by stem, as in a result of the index


def unknown_words(question: str, idf: Rarity, unknown: float, embed: EmbedEngine) -> list[str]:
    """Return at most MOST words of the question that occur in no chunk and look misspelt, as they are written.

    `unknown` is the IDF weight of a term that occurs in no chunk. Function words are left out.
    """
    words, small = [], STOPWORDS | list_function_words(question)
    for word in dict.fromkeys(_WORD.findall(question)):
        plain = normalise_text(word)
        if not _SHORTEST_SWAPPED <= len(word) <= LONGEST or plain in small or word.casefold() in small:
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
    language = guess_language(question, _LANGUAGES)
    shortest = SHORTEST if language in ("", "en") else _SHORTEST_FOREIGN
    edits_by_word = {word: set(_iter_likely_edits(word, shortest)) for word in words}
    stems = {word: _list_other_forms(normalise_text(word)) for word in words}
    idf_by_edit = await look_up(" ".join(sorted(set().union(*edits_by_word.values(), *stems.values()))))
    small = list_function_words(question) | STOPWORDS
    corrections = {}
    for word, edits in edits_by_word.items():
        if any(_is_known(form, idf_by_edit, unknown) or len(embed.offsets(form)) == 1 for form in stems[word]):
            continue
        weights = [
            (idf_by_edit.get(stem_word(edit), 0.0), edit)
            for edit in edits
            if edit in small or _is_known(edit, idf_by_edit, unknown)
        ]
        if weights:
            corrections[word] = min(weights, key=lambda pair: _rank_correction(word, *pair))[1]
    return corrections


def _is_known(word: str, idf: Rarity, unknown: float) -> bool:
    return idf.get(stem_word(word), unknown) < unknown - 1e-6


def _list_other_forms(word: str) -> list[str]:
    """Return what is left of a word without each ending that it may have."""
    return [
        word[: -len(ending)]
        for ending in _ENDINGS
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM
    ]


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


def _iter_likely_edits(word: str, shortest: int) -> Iterator[str]:
    """Yield the strings one edit away that may be meant. Of words shorter than `shortest`, letters are only swapped.

    In a name in capitals a letter is at most left out, doubled or swapped: with another letter it is another name.
    """
    plain = normalise_text(word)
    for edit in _iter_edits(plain):
        swapped = len(edit) == len(plain) and sorted(edit) == sorted(plain)
        if swapped or (len(word) >= shortest and not (word.isupper() and len(edit) == len(plain))):
            yield edit


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
