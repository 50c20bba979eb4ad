"""What a sentence says that can be checked without understanding it: words, numbers, names, and whether it denies."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from apps.lib.words import STOPWORDS, normalise, stem

_TOKEN = re.compile(r"[^\W_]+(?:[.,]\d+)*(?:['’][^\W\d_]+)?|[%$€£¥.,;:!?()]")
_CLAUSE_ENDS = frozenset(".,;:!?()")
_SENTENCE_ENDS = frozenset(".!?:")
_REACH = 5  # content words that a denial reaches within its clause
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)$")
_ATTACHED = re.compile(r"(\d+(?:[.,]\d+)*)([^\W\d_]{1,4})$")  # 5km, 30s, 2nd


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _spelt() -> dict[str, int]:
    rows = (
        "zero|one first single|two second both twice pair|three third|four fourth|five fifth|six sixth|seven seventh|"
        "eight eighth|nine ninth|ten tenth|eleven eleventh|twelve twelfth dozen|thirteen|fourteen|fifteen|sixteen|"
        "seventeen|eighteen|nineteen|twenty"
    )
    found = {word: number for number, row in enumerate(rows.split("|")) for word in row.split()}
    return found | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}


_SPELT = _spelt()
_SCALE = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
SPELT = frozenset(stem(word) for word in (*_SPELT, *_SCALE))  # stems of numbers in words
_SOFT_NUMBERS = {"one", "first", "second", "single", "both", "pair", "twice"}  # said without meaning an amount
_NEGATIONS = _set(
    "not no never none neither nor nobody nothing nowhere without cannot cant dont doesnt didnt isnt arent "
    "wasnt werent wont wouldnt couldnt shouldnt hasnt havent hadnt fail fails failed lack lacks lacked unable "
    "refuse refused deny denied denies false hardly barely rarely seldom except unlike"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """`order` are the stems of the content words as they come; `names` are stems of words written like names."""

    order: tuple[str, ...]
    terms: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]
    denied: frozenset[str]  # stems that stand behind a word of denial, in the same clause


@lru_cache(maxsize=20_000)
def facts(text: str) -> Facts:
    """The facts of a short text."""
    order: list[str] = []
    names: set[str] = set()
    denied: set[str] = set()
    left = 0  # further content words that a denial reaches
    tokens = tokens_of(text)
    for place, token in enumerate(tokens):
        plain = normalise(token).replace("’", "'")
        bare = plain.removesuffix("'s").replace("'", "")
        if not bare[0].isalnum():
            left = 0 if token in _CLAUSE_ENDS else left
        elif bare in _NEGATIONS or plain.endswith("n't"):
            number = bare == "no" and place + 1 < len(tokens) and tokens[place + 1][0].isdigit()
            left = 0 if number else _REACH
        elif bare not in STOPWORDS:
            term = stem(bare)
            order.append(term)
            if left:
                denied.add(term)
                left -= 1
            if place and token[0].isupper() and tokens[place - 1] not in _SENTENCE_ENDS:
                names.add(term)
    return Facts(tuple(order), frozenset(order), _numbers(tokens), frozenset(names), frozenset(denied))


def tokens_of(text: str) -> list[str]:
    """Words, numbers and signs, as they are written."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text))


def is_amount(token: str) -> bool:
    """Whether it is a number, or a part of one in words."""
    plain = token.casefold().removesuffix("'s")
    return plain in _SCALE or _value(plain) is not None


def _numbers(tokens: list[str]) -> frozenset[str]:
    """Amounts in one spelling: 1,000 and "one thousand" are 1000, 5th is 5, 3.50 is 3.5."""
    found: set[str] = set()
    value: float | None = None
    soft = False
    for token in [*map(str.casefold, tokens), ""]:
        token = token.removesuffix("'s")
        number = _value(token)
        if number is not None and (value is None or value % 10 or value >= 100 or number >= 10):
            if value is not None and not soft:
                found.add(f"{value:.10g}")
            value, soft = number, token in _SOFT_NUMBERS
        elif number is not None and value is not None:
            value += number  # twenty-five
        elif token in _SCALE:
            value, soft = (1.0 if value is None else value) * _SCALE[token], value is None
        elif value is not None:
            if not soft:
                found.add(f"{value:.10g}")
            value = None
    return frozenset(found)


def _value(token: str) -> float | None:
    if token in _SPELT:
        return float(_SPELT[token])
    attached = _ORDINAL.match(token) or _ATTACHED.match(token)
    digits = attached[1] if attached else token
    if not _NUMBER.fullmatch(digits):
        return None
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits):
        digits = digits.replace(",", "")
    elif digits.count(",") == 1 and "." not in digits:
        digits = digits.replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return None
