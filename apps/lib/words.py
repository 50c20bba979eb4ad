"""The one way to take a text apart into words: index, cut, quotes and support all count the same terms."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

_WORD = re.compile(r"\w+(?:[.,]\d+)*")  # keeps 3.14 and 1,000 whole
_MAX_WORD = 60  # characters; longer runs are noise to a word index
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


def normalise(text: str) -> str:
    """Compatibility-composed and case-folded, so that ligatures, full-width forms and case do not hide a word."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """The words of a text in order, unstemmed, stop words included."""
    return [word[:_MAX_WORD] for word in _WORD.findall(normalise(text))]


def terms(text: str) -> list[str]:
    """The stemmed words of a text in order, stop words included."""
    return [stem(word) for word in words(text)]


def content_terms(text: str) -> list[str]:
    """The stemmed words without stop words; all of them where nothing else is left."""
    kept = [stem(word) for word in words(text) if word not in STOPWORDS]
    return kept or terms(text)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Snowball English; words of other scripts and numbers stay as they are."""
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english")
    return str(stemmer.stemWord(word))
