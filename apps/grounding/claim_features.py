"""Extract from a sentence what can be checked without understanding it: words, numbers, names and negations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from apps.grounding.lexicons import ENGLISH, LEXICONS, Lexicon, detect_language, iter_opposite_forms
from apps.lib.text.analyzer import STOPWORDS, normalise_text, stem_word

_TOKEN = re.compile(r"[^\W_]+(?:[.,]\d+)*(?:['’][^\W\d_]+)?|[%$€£¥.,;:!?()]")
_CLAUSE_ENDS = frozenset(".,;:!?()")
NUMBER_SIGNS = frozenset("%$€£¥")
_SENTENCE_ENDS = frozenset(".!?:")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)$")
_ATTACHED = re.compile(r"(\d+(?:[.,]\d+)*)([^\W\d_]{1,4})$")  # 5km, 30s, 2nd


_LEAST_WRITTEN = 2  # "one" and "eine" are mostly articles

NUMBER_WORD_STEMS = frozenset(  # stems of numbers in words
    stem_word(word) for lexicon in LEXICONS.values() for word in (*lexicon.numbers, *lexicon.scales)
)


@dataclass(frozen=True, slots=True)
class ClaimFeatures:
    """`term_order` are the stems of the content words as they come; `names` are stems of words written like names.

    `language` is the code of the lexicon that the text was read with.
    """

    term_order: tuple[str, ...]
    terms: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]
    negated_terms: frozenset[str]  # stems in the reach of a negation, in the same clause
    negations: int = 0  # number of negating words
    language: str = "en"


def extract_features(text: str, hint: str = "en") -> ClaimFeatures:
    """Return the facts of a short text, read in its own language, or in `hint` where its words do not tell it.

    Those of the last 4,000 texts are cached, so that quotes and support share what they read.
    """
    return _extract_features(text, hint)  # the cache would take calls with and without the default for two texts


@lru_cache(maxsize=4_000)  # some 6 MB
def _extract_features(text: str, hint: str) -> ClaimFeatures:
    language = detect_language(text, hint)
    lexicon = LEXICONS.get(language, ENGLISH)
    small = _function_words(language)
    order: list[str] = []
    names: set[str] = set()
    tokens = split_tokens(text)
    bares = list(map(normalise_token, tokens))
    negating = [_negates(token, bare, lexicon) for token, bare in zip(tokens, bares, strict=True)]
    for index, (token, bare) in enumerate(zip(tokens, bares, strict=True)):
        if not bare[0].isalnum() or negating[index] or bare in small:
            continue
        term = stem_word(bare)
        order.append(term)
        if index and token[0].isupper() and tokens[index - 1] not in _SENTENCE_ENDS:
            names.add(term)
    denied, negations = frozenset[str](), 0
    if any(negating):
        denied = frozenset(_find_denied(tokens, lexicon))
        negations = sum(
            negates and token[0].isalnum() and behind not in lexicon.softeners
            for token, negates, behind in zip(tokens, negating, [*bares[1:], "."], strict=True)
        )
    numbers = _find_numbers(tokens, lexicon)
    return ClaimFeatures(tuple(order), frozenset(order), numbers, frozenset(names), denied, negations, language)


@lru_cache(maxsize=4)
def _function_words(language: str) -> frozenset[str]:
    """Return the words without content: stop words, and the small words of another language but its contraries."""
    lexicon = LEXICONS.get(language, ENGLISH)
    if lexicon is ENGLISH:
        return STOPWORDS
    return STOPWORDS | (lexicon.function_words - {form for form, _ in iter_opposite_forms(lexicon)})


def normalise_token(token: str) -> str:
    """Return a token case-folded, without its apostrophes."""
    return normalise_text(token).replace("’", "'").removesuffix("'s").replace("'", "")


def _negates(token: str, bare: str, lexicon: Lexicon) -> bool:
    """Return whether a token negates. `bare` is the token normalised."""
    return bare in lexicon.negations or normalise_text(token).replace("’", "'").endswith("n't")


def _find_denied(tokens: list[str], lexicon: Lexicon) -> Iterator[str]:
    """Yield the stems of the words that a negation of their clause reaches."""
    for clause in _split_clauses(tokens):
        left, whole = 0, False
        for index, token in enumerate(clause):
            if _negates(token, normalise_token(token), lexicon):
                behind = normalise_token(clause[index + 1]) if index + 1 < len(clause) else ""
                numbered = normalise_token(token) == "no" and behind[:1].isdigit()  # "No. 5", "no 5"
                if numbered or behind in lexicon.softeners:
                    left = 0
                elif lexicon.negation_reach is None:
                    whole = True
                else:
                    left = lexicon.negation_reach
            elif left and normalise_token(token) not in STOPWORDS:
                left -= 1
                yield stem_word(normalise_token(token))
        if whole:
            bares = ((token, normalise_token(token)) for token in clause)
            words = (bare for token, bare in bares if not _negates(token, bare, lexicon))
            yield from (stem_word(word) for word in words if word not in lexicon.function_words)


def _split_clauses(tokens: list[str]) -> Iterator[list[str]]:
    clause: list[str] = []
    for token in tokens:
        if token in _CLAUSE_ENDS:
            yield clause
            clause = []
        elif token[0].isalnum():
            clause.append(token)
    yield clause


def split_tokens(text: str) -> list[str]:
    """Words, numbers and signs, as they are written."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text))


