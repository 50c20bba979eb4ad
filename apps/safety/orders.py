"""What a document has no reason to say to its reader: orders about the very next reply of whoever reads it.

Letters and exams ask for answers too ("include your number in your reply", "give two examples in your answer"). So the
order has to change the reply itself, disguise its letters, or carry an address or an advert into it. For passages only:
a person may ask the assistant for any of this.
"""

from __future__ import annotations

_BEGIN = r"(?:^|[.!?:\n] ?)"
_OWN = r"your (?:own |next |final )?(?:reply|response|answer|output|message)"
_LETTERS = r"(?:letters?|vowels?|consonants?|spaces?|typos?|words?|characters?|punctuation|digits?|misspellings?)"
_DISGUISE = (
    r"(?:morse|base ?\d\d|hexadecimal|binary|ascii|rot ?13|caesar|ciphers?|leet\w*|pig latin|emojis?|misspel\w+|typos?|"
    r"\w+ substitution|symbols|revers\w+|backwards?|anagrams?|scrambl\w+|atbash|upside down)"
)
_CARRIED = (
    r"(?:https?:|www\.|\w\.(?:com|net|org|xyz|info|example)\b|@\w+\.|\blinks?\b|advert\w*|promot\w+|download|donat\w+|"
    r"subscri\w+|sponsor\w*)"
)

# code, severity, pattern, unless: as in `phrases.py`
ORDERS: tuple[tuple[str, int, str, str], ...] = (
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}(?:modify|augment|supplement|enrich|alter|embellish|enhance|change) {_OWN} (?:to|with|by|so that)\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}in {_OWN}, (?:tease|promote|advertise|(?:suggest|urge|encourage|invite|direct|tell|recommend) "
        r"(?:that )?(?:the )?(?:users?|readers?|people|customers?|everyone|them)\b)",
        "",
    ),
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}(?:add|integrate|include|insert|embed|incorporate|weave|slip)\b(?:(?!\byour\b)[^\n]){{0,120}}"
        rf"{_CARRIED}(?:(?!\byour\b)[^\n]){{0,80}}\b(?:in|into|to|within) {_OWN}\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}(?:write|provide|give|render|encode|format|present|compose|deliver|spell|translate|convert) {_OWN} "
        rf"(?:\w+ ){{0,4}}{_DISGUISE}\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}(?:remove|replace|substitute|swap|introduce|reverse|scramble|shift|double|mix)\b[^\n.]{{0,30}}"
        rf"\b{_LETTERS} (?:in|of|from|within|into) {_OWN}\b",
        "",
    ),
)
