"""Recognise requests that concern a whole document, and read what they are about.

A small classifier decides; below its floor a message is a question. Words that no such request is worded in are its
subject: the name of a document, what is to be listed, what is to be compared. Pure, a fraction of a millisecond.
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

# Of 5,416 questions of xquad (in three languages), clapnq, cranfield and covidqa 37 are recognised; 23 of those do ask
# for a comparison or a summary.
MIN_PROBABILITY = 0.6
# Where all that is left of the message names a document of the user, or where a word such as "between" leads to the
# two sides of a comparison, which hardly a question does.
MIN_PROBABILITY_NAMED = 0.25
_TITLE_FLOOR = 0.9985  # where the unknown words are read as a title; 37 of 1,709 questions of open sets reach it
_TITLED_WORDS = 16  # of a message with a title; a longer one is a question
COMPARE, LIST, OUTLINE, SUMMARY = "compare", "list", "outline", "summary"
_WORD = re.compile(r"\w+(?:[-.'’_]\w+)*")
_FILE = re.compile(r"[^\s.,;:!?\"“”„«»]\S*\.[A-Za-z]\w{1,4}\b")
_ANY_FILE = "report.pdf"  # what the classifier reads for the name of a file: it cannot know all names
_SIDE_WORDS = 8  # a longer side is no name of a thing
_SUBJECT_WORDS = 6  # a longer subject is a question
_ASPECT = 4  # letters of a word that says in what two things are compared

_classifier = WholeDocumentRequestClassifier()


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """Recognised request. `subject` are the words that name its document, or what is to be listed; `words` are all of
    its words; `sides` are the two things that are to be compared, and `aspect` says in what."""

    kind: str
    subject: tuple[str, ...]
    words: tuple[str, ...]
    sides: tuple[str, str] | tuple[()] = ()
    aspect: str = ""
    sure: bool = True  # whether it is a request also where it names no document
    in_full: bool = False  # whether it is a request only where it names a document by all words of its title


def recognise_request(text: str, *, may_name: bool = False) -> DocumentRequest | None:
    """Return the request; None for a question, a command, a comparison without two sides, a list of nothing. With
    `may_name` also one that is not `sure`: the caller looks whether it names a document."""
    if not text.strip() or text.startswith("/"):
        return None
    try:
        kind, likelihood = _classifier.classify(_FILE.sub(_ANY_FILE, text))
        sure = likelihood >= MIN_PROBABILITY
        if likelihood < (MIN_PROBABILITY if kind == LIST else MIN_PROBABILITY_NAMED):
            return _read_by_title(text) if may_name else None
        wording = _classifier.wording(kind)
    except EngineError as error:  # then every message is a question, as without a classifier
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
    return DocumentRequest(kind, subject, words, sure=sure)


def _read_by_title(text: str) -> DocumentRequest | None:
    """Return the request that a message is where its unknown words are the title of a document; None for no request.

    The classifier cannot know the words of all titles. It reads the name of a file in their place.
    """
    wording = _classifier.wording(SUMMARY) | _classifier.wording(OUTLINE)
    found = list(_WORD.finditer(text))
    unknown = [match for match in found if not _is_wording(match.group(), wording)]
    if not unknown or len(found) > _TITLED_WORDS:
        return None
    kind, likelihood = _classifier.classify(text[: unknown[0].start()] + _ANY_FILE + text[unknown[-1].end() :])
    if kind not in (SUMMARY, OUTLINE) or likelihood < _TITLE_FLOOR:
        return None
    subject = tuple(match.group() for match in unknown)
    return DocumentRequest(kind, subject, tuple(match.group() for match in found), sure=False, in_full=True)


def fold_word(word: str) -> str:
    """Return the word in lower case without accents."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _is_wording(word: str, wording: frozenset[str]) -> bool:
    """Return whether requests are worded with it; a number and a name that holds one are always a subject."""
    return not any(map(str.isdigit, word)) and all(part in wording for part in normalise_message(word).split())


def _cut_lead(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return what stands before the last word that leads to the sides of a comparison, and what follows it."""
    leads = _classifier.leads()
    last = max((at for at, word in enumerate(words) if normalise_message(word) in leads), default=-1)
    return words[: last + 1], words[last + 1 :]


def _read_sides(words: Sequence[str], wording: frozenset[str]) -> tuple[str, str] | tuple[()]:
    """Return the two sides of a comparison as they are written; () where the message has none."""
    for joint in _classifier.joints():
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
    """Return the sides without the words of the request around them; () where nothing is left of one."""
    kept = []
    for side in sides:
        own = [at for at, word in enumerate(side) if not _is_wording(word, wording)]
        if not own:
            return ()
        single = own[-1] + 1 < len(side) and len(side[own[-1] + 1]) == 1  # "plan A": a letter that is also an article
        kept.append(side[own[0] : own[-1] + 1 + single])
    left, right = kept
    return (left, right) if max(len(left), len(right)) <= _SIDE_WORDS else ()
