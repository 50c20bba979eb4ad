"""Detect what kind of thing a question asks for."""

from __future__ import annotations

import re

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


def detect_answer_type(question: str) -> str:
    """Return the kind of answer: amount, time, person, place, reason, name, or "" where the question does not tell."""
    return next((kind for kind, pattern in _PATTERNS if pattern.search(question)), "")
