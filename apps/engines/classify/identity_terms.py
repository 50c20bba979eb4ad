"""Replacement of names of groups of people by one neutral name before the text classifiers read a text.

A classifier learns which groups are attacked in its training texts, and then takes their bare name for hate. With one
name for every group, a sentence scores the same whichever group it is about. Slurs are not names of groups and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MANY, ONE = "immigrants", "immigrant"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Adjectives before "people", "woman" …, up to three in a row; those that are also nouns are in `_SINGLE`, too.
_DESCRIBING = _set(
    "african american arab asian bangladeshi black brazilian brown chinese colored coloured cuban dutch english "
    "ethiopian european filipino french german greek haitian hispanic hungarian indian indigenous irish iranian iraqi "
    "israeli italian japanese kenyan korean kurdish latino latina latinx mexican moroccan native nigerian pakistani "
    "palestinian persian polish portuguese romani romanian russian scottish serbian somali spanish syrian turkish "
    "ukrainian vietnamese white caucasian aboriginal afghan albanian muslim moslem christian jewish hindu buddhist "
    "sikh catholic protestant atheist islamic gay lesbian bisexual bi trans transgender transsexual homosexual queer "
    "lgbt lgbtq nonbinary intersex disabled handicapped blind deaf autistic elderly female male immigrant refugee "
    "migrant foreign undocumented"
)
_PEOPLE = _set(
    "people persons folks men women girls boys guys kids children citizens ladies students neighbours neighbors "
    "friends communities couples families"
)
_PERSON = _set("person man woman girl boy guy kid child citizen lady student neighbour neighbor friend couple family")
_MANY = _set(
    "muslims moslems christians jews hindus buddhists sikhs catholics protestants atheists gays lesbians bisexuals "
    "homosexuals transgenders transsexuals queers immigrants refugees migrants foreigners africans americans arabs "
    "asians blacks whites brazilians cubans germans greeks haitians hispanics indians iranians iraqis israelis "
    "italians kenyans koreans kurds latinos latinas mexicans moroccans nigerians pakistanis palestinians persians "
    "poles romanians russians scots serbs somalis syrians turks ukrainians roma filipinos caucasians aborigines "
    "afghans albanians women girls ladies females men boys males"
)
_SINGLE = _set(
    "muslim moslem christian jew hindu buddhist sikh catholic atheist gay lesbian bisexual homosexual transgender "
    "immigrant refugee migrant foreigner african arab asian brazilian cuban german greek haitian hispanic indian "
    "iranian iraqi israeli italian kenyan korean kurd latino latina mexican moroccan nigerian pakistani palestinian "
    "persian pole romanian russian scot serb somali syrian turk ukrainian filipino afghan albanian woman girl lady "
    "female man boy male"
)
_NAMES = _DESCRIBING | _MANY | _SINGLE
_MOST = 3
_WORD = re.compile(r"[^\W\d_]+")
_NO_LETTERS = {code: " " for code in range(128) if not chr(code).isalpha()}  # of ASCII


def neutralise_identity_terms(text: str) -> str:
    """Return the text with one name for every group. Unchanged if it names none; idempotent."""
    if _NAMES.isdisjoint(_words(text)):
        return text  # the usual case, in a tenth of the time
    words = [(match.group().casefold(), match.start(), match.end()) for match in _WORD.finditer(text)]
    parts: list[str] = []
    at = done = 0
    while at < len(words):
        last, name = _match_term(text, words, at)
        if name:
            parts += [text[done : words[at][1]], name]
            done = words[last][2]
        at = last + 1
    return "".join([*parts, text[done:]])


def _words(text: str) -> Iterable[str]:
    if text.isascii():
        return text.lower().translate(_NO_LETTERS).split()
    return map(str.casefold, _WORD.findall(text))


def _match_term(text: str, words: list[tuple[str, int, int]], at: int) -> tuple[int, str]:
    """Return the index of the last word of the group name that begins at word `at`, and its replacement; (at, "") if
    none begins there."""
    last = at
    while last - at < _MOST and words[last][0] in _DESCRIBING and _joined(text, words, last):
        last += 1
    for end in range(last, at - 1, -1):
        word, described = words[end][0], end > at
        if word in _MANY or (described and word in _PEOPLE):
            return end, MANY
        if word in _SINGLE or (described and word in _PERSON):
            return end, ONE
    return at, ""


def _joined(text: str, words: list[tuple[str, int, int]], at: int) -> bool:
    """Return whether the next word follows after one space or a hyphen."""
    return at + 1 < len(words) and text[words[at][2] : words[at + 1][1]] in (" ", "-")
