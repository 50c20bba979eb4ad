"""Text analyser: the terms that index, context selection, quotes and grounding share.

Entry points: `split_words`, `extract_terms` (stemmed), `extract_content_terms` (without stop words).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

# Combining vowel signs and accents, which \w lacks: Hebrew, Arabic, Hindi, Thai ...
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u17b4-\u17d3"
)
_WORD = re.compile(rf"[\w{_MARKS}]+(?:[.,]\d+)*")  # keeps 3.14 and 1,000 whole
# Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer: written without spaces, so a run is not a word.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
# Part numbers, dates, versions, addresses: split, and kept whole as well, so that an exact match counts more.
_CODE = re.compile(r"\b\w++(?:[-./:@]\w++)++")  # starts at a word border, else each letter of a word would be tried
_DIGIT = re.compile(r"\d")
_MAX_WORD = 60  # characters; longer runs are noise in an index
_local = threading.local()

# fmt: off
STOPWORDS = frozenset((
    "a", "about", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does",
    "for", "from", "had", "has", "have", "he", "her", "his", "how", "i", "if", "in", "into", "is", "it", "its",
    "many", "me", "much", "my", "no", "not", "of", "on", "or", "our", "she", "should", "so", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "to", "us", "was", "we", "were", "what", "when",
    "where", "which", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
))
# fmt: on


def normalise_text(text: str) -> str:
    """Return the text in NFKC and case-folded, so that ligatures, full-width forms and case do not hide a word."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def split_words(text: str) -> list[str]:
    """Return the words of a text in order, unstemmed, stop words included; of scripts without spaces every two
    characters. Codes with a digit, such as part numbers, follow at the end as wholes."""
    text = normalise_text(text)
    whole, codes = _WORD.findall(text), []
    if _DIGIT.search(text):
        known = set(whole)
        codes = [code for code in _CODE.findall(text) if code not in known and _DIGIT.search(code)]
    if text.isascii():
        return [word[:_MAX_WORD] for word in (*whole, *codes)]
    return [part for word in (*whole, *codes) for part in _cut(word)]


def _cut(word: str) -> list[str]:
    parts = [word] if word.isascii() or not _UNSPACED.search(word) else _parts(word)
    return [part[:_MAX_WORD] for part in parts]


def _parts(word: str) -> list[str]:
    """Split a word with characters of scripts without spaces: pairs of those, the rest unchanged."""
    parts, at = [], 0
    for run in _UNSPACED.finditer(word):
        start, end = run.span()
        parts += [word[at:start]] if start > at else []
        parts += [word[n : min(n + 2, end)] for n in range(start, max(end - 1, start + 1))]
        at = end
    return [*parts, word[at:]] if at < len(word) else parts


def extract_terms(text: str) -> list[str]:
    """Return the stemmed words of a text in order, stop words included."""
    return list(map(stem_word, split_words(text)))


def extract_content_terms(text: str) -> list[str]:
    """Return the stemmed words in order, without stop words; with them if the text has nothing else."""
    content_terms = [stem_word(word) for word in split_words(text) if word not in STOPWORDS]
    return content_terms or extract_terms(text)


@lru_cache(maxsize=200_000)
def stem_word(word: str) -> str:
    """Return the word stemmed by Snowball English. Numbers, names with digits and words of other scripts stay
    unchanged."""
    if not word.isalpha():
        return word
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english")
    return str(stemmer.stemWord(word))
