"""Detect the language of a text by its script and its function words. Pure.

`detect_language_code` is for documents, `guess_language` for short texts such as questions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

SAMPLE = 20_000  # characters from beginning, middle and end of the text
MIN_WORD_SHARE = 0.06  # share of the words that must be function words of one language; prose has 0.2 to 0.5
MIN_WORDS = 3  # function words of one language, at least
_WORD = re.compile(r"[^\W\d_]+")

# Scripts of one widely used language each; languages that share a script are distinguished by words.
_SCRIPTS = (
    (re.compile("[\u3040-\u30ff]"), "ja", 0.05), (re.compile("[\uac00-\ud7af]"), "ko", 0.2),
    (re.compile("[\u4e00-\u9fff]"), "zh", 0.2), (re.compile("[\u0e00-\u0e7f]"), "th", 0.3),
    (re.compile("[\u0370-\u03ff]"), "el", 0.3), (re.compile("[\u0590-\u05ff]"), "he", 0.3),
    (re.compile("[\u0900-\u097f]"), "hi", 0.3), (re.compile("[\u0980-\u09ff]"), "bn", 0.3),
    (re.compile("[\u0b80-\u0bff]"), "ta", 0.3), (re.compile("[\u10a0-\u10ff]"), "ka", 0.3),
    (re.compile("[\u0530-\u058f]"), "hy", 0.3),
)  # fmt: skip

_SMALL = {
    "en": "the of and to in is that for it as was with on be by are this from or an which not have at you we but has "
    "they their can will its were been more one if what who how when where why does did do there",
    "de": "der die das und in den von zu ist mit nicht ein eine im dem des für auf sich als auch es an werden aus er "
    "hat dass sie nach wird bei einer um am sind noch wie einem über oder ich wir wer was wann wo warum wenn welche "
    "welcher welches kann muss",
    "fr": "le la les de des et en un une du que est pour dans qui sur par au pas plus il ne se avec ce sont ou cette "
    "aux comme être mais nous vous leur été elle",
    "es": "el la los las de y en un una que es del se por con para no como su al lo más este pero sus entre ha son o "
    "está fue ser también desde hasta muy qué cuál cómo cuándo dónde quién quiénes cuáles cuánto cuánta cuántos "
    "cuántas",
    "it": "il la le di e in un una che è del della per con non sono si da come al dei nel anche più alla ha delle "
    "questo gli ma lo essere dal stato degli",
    "pt": "o a os as de e em um uma que é do da para com não por se no na mais dos como das ao foi são ou ser sua "
    "pela também já mas pelo está seu à",
    "nl": "de het een en van in is dat op te voor met niet zijn aan die er als om ook door maar bij uit naar dan wordt "
    "heeft nog werd worden over hij deze tot",
    "sv": "och i att det som en på är av för med den till inte har de ett om var men sig så kan från vi eller när ska "
    "vid även ut då",
    "da": "og i at det en den til er som på de med han af for ikke der var mig sig men et har om vi min havde ham hun "
    "nu over da fra du ud sin dem os op",
    "nb": "og i det på er som en til å av for at med ikke den har de om et var seg men så fra kan vi skal ble når blir "
    "være også etter eller bare",
    "fi": "ja on ei että se oli hän ovat mutta kun myös joka tai niin jos sen kuin hänen vain ole joka mitä ollut sekä "
    "voi nyt tämä kanssa ne",
    "pl": "i w na z się nie do to że jest o jak po co tak za od jego ale ma przez są oraz przy dla które był jej lub "
    "być który tym już",
    "cs": "a v se na je že o s z do to i jako za by pro k ale jsou po ve který jeho od při nebo také byl není už které "
    "jsem podle bylo",
    "hu": "a az és hogy nem is egy van volt ez meg csak de mint el már ki ha még azt vagy lehet minden után között "
    "majd akkor pedig",
    "ro": "și de la în a o cu nu care pe din este un pentru se mai ce sunt au al prin fi lui sau dar ca fost după "
    "această între",
    "tr": "ve bir bu için ile de da olarak daha çok olan gibi ne en kadar ancak sonra var olduğu her veya ya ki değil "
    "tarafından",
    "ca": "el la els les de i en un una que és del per amb no com al més a es dels són va o també seva aquest han",
    "id": "yang dan di untuk dengan dari ini dalam pada tidak itu adalah ke akan oleh sebagai atau juga telah dapat "
    "karena mereka ada",
    "vi": "và của là có được cho trong không với các một những người này đã khi để từ đến như về cũng ra",
    "ru": "и в не на что с он как по это но из у за то же от для так все был его о до при или если они мы был быть "
    "только также",
    "uk": "і в не на що з як до та це від за про його але для є у які було або при так також щоб цей бути може",
    "bg": "и в на да се не за от са по че с е като до или това ще при към които но беше след има",
    "sr": "и у је да на се за од са не су као што или али по из који би о до",
    "ar": "في من على إلى أن عن التي هذا مع هذه الذي كان لا ما أو بين كل قد بعد هو ذلك لم",
    "fa": "و در به از که این را با است برای آن یک تا می بر شد شده خود هم کرد نیز",
}
_OF: dict[str, set[str]] = {}
for _code, _words in _SMALL.items():
    for _word in _words.split():
        _OF.setdefault(_word, set()).add(_code)


def detect_language_code(texts: Iterable[str]) -> str:
    """Return the ISO 639-1 code of the language; "" if unclear: too little text, tables, a language not listed."""
    text = _sample("\n".join(texts))
    if code := _script(text):
        return code
    words = Counter(_WORD.findall(text.lower()))
    votes: Counter[str] = Counter()
    for word in words.keys() & _OF.keys():
        for code in _OF[word]:
            votes[code] += words[word]
    best = votes.most_common(2)
    if not best or best[0][1] < max(MIN_WORDS, MIN_WORD_SHARE * words.total()):
        return ""
    return best[0][0] if len(best) < 2 or best[0][1] > best[1][1] else ""


@lru_cache(maxsize=4_000)
def guess_language(text: str, candidates: frozenset[str] = frozenset()) -> str:
    """Return the ISO 639-1 code of the language with the most function words in a short text, of those in `candidates`.

    Empty `candidates`: of all. Returns "" if no language has any, or two have equally many.
    """
    if code := _script(text):
        return code
    votes = Counter(code for word in _WORD.findall(text.lower()) for code in _OF.get(word, ()))
    best = Counter({code: count for code, count in votes.items() if not candidates or code in candidates}).most_common(
        2
    )
    return best[0][0] if best and (len(best) < 2 or best[0][1] > best[1][1]) else ""


def list_function_words(text: str) -> frozenset[str]:
    """Return the function words of the text's language; empty if the language is not clear."""
    return frozenset(_SMALL.get(guess_language(text), "").split())


def _script(text: str) -> str:
    """Return the language whose own script has enough of the letters; "" if none has."""
    if text.isascii():
        return ""
    times = Counter(text)  # so that each distinct character is tested once
    letters = sum(count for char, count in times.items() if char.isalpha())
    if letters < 4:
        return ""
    for pattern, code, share in _SCRIPTS:
        if sum(times[char] for char in pattern.findall("".join(times))) >= share * letters:
            return code
    return ""


def _sample(text: str) -> str:
    part = SAMPLE // 3
    if len(text) <= SAMPLE:
        return text
    middle = len(text) // 2
    return "\n".join((text[:part], text[middle : middle + part], text[-part:]))