def split_words(text: str) -> list[str]:
    """Return the words and numbers of a text, normalised, and the signs that belong to numbers, such as "$"."""
    return [normalise_token(token) for token in split_tokens(text) if token[0].isalnum() or token in NUMBER_SIGNS]


def is_amount(token: str) -> bool:
    """Return whether a token is a number, or a part of one in English words."""
    plain = token.casefold().removesuffix("'s")
    return plain in ENGLISH.scales or number_value(plain, ENGLISH) is not None


def _find_numbers(tokens: list[str], lexicon: Lexicon) -> frozenset[str]:
    """Return amounts in one spelling: 1,000 and "one thousand" are 1000, 5th is 5, 3.50 is 3.5."""
    found: set[str] = set()
    value: float | None = None
    soft = False
    for token in [*map(str.casefold, tokens), ""]:
        token = token.removesuffix("'s")
        number = number_value(token, lexicon)
        if number is not None and (value is None or value % 10 or value >= 100 or number >= 10):
            if value is not None and not soft:
                found.add(f"{value:.10g}")
            value, soft = number, token in lexicon.soft_numbers
        elif number is not None and value is not None:
            value += number  # twenty-five
        elif token in lexicon.scales:
            value, soft = (1.0 if value is None else value) * lexicon.scales[token], value is None
        elif value is not None and token not in lexicon.joiners:
            if not soft:
                found.add(f"{value:.10g}")
            value = None
    return frozenset(found)


def number_value(token: str, lexicon: Lexicon) -> float | None:
    """Return the number that one case-folded token stands for, in digits or as a word; None for any other token."""
    if token in lexicon.numbers:
        return float(lexicon.numbers[token])
    if not token[:1].isdigit():
        return None
    attached = _ORDINAL.match(token) or _ATTACHED.match(token)
    digits = attached[1] if attached else token
    if not _NUMBER.fullmatch(digits):
        return None
    thousands = "," if lexicon.decimal_mark == "." else "."
    if re.fullmatch(rf"\d{{1,3}}(\{thousands}\d{{3}})+(\{lexicon.decimal_mark}\d+)?", digits):
        digits = digits.replace(thousands, "").replace(lexicon.decimal_mark, ".")
    elif digits.count(",") == 1 and "." not in digits:
        digits = digits.replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return None


def write_digits(text: str, language: str) -> str:
    """Return the text with numbers from 2 written in digits: "thirty days" as "30 days".

    Numbers of several words ("thirty-five", "two hundred") stay, as do words that often mean no amount ("both").
    """
    lexicon = LEXICONS.get(language, ENGLISH)

    def written(found: re.Match[str]) -> str:
        words = found[0].casefold().replace("-", " ").split()
        value = lexicon.numbers.get(words[0], 0) if len(words) == 1 else 0
        return str(value) if value >= _LEAST_WRITTEN and words[0] not in lexicon.soft_numbers else found[0]

    return _number_words(language).sub(written, text)


@lru_cache(maxsize=4)
def _number_words(language: str) -> re.Pattern[str]:
    """Match runs of number words of a language."""
    lexicon = LEXICONS.get(language, ENGLISH)
    one = "|".join(map(re.escape, sorted((*lexicon.numbers, *lexicon.scales), key=len, reverse=True)))
    return re.compile(rf"\b(?:{one})(?:[\s-]+(?:{one}))*\b", re.IGNORECASE)
