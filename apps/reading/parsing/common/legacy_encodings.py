"""Detect legacy encodings of short texts by the alphabets of languages. Pure.

`charset_normalizer` needs long texts: it takes short ones, or those with few accents, in a Western encoding for Central
European. A language uses few letters besides a to z. So an encoding is right if it turns the bytes above 127 into
letters of one language, with signs in their usual places. It is right, too, if it gives whole words of another script.
Chinese is recognised by its commonest characters: about every second one with the right encoding, hardly any with a
wrong one.
"""

from __future__ import annotations

import re

_WESTERN = (
    "äöüßéèàç", "éèêëàâçîïôûùüÿœæ", "áéíóúüñ", "áâãàçéêíóôõúü", "àèéìíòóù", "åäöéæøáü", "áéíóúýþæöð", "éëïöüêèáó",
    "àèéíïòóúüç",
)  # fmt: skip
_ALPHABETS = {
    "cp1252": (*_WESTERN, "äõöüšž"),
    "cp1250": ("áčďéěíňóřšťúůýž", "ąćęłńóśźż", "áéíóöőúüű", "áäčďéíĺľňóôŕšťúýž", "ăâîşţ", "čćđšž"),
    "cp1254": ("çğıİöşüâîû",),
    "iso8859-2": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "čćđšž"),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž"),
    "mac_roman": _WESTERN,
    "iso8859-15": ("éèêëàâçîïôûùüÿœæ€", "äöüßé€"),
}  # fmt: skip
_SIGNS = frozenset("€£§°²³µ·±×÷½¼¾©®™«»„“”‘’‚‹›–—…•¿¡ªº¹\xa0\xad")
_INSIDE = frozenset("’·\xad")  # signs inside a word
_BEFORE = frozenset("°µ¿¡„“”«‘‚‹›»—–…•\xa0")  # signs that a letter may follow
_SCRIPTS = {"cp1251": "\u0400-\u04ff", "cp1255": "\u05d0-\u05ea", "koi8-r": "\u0400-\u04ff", "cp1253": "\u0370-\u03ff"}
_VOWELS = frozenset("аеёиоуыэюяіїєўАЕЁИОУЫЭЮЯІЇЄЎ")
VOWELS = 0.3  # share of vowels in Cyrillic letters; Hebrew wrongly decoded as Cyrillic has fewer
# The commonest characters of Chinese prose, and of forms and web pages.
_COMMON = {
    "big5": (
        "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於下自之年過發後作用道行所然種事成方多經麼去法"
        "學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日者無力它長把機十民第公此已工使情明性知全三關點正業外"
        "將兩高間由問很最重並物手應向頭文體政美相見被利什二等產或新己制請您有效無法輸入選擇字數值檔案名稱使用者密碼登刪除更改"
    ),
    "gb18030": (
        "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于下自之年过发后作用道行所然种事成方多经么去法"
        "学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日者无力它长把机十民第公此已工使情明性知全三关点正业外"
        "将两高间由问很最重并物手应向头文体政美相见被利什二等产或新己制请您有效无法输入选择字数值文件名称使用户密码登录删除更改"
    ),
}  # fmt: skip
COMMON = 0.25  # share of common characters among the non-ASCII letters of a Chinese text, at least
KANA = 0.3  # share of kana among the non-ASCII characters of a Japanese text, at least
MOST_FOREIGN = 0.05  # share of the non-ASCII characters that may fit neither script nor signs
FEWEST = 4  # letters that a script must have
MOST_ODD = 0.7  # share of non-ASCII letters above which a text is not Latin
SURE = 0.9  # share of the non-ASCII characters that must fit a Latin encoding


def detect_legacy_encoding(data: bytes) -> str | None:
    """Return the encoding; None if none of these makes sense of the bytes."""
    if found := _detect_latin(data):
        return found
    if _is_japanese(data):
        return "euc_jp"
    return _detect_chinese(data) or next((name for name in _SCRIPTS if _is_of(data, name)), None)


def _is_japanese(data: bytes) -> bool:
    try:
        text = data.decode("euc_jp")
    except UnicodeDecodeError:
        return False
    odd = sum(char > "\x7f" for char in text)
    return odd >= FEWEST and sum("\u3041" <= char <= "\u30fe" for char in text) >= KANA * odd


def _detect_chinese(data: bytes) -> str | None:
    best, best_share = None, COMMON
    for encoding, characters in _COMMON.items():
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = [char for char in text if char.isalpha() and char > "\x7f"]
        common = sum(char in characters for char in odd)
        if common >= FEWEST and common > best_share * len(odd):
            best, best_share = encoding, common / len(odd)
    return best


def _is_of(data: bytes, encoding: str) -> bool:
    """Return whether the non-ASCII characters are words of the encoding's script, with capitals only in front."""
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


def _detect_latin(data: bytes) -> str | None:
    best, best_share = None, SURE
    for encoding, alphabets in _ALPHABETS.items():
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        fits = _fits(text, alphabets)
        if fits > best_share:
            best, best_share = encoding, fits
    return best


def _fits(text: str, alphabets: tuple[str, ...]) -> float:
    """Return the share of non-ASCII characters that are plausible, in the language for which most are."""
    odd = [(at, char) for at, char in enumerate(text) if char > "\x7f"]
    if sum(char.isalpha() for _, char in odd) > MOST_ODD * sum(map(str.isalpha, text)):
        return 0.0
    letters = [char for at, char in odd if char.isalpha() and not (char.isupper() and at and text[at - 1].islower())]
    known_letters = max(sum(char in alphabet or char.lower() in alphabet for char in letters) for alphabet in alphabets)
    signs = sum(_in_place(text, at, char) for at, char in odd if not char.isalpha() or char in "ªºµ")
    return (known_letters + signs) / len(odd) if odd else 0.0


def _in_place(text: str, at: int, sign: str) -> bool:
    """Return whether a sign is in a plausible place: few stand before a letter, hardly one inside a word."""
    before, after = at and text[at - 1].isalpha(), text[at + 1 : at + 2].isalpha()
    return sign in _SIGNS and (sign in _INSIDE or not after or (not before and sign in _BEFORE))
