"""Which of the old encodings a text is in, told by the alphabets of languages.

The statistics of `charset_normalizer` want long texts: of a short one, or one of few accents, they take Western for
Central European. A language uses few letters beside a to z, so an encoding is right that makes the odd bytes letters
of one language, and signs that stand where signs stand; or whole words of another script, with capitals in front only.
"""

from __future__ import annotations

import re

_ALPHABETS = {
    "cp1252": (
        "äöüßéèàç", "éèêëàâçîïôûùüÿœæ", "áéíóúüñ", "áâãàçéêíóôõúü", "àèéìíòóù", "åäöéæøáü", "áéíóúýþæöð", "éëïöüêèáó",
        "àèéíïòóúüç",
    ),
    "cp1250": ("áčďéěíňóřšťúůýž", "ąćęłńóśźż", "áéíóöőúüű", "áäčďéíĺľňóôŕšťúýž", "ăâîşţ", "čćđšž"),
    "cp1254": ("çğıİöşüâîû",),
    "iso8859-2": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "čćđšž"),
    "iso8859-15": ("éèêëàâçîïôûùüÿœæ€", "äöüßé€"),
}  # fmt: skip
_SIGNS = frozenset("€£§°²³µ·±×÷½¼¾©®™«»„“”‘’‚‹›–—…•¿¡ªº¹\xa0\xad")
_INSIDE = frozenset("’·\xad")  # of a word
_BEFORE = frozenset("°µ¿¡„“”«‘‚‹›»—–…•\xa0")  # a letter may follow
_SCRIPTS = {"cp1251": "\u0400-\u04ff", "cp1255": "\u05d0-\u05ea", "koi8-r": "\u0400-\u04ff", "cp1253": "\u0370-\u03ff"}
_VOWELS = frozenset("аеёиоуыэюяіїєўАЕЁИОУЫЭЮЯІЇЄЎ")
VOWELS = 0.3  # of Cyrillic letters; Hebrew, say, that is taken for them has fewer
KANA = 0.3  # of the letters of a Japanese text
MOST_FOREIGN = 0.05  # of the letters in words of another script
FEWEST = 4  # letters that show a script
MOST_ODD = 0.7  # of the letters; more of them are a text in other letters than Latin ones
SURE = 0.9  # of the odd characters fit


def told(data: bytes) -> str | None:
    """The encoding, or None where none of these makes sense of the bytes."""
    if found := _latin(data):
        return found
    return "euc_jp" if _is_japanese(data) else next((name for name in _SCRIPTS if _is_of(data, name)), None)


def _is_japanese(data: bytes) -> bool:
    try:
        text = data.decode("euc_jp")
    except UnicodeDecodeError:
        return False
    odd = sum(char > "\x7f" for char in text)
    return odd >= FEWEST and sum("\u3041" <= char <= "\u30fe" for char in text) >= KANA * odd


def _is_of(data: bytes, encoding: str) -> bool:
    """Whether what is no ASCII is words of the encoding's script: none has a capital behind a small letter."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    letters = _SCRIPTS[encoding]
    words = re.findall(rf"(?<![A-Za-z])[{letters}]+(?![A-Za-z])", text)
    if "\u0400" in letters and sum(char in _VOWELS for word in words for char in word) < VOWELS * len("".join(words)):
        return False
    inside = sum(len(word) for word in words if word.istitle() or word in {word.lower(), word.upper()})
    odd = sum(char > "\x7f" and char != "\xa0" for char in text)
    signs = sum(_in_place(text, at, char) for at, char in enumerate(text) if char in _SIGNS)
    return inside >= max(FEWEST, 3 * signs) and odd - inside - signs <= MOST_FOREIGN * odd


def _latin(data: bytes) -> str | None:
    best, most = None, SURE
    for encoding, alphabets in _ALPHABETS.items():
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        fits = _fits(text, alphabets)
        if fits > most:
            best, most = encoding, fits
    return best


def _fits(text: str, alphabets: tuple[str, ...]) -> float:
    """The share of characters beyond ASCII that stand where they are, in the language in which the most do."""
    odd = [(at, char) for at, char in enumerate(text) if char > "\x7f"]
    letters = [char for _, char in odd if char.isalpha()]
    if len(letters) > MOST_ODD * sum(map(str.isalpha, text)):
        return 0.0
    known = max(sum(char in alphabet or char.lower() in alphabet for char in letters) for alphabet in alphabets)
    signs = sum(_in_place(text, at, char) for at, char in odd if not char.isalpha() or char in "ªºµ")
    return (known + signs) / len(odd) if odd else 0.0


def _in_place(text: str, at: int, sign: str) -> bool:
    """Whether a sign stands where it can: few before a letter, hardly one inside a word."""
    before, after = at and text[at - 1].isalpha(), text[at + 1 : at + 2].isalpha()
    return sign in _SIGNS and (sign in _INSIDE or not after or (not before and sign in _BEFORE))
