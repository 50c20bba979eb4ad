"""Complete a follow-up question ("and in winter?", "who wrote it?") with words of earlier questions, by rules.

No model is asked: on a small machine one call would cost more than the search of the whole answer. The caller searches
for the question as asked and as completed, and keeps the better result. A rule that fires too often costs milliseconds
and no answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apps.lib.text.analyzer import STOPWORDS, split_words, stem_word
from apps.lib.text.identifiers import extract_identifiers
from apps.lib.text.language_detection import list_function_words

_BACK_REFERENCE_WORDS = (
    "it its itself he him his she her hers they them their theirs this that these those there then one ones same such "
    "other others another former latter both either else "
    "das dies diese diesen dieser dieses er ihm ihn ihr ihre sein seine dort dabei dafür dagegen damit danach davon "
    "dazu beide andere anderen sonst "
    "eso esto esa ese ello ella él su sus allí ahí entonces otro otra otros otras ambos"
)
_BACK_REFERENCES = frozenset(_BACK_REFERENCE_WORDS.split())
_CONTINUATION = re.compile(
    r"\W*(?:and|but|or|so|also|then|what about|how about|what if|why|why not|how so|how come|really|"
    r"und|aber|oder|also|dann|wieso|warum|weshalb|was ist mit|wie steht es mit|"
    r"y|pero|o|entonces|por qué|qué hay de|qué pasa con)\b",
    re.I,
)
_DEFINITION_QUESTION = re.compile(  # "what is a pump?"; but "what is the price?" may refer to an earlier question
    r"\W*(?:what (?:is|are|was|were) (?!the\b)|what (?:does|do) (?!the\b).+ (?:do|mean)\W*$|who (?:is|was) (?!the\b)|"
    r"was (?:ist|sind|bedeutet|heißt) (?!der\b|die\b|das\b)|wer (?:ist|war) (?!der\b|die\b|das\b)|"
    r"qué (?:es|son|significa|hace) |quién (?:es|fue) (?!el\b|la\b))",
    re.I,
)
_NAMED_OWNER = re.compile(
    r"\w of (?:the )?[A-Z]\w|\b[A-Z]\w+['’]s \w|\w (?:von|aus) [A-ZÄÖÜ]\w|\w de (?:la |el )?[A-ZÁÉÍÓÚÑ]\w"
)
_FEW_WORDS = 3  # content words; a question with fewer seldom names its subject
_MAX_TURNS = 3  # earlier questions that are used
_MAX_WORDS = 12  # words taken from earlier questions


@dataclass(frozen=True, slots=True)
class QueryVariant:
    """Wording of a question to search for."""

    text: str
    is_expanded: bool = False  # True if completed with words of earlier questions


def list_query_variants(question: str, history: Sequence[str]) -> list[QueryVariant]:
    """Return the question as asked and, if it seems to be a follow-up, completed from `history` (oldest first)."""
    standalone = QueryVariant(question)
    if not history or not is_follow_up(question):
        return [standalone]
    taken = _collect_topic_words(question, history)
    return [standalone, QueryVariant(f"{question} {' '.join(taken)}", is_expanded=True)] if taken else [standalone]


def is_follow_up(question: str) -> bool:
    """Return whether the question seems to need an earlier one.

    True if it points back, or has few content words, unless it asks for the definition of a thing that it names, or for
    something of a person or place by name ("the capital of Mongolia").
    """
    if has_back_reference(question):
        return True
    words_of_its_own = len(_content_words(question))
    if words_of_its_own >= _FEW_WORDS or (words_of_its_own and _DEFINITION_QUESTION.match(question)):
        return False
    return not (words_of_its_own > 1 and _NAMED_OWNER.search(question))


def has_back_reference(question: str) -> bool:
    """Return whether the question holds a word that points back, or begins like a continuation ("and …")."""
    return bool(_BACK_REFERENCES.intersection(split_words(question))) or bool(_CONTINUATION.match(question))


def _collect_topic_words(question: str, history: Sequence[str]) -> list[str]:
    """Return the content words of the last question, and of those before it as long as each points back.

    Words that the question replaces ("and E7?" after E4, "and in 2016?" after 2015) are left out.
    """
    question_stems = {stem_word(word) for word in split_words(question)}
    topic_words: list[str] = []
    for earlier in reversed(history[-_MAX_TURNS:]):
        replaced = _list_replaced_words(question, earlier)
        for word in _content_words(earlier):
            if word not in replaced and stem_word(word) not in question_stems:
                question_stems.add(stem_word(word))
                topic_words.append(word)
        if not has_back_reference(earlier):
            break
    return topic_words[:_MAX_WORDS]


def _content_words(question: str) -> list[str]:
    small = STOPWORDS | _BACK_REFERENCES | list_function_words(question)
    return [word for word in split_words(question) if word not in small]


def _list_replaced_words(question: str, earlier: str) -> set[str]:
    """Return the numbers and codes of the earlier question for which this one names another."""
    asked = extract_identifiers(question)
    replaced = {code.number for code in extract_identifiers(earlier) if any(code.is_rival(other) for other in asked)}
    lengths = {len(word) for word in split_words(question) if word.isdecimal()}
    return replaced | {word for word in split_words(earlier) if word.isdecimal() and len(word) in lengths}
