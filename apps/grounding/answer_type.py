"""Detect what kind of thing a question asks for, and match sentences that hold something of that kind."""

from __future__ import annotations

import re

from apps.grounding.claim_features import extract_features
from apps.lib.text.analyzer import stem_word

_ASKS = (  # the first that matches counts
    (
        "amount",
        r"\bhow (?:many|much|few|often|long|far|tall|high|old|large|big|deep|fast|wide|heavy|hot|cold)\b|"
        r"\bwhat (?:percent|percentage|number|share|proportion|amount|population|size|age|price|cost|distance|rank|"
        r"ratio|rate|temperature|speed|height|length|area|score)\b|"
        r"\bwie ?(?:viele?n?|oft|lang|lange|weit|hoch|groß|gross|alt|tief|schnell|breit|schwer|teuer)\b|"
        r"\bwelche[rsnm]? (?:anzahl|preis|höhe|länge|größe|anteil|alter|temperatur)\b|"
        r"\bcuánt[oa]s?\b|\bqué (?:número|porcentaje|cantidad|tamaño|edad|precio|distancia)\b",
    ),
    (
        "time",
        r"\b(?:when|(?:what|which) (?:year|century|decade|month|day|date|time|season)|since when)\b|"
        r"\b(?:wann|welche[rsnm]? (?:jahr|jahrhundert|monat|tag|datum)|wie viel uhr)\b|"
        r"\b(?:cuándo|qué (?:año|siglo|mes|día|fecha|hora))\b",
    ),
    (
        "person",
        r"\b(?:who|whom|whose|(?:what|which) (?:person|man|woman|king|queen|president|author|actor|player|scientist|"
        r"director|singer|writer|emperor|pope|general))\b",
    ),
    (
        "place",
        r"\b(?:where|(?:what|which) (?:country|city|state|town|place|river|region|county|continent|island|location|"
        r"street|province))\b",
    ),
    ("reason", r"\b(?:why|what (?:caused|causes|(?:is|was) the (?:reason|cause|purpose)))\b"),
    ("name", r"\b(?:what|which)\b.{0,40}\b(?:name|called|named|title|known as|term)\b"),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _ASKS)
_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|januar|februar|märz|mai|"
    "juni|juli|oktober|dezember|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|"
    "diciembre"
)
_TIME = re.compile(
    rf"\b(?:1[0-9]{{3}}|20[0-9]{{2}})s?\b|\b(?:{_MONTHS})\b|\b\d{{1,2}}(?:st|nd|rd|th) century\b|\bcentur(?:y|ies)\b|"
    r"\b(?:spring|summer|autumn|winter|today|yesterday)\b|"
    r"\b(?:mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?)\b|"
    r"\b\d{1,4} ?(?:BC|BCE|AD|CE)\b|\b\d{1,2}(?::\d\d)? ?(?:a\.?m|p\.?m)\b|"
    r"\b(?:after|before|until|since|within|every) \d",
    re.I,
)  # fmt: skip
_REASON = re.compile(
    r"\b(?:because|due to|since|so that|in order to|as a result|therefore|thus|owing to|caused|causes|reason|led to|"
    r"to avoid|to prevent|to ensure|for fear|result(?:s|ed)? (?:in|from))\b",
    re.I,
)
_PLACE = re.compile(
    r"\b(?:in|at|on|near|from|to|into|of|across|outside|inside|between|north|south|east|west)\s+(?:the\s+)?[A-Z]"
)


def detect_answer_type(question: str) -> str:
    """Return the kind of answer: amount, time, person, place, reason, name, or "" where the question does not tell."""
    return next((kind for kind, pattern in _PATTERNS if pattern.search(question)), "")


def match_answer_type(kind: str, text: str, question: str) -> float:
    """Return 1 where the sentence holds something of that kind which the question does not name itself, else 0."""
    if kind == "time":
        asked = {found.casefold() for found in _TIME.findall(question)}
        return float(any(found.casefold() not in asked for found in _TIME.findall(text)))
    if kind == "amount":
        return float(bool(extract_features(text).numbers - extract_features(question).numbers))
    if kind in {"person", "name"}:
        return float(bool(extract_features(text).names - extract_features(question).terms))
    if kind == "place":
        return float(any(_new(text[found.end() - 1 :], question) for found in _PLACE.finditer(text)))
    if kind == "reason":
        return float(bool(_REASON.search(text)))
    return 0.0


def _new(text: str, question: str) -> bool:
    """Return whether the name that `text` begins with is none of the question's."""
    name = re.match(r"\w+", text)
    return name is not None and stem_word(name.group().casefold()) not in extract_features(question).terms
