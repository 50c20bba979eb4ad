"""Recognise requests about a whole document, and read what they are about. Entry point: `recognise_request`.

A small classifier decides; below MIN_PROBABILITY a message is a question. Words that no such request is worded in are
its subject: a document name, entries to list, things to compare. Pure, a fraction of a millisecond.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.engines.classify.small_talk import normalise_message
from apps.engines.classify.whole_document_requests import WholeDocumentRequestClassifier
from apps.engines.types import EngineError

log = logging.getLogger(__name__)

# Of 5,416 questions of xquad (in three languages), clapnq, cranfield and covidqa, 37 are recognised as requests; 23 of
# those do ask for a comparison or a summary.
MIN_PROBABILITY = 0.6
# Applies if all remaining words name a document of the user, or if a word such as "between" leads to two sides, which
# is rare in questions.
MIN_PROBABILITY_NAMED = 0.25
_TITLE_FLOOR = 0.9985  # applies if unknown words are read as a title; 37 of 1,709 questions of open sets reach it
_TITLED_WORDS = 16  # words of a message with a title; a longer one is a question
COMPARE, LIST, OUTLINE, SUMMARY = "compare", "list", "outline", "summary"
_WORD = re.compile(r"\w+(?:[-.'’_]\w+)*")
_FILE = re.compile(r"[^\s.,;:!?\"“”„«»]\S*\.[A-Za-z]\w{1,4}\b")
_MAX_CHARACTERS = 2_000  # of a request; the patterns take quadratic time, and longer messages are questions
_ANY_FILE = "report.pdf"  # read by the classifier in place of any file name
_SIDE_WORDS = 8  # words; a longer side is no name
_SUBJECT_WORDS = 6  # words; with a longer subject the message is a question
_ASPECT = 4  # letters of a word that belongs to `aspect`, at least

_classifier = WholeDocumentRequestClassifier()


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """Recognised request: `kind` is COMPARE, LIST, OUTLINE or SUMMARY.

    `subject` holds the words that name the document, or the entries to list; `all_words` holds all words. `sides` are
    the two things to compare, in the respect of `aspect`.
    """

    kind: str
    subject: tuple[str, ...]
    all_words: tuple[str, ...]
    sides: tuple[str, str] | tuple[()] = ()
    aspect: str = ""
    is_certain: bool = True  # it is a request even if it names no document
    needs_full_title: bool = False  # it is a request only if it names a document by all words of the title


def recognise_request(text: str, *, may_name: bool = False) -> DocumentRequest | None:
    """Return the request; None for a question, a command, a comparison without two sides, or a list of nothing.

    With `may_name`, also return unsure requests; the caller must check whether they name a document.
    """
    if not text.strip() or text.startswith("/") or len(text) > _MAX_CHARACTERS:
        return None
    try:
        kind, likelihood = _classifier.classify(_FILE.sub(_ANY_FILE, text))
        sure = likelihood >= MIN_PROBABILITY
        if likelihood < (MIN_PROBABILITY if kind == LIST else MIN_PROBABILITY_NAMED):
            return _read_by_title(text) if may_name else None
        wording = _classifier.kind_words(kind)
    except EngineError as error:  # then every message counts as a question
        log.error("Requests for whole documents are not recognised: %s", error)
        return None
    words = tuple(found.group() for found in _WORD.finditer(text))
    subject = tuple(word for word in words if not _is_wording(word, wording))
    if kind == COMPARE:
        before, after = _cut_lead(words)
        aspect = " ".join(word for word in before if len(word) >= _ASPECT and not _is_wording(word, wording))
        sides = _read_sides(after, wording) if sure or before else ()
        return DocumentRequest(kind, subject, words, sides, aspect) if sides else None
    if not (sure or may_name):
        return None
    if len(subject) > _SUBJECT_WORDS or (kind == LIST and not subject):
        return None
    return DocumentRequest(kind, subject, words, is_certain=sure)


def _read_by_title(text: str) -> DocumentRequest | None:
    """Return the request of a message whose unknown words are a document title; None if it is no request.

    The classifier does not know the words of titles, so it reads a file name in their place.
    """
    wording = _classifier.kind_words(SUMMARY) | _classifier.kind_words(OUTLINE)
    found = list(_WORD.finditer(text))
    unknown = [match for match in found if not _is_wording(match.group(), wording)]
    if not unknown or len(found) > _TITLED_WORDS:
        return None
    kind, likelihood = _classifier.classify(text[: unknown[0].start()] + _ANY_FILE + text[unknown[-1].end() :])
    if kind not in (SUMMARY, OUTLINE) or likelihood < _TITLE_FLOOR:
        return None
    subject = tuple(match.group() for match in unknown)
    return DocumentRequest(
        kind, subject, tuple(match.group() for match in found), is_certain=False, needs_full_title=True
    )


def fold_word(word: str) -> str:
    """Return the word in lower case without accents."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _is_wording(word: str, wording: frozenset[str]) -> bool:
    """Return whether requests are worded with this word.

    Numbers, and words with digits, always belong to the subject.
    """
    return not any(map(str.isdigit, word)) and all(part in wording for part in normalise_message(word).split())


def _cut_lead(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the words up to the last one that leads to the sides of a comparison ("between"), and the words after
    it.
    """
    leads = _classifier.lead_words()
    last = max((at for at, word in enumerate(words) if normalise_message(word) in leads), default=-1)
    return words[: last + 1], words[last + 1 :]


def _read_sides(words: Sequence[str], wording: frozenset[str]) -> tuple[str, str] | tuple[()]:
    """Return the two sides of a comparison as written; () if the message has none."""
    for joint in _classifier.comparison_words():
        if found := [bare for pair in _split(words, joint.split()) if (bare := _strip(pair, wording))]:
            left, right = min(found, key=lambda pair: abs(len(pair[0]) - len(pair[1])))
            return " ".join(left), " ".join(right)
    return ()


def _split(words: Sequence[str], joint: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    plain = [normalise_message(word) for word in words]
    for at in range(1, len(words) - len(joint)):
        if plain[at : at + len(joint)] == joint:
            yield words[:at], words[at + len(joint) :]


def _strip(
    sides: tuple[Sequence[str], Sequence[str]], wording: frozenset[str]
) -> tuple[Sequence[str], Sequence[str]] | tuple[()]:
    """Return the sides without the wording of the request around them; () if a side is empty then."""
    phrases = []
    for side in sides:
        own = [at for at, word in enumerate(side) if not _is_wording(word, wording)]
        if not own:
            return ()
        single = own[-1] + 1 < len(side) and len(side[own[-1] + 1]) == 1  # "plan A": a letter that is also an article
        phrases.append(side[own[0] : own[-1] + 1 + single])
    left, right = phrases
    return (left, right) if max(len(left), len(right)) <= _SIDE_WORDS else ()
