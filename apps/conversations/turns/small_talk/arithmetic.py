"""Read a sum in words or signs ("What is 17 * 23?", "12,5 % von 80") as an expression of the calculator. Pure."""

from __future__ import annotations

import re

from django.utils.translation import get_language

from apps.conversations.tools.builtin.calculator import MAX_CHARACTERS

_N = r"(\d[\d.,]*(?<=\d))"  # a number
_A = r"(?:the |der |die |das |la |el |un |una )?"
_PRODUCT = "product of|multiply|produkt (?:von|aus)|multipliziere|producto de|multiplica"
_WITH = "(?:and|by|und|mit|y|por)"
# Sums in words, in all languages of the interface, with the expression that the calculator reads.
_WORDS = tuple(
    (re.compile(pattern), expression)
    for pattern, expression in (
        (rf"(?:square root of|(?:quadrat)?wurzel (?:aus|von)|ra[ií]z cuadrada de|sqrt) *{_N}", r"sqrt(\1)"),
        (rf"(?:half of|h[äa]lfte von|mitad de) {_A}{_N}", r"\1 / 2"),
        (rf"(?:sum of|add|summe (?:von|aus)|addiere|suma de|suma) {_N} (?:and|to|und|zu|y|a) {_N}", r"\1 + \2"),
        (rf"(?:{_PRODUCT}) {_N} {_WITH} {_N}", r"\1 * \2"),
        (rf"(?:subtract|ziehe|subtrahiere|resta) {_N} (?:from|von|de|a) {_N}", r"\2 - \1"),
        (rf"(?:divide|teile|dividiere) {_N} (?:by|durch|entre|por) {_N}", r"\1 / \2"),
        (rf"do {_N} and {_N} (?:add up to|make)", r"\1 + \2"),
        (rf"{_N} *(?:squared|zum quadrat|al cuadrado)", r"\1 ^ 2"),
        (r"(?<=\d) *(?:percent|per cent|prozent|por ciento|%)(?: (?:of|von|de))?(?= *\d)", "% * "),
        (r"(?<=\d) *(?:percent|per cent|prozent|por ciento)(?! *\d)", "%"),
        (r"(?<=[\d)%]) *(?:to the power of|hoch|elevado a(?: la)?) *(?=[\d(])", " ^ "),
        (r"(?<=[\d)%]) *(?:divided by|geteilt durch|durch|dividido (?:por|entre)|entre|over) *(?=[\d(])", " / "),
        (r"(?<=[\d)%]) *(?:times|multiplied by|mal|multiplicado por|por|x) *(?=[\d(])", " * "),
        (r"(?<=[\d)%]) *(?:plus|más|mas) *(?=[\d(])", " + "),
        (r"(?<=[\d)%]) *(?:minus|menos|less) *(?=[\d(])", " - "),
    )
)  # fmt: skip
_MAX_CHARACTERS = 2 * MAX_CHARACTERS  # of a message that asks for a sum
_SPAN = re.compile(r"(?:sqrt\(|[-\d.,+*/^%()×÷:\s])+")
_OPERATOR = re.compile(r"(?<=[\d)%])\s*[-+*/^×÷:]\s*[\d(s-]|sqrt\(")
_COMMA = re.compile(r"(?<=\d),(?=\d+(?!\d))")
_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+(?![\d.])")  # thousands, where the comma is decimal


def read_sum(text: str) -> str:
    """Return the expression for the calculator; "" if the message holds none, further numbers, or much else."""
    if len(text) > _MAX_CHARACTERS:  # the patterns take quadratic time in long rows of digits
        return ""
    plain = _plain_numbers(" ".join(text.casefold().split()))
    for pattern, expression in _WORDS:
        plain = pattern.sub(expression, plain)
    spans = [span.group().strip(" .,:=") for span in _SPAN.finditer(plain)]
    found = [" ".join(span.split()) for span in spans if any(sign.isdigit() for sign in span)]
    if len(found) != 1 or len(found[0]) > MAX_CHARACTERS or not _OPERATOR.search(found[0]):
        return ""
    return found[0]


def _plain_numbers(text: str) -> str:
    """Return the text with decimal points and without thousands separators.

    In English, a comma before three digits separates thousands. In German and Spanish, commas are decimal and points
    separate thousands.
    """
    if (get_language() or "en").split("-")[0] == "en":
        return re.sub(r"(?<=\d),(?=\d{1,2}(?!\d)|\d{4})", ".", text)
    return _COMMA.sub(".", _GROUPS.sub(lambda group: group.group().replace(".", ""), text))
