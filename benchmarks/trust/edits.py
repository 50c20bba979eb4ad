"""Light edits that keep a sentence true, like a model's paraphrase of its source. Pure."""

from __future__ import annotations

import re
from random import Random

from benchmarks.trust.lexicon import split_words

_BRACKET = re.compile(r" \([^()]{2,80}\)")
_CLAUSE = re.compile(r", (?:which|who|whose|where) [^,;()]{8,90}, (?!and\b|or\b|but\b)")
_OPENINGS = {
    "en": ("According to the document, ", "The document says that ", "The source states that ", "In short, "),
    "de": ("Im Dokument steht: ", "Laut der Quelle gilt: ", "Die Antwort lautet: ", "Kurz gesagt: "),
    "es": ("Según el documento, ", "El documento dice que ", "La fuente indica que ", "En resumen, "),
}
_BEFORE_NAMES = {"en": "The document says: ", "de": "Im Dokument steht: ", "es": "El documento dice: "}
_FUNCTION_WORDS = split_words(
    "the a an in on at by for from as after before during while when since because although there some many most all "
    "several both each every one two three its his her their this these el la los las un una en por para desde como "
    "después durante cuando aunque según su sus algunos algunas muchos muchas"
)
_SYNONYMS = {
    "en": {
        "began": "started", "large": "big", "located": "situated", "approximately": "roughly", "because of": "owing to",
        "known as": "called", "often": "frequently", "obtained": "got", "requires": "needs", "require": "need",
        "important": "significant", "however": "though", "primarily": "mainly", "near": "close to",
        "such as": "like", "main": "chief", "additionally": "also", "commonly": "usually", "therefore": "thus",
        "established": "set up", "founded": "established", "assist": "help", "mostly": "mainly",
        "so that": "in order that", "help": "assist", "typically": "usually",
    },
    "de": {
        "etwa": "ungefähr", "ungefähr": "etwa", "jedoch": "allerdings", "oft": "häufig", "häufig": "oft",
        "sowie": "und auch", "wichtig": "bedeutsam", "wichtigsten": "bedeutendsten",
        "insbesondere": "vor allem", "zum Beispiel": "beispielsweise", "begann": "startete",
        "wie zum Beispiel": "etwa", "rund": "ungefähr", "hauptsächlich": "vor allem", "aufgrund": "wegen",
        "befindet sich": "liegt", "verschiedene": "unterschiedliche", "daher": "deshalb",
    },
    "es": {
        "aproximadamente": "alrededor de", "sin embargo": "no obstante", "comenzó": "empezó",
        "debido a": "a causa de", "a menudo": "con frecuencia", "principalmente": "sobre todo", "además": "asimismo",
        "situado": "ubicado", "situada": "ubicada", "importante": "relevante", "importantes": "relevantes",
        "por lo tanto": "por tanto", "por ejemplo": "como", "conocido como": "llamado", "obtuvo": "consiguió",
        "conocida como": "llamada", "utiliza": "usa", "utilizan": "usan", "realizó": "hizo", "mediante": "por medio de",
    },
}  # fmt: skip


def edit_lightly(sentence: str, language: str, rng: Random) -> str:
    """Return the sentence shortened or with a synonym, or unchanged if neither is possible."""
    shortened = [edited for edited in (drop_bracket(sentence), drop_clause(sentence, language)) if edited != sentence]
    changed = swap_synonym(sentence, language, rng)
    edits = shortened + ([changed] if changed != sentence else [])
    return rng.choice(edits) if edits else sentence


def open_sentence(sentence: str, language: str, rng: Random) -> str:
    """Return the sentence after an opening by which a model refers to its source."""
    opening = rng.choice(_OPENINGS[language])
    first, _, rest = sentence.partition(" ")
    if opening.endswith(": ") or first.lower() not in _FUNCTION_WORDS:
        return (opening if opening.endswith(": ") else _BEFORE_NAMES[language]) + sentence
    return f"{opening}{first.lower()} {rest}"


def drop_bracket(sentence: str) -> str:
    """Return the sentence without its first bracket."""
    return _BRACKET.sub("", sentence, count=1)


def drop_clause(sentence: str, language: str) -> str:
    """Return an English sentence without a clause between commas that only adds to it."""
    return _CLAUSE.sub(" ", sentence, count=1) if language == "en" else sentence


def swap_synonym(sentence: str, language: str, rng: Random) -> str:
    """Return the sentence with one word changed for another of the same meaning."""
    words = _SYNONYMS[language]
    there = [word for word in words if re.search(rf"(?<![\w-]){word}(?![\w-])", sentence)]
    if not there:
        return sentence
    word = rng.choice(there)
    return re.sub(rf"(?<![\w-]){word}(?![\w-])", words[word], sentence, count=1)


_AND = {"en": "and", "de": "und", "es": "y"}


def join_places(sentence: str, other: str, language: str) -> str | None:
    """Return two sentences as one; None if the other begins with a word that may point back."""
    first = other.split()[0]
    if first.lower() in _POINTS_BACK or not all(re.search(r"[^\d.]\.$", text) for text in (sentence, other)):
        return None
    begin = first.lower() if first.lower() in _FUNCTION_WORDS | _ARTICLES else first
    return f"{sentence[:-1]}, {_AND[language]} {begin}{other[len(first) :]}"


_ARTICLES = split_words("der die das ein eine einer einige viele")
_POINTS_BACK = split_words(
    "he she it they this that these those his her its their such both another however but and although in on at also "
    "er sie es dies diese dieser dieses sein seine ihr ihre auch aber und dabei damit danach hier dort dann "
    "él ella ellos ellas esto esta este estos estas su sus pero también así allí"
)
