"""Perturbations that change exactly one thing in a true sentence, so that its source no longer supports it. Pure.

`list_variants(kind, sentence, language)` returns every change of one kind that the words of the sentence allow: number,
negation, antonym, modality, quantifier, order, hedge, unit, currency, exchanged_numbers. `swap_names`,
`exchange_names`, `recombine` and `plant_references` also need to know what is a name, or the text around it.
Written for the benchmark alone: no training of a model may use these rules or their output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, combinations

from benchmarks.trust.lexicon import (
    ANTONYMS,
    CALENDAR,
    CURRENCIES,
    HEDGES,
    MODALS,
    NUMBER_WORDS,
    ORDER,
    PREPOSITIONS,
    QUANTIFIERS,
    REFERENCES,
    SIDES,
    UNITS,
    split_words,
)

Variants = Iterator[str]

_NUMBER = re.compile(r"(?<![\w.,:/§–-])(?<!\d )\d+(?:[.,]\d+)*(?![\w/:°]|[–-]\d| \d{3}\b)")
_BOUND = re.compile(
    r"(?:more than|over|at least|less than|fewer than|under|up to|almost|nearly|about|around|some|mehr als|über|weniger"
    r" als|mindestens|bis zu|fast|etwa|rund|ungefähr|más de|menos de|al menos|hasta|casi|unos|unas|alrededor de)\s*$"
)  # "more than 19" follows from "more than 20"
_NAME = re.compile(
    r"(?<=[a-zà-ÿ,;] )[A-ZÀ-Þ][\w'’-]*\w(?:(?: (?:of|de|del|von|van|the|la|der|du))? [A-ZÀ-Þ][\w'’-]*\w|(?<= )[A-Z]\.)*"
)
_IDIOM = re.compile(r"\b(?:no|any|at|nicht|nunca|no) $")  # "no longer", "at first", "at last"
_SUBJECT = {
    "en": re.compile(r"^((?:[\w'’.-]+ ){1,7}?)(is|are|was|were|has|have|had|can|could|may|must|will|became|contains) "),
    "de": re.compile(r"^((?:[\w'’.-]+ ){1,6}?)(ist|sind|war|waren|wurde|wurden|wird|hat|haben|hatte|kann|können) "),
    "es": re.compile(r"^((?:[\w'’.-]+ ){1,7}?)(es|son|era|eran|fue|fueron|está|están|tiene|tienen|puede|pueden|ha) "),
}
_PRONOUNS = split_words(
    "he she it they this that these those there who which what i we you one another both other others such some most "
    "er sie es dies diese dieser dieses das hier dort man wir ich einige viele él ella ellos ellas esto esta este "
    "estos estas eso ese esa esos esas hay se lo su sus his her its their ihr ihre sein seine dabei damit dadurch "
    "however but and although in on at by for from after during when while if as since im am in bei nach seit auf mit "
    "en por para desde durante cuando si aunque como tras según pero y aber und wenn obwohl sowohl"
)


def list_variants(kind: str, sentence: str, language: str) -> list[str]:
    """Return a variant of the sentence for every place where that kind of change is possible."""
    makers: Mapping[str, Callable[[str, str], Variants]] = {
        "number": _change_numbers, "negation": _negate, "antonym": _swap_antonyms, "modality": _swap_modals,
        "quantifier": _swap_quantifiers, "order": _exchange_order, "hedge": _drop_hedges, "unit": _swap_units,
        "currency": _swap_currencies, "exchanged_numbers": _exchange_numbers,
    }  # fmt: skip
    return [variant for variant in dict.fromkeys(makers[kind](sentence, language)) if variant != sentence]


def find_names(text: str, known: AbstractSet[str] | None = None) -> list[str]:
    """Return the names inside the sentences of a text. `known`: words that are names, for a language that writes every
    noun with a capital; None: a capital is enough."""
    names = (match.group() for match in _NAME.finditer(text))
    return [name for name in names if _is_name(name, known)]


def swap_names(sentence: str, others: Sequence[tuple[str, str]], known: AbstractSet[str] | None = None) -> list[str]:
    """Return the sentence with one name changed for another. `others` are pairs (word before it, name). Used are those
    after the same word, with as many words, and without a word of the sentence."""
    words = _stems(sentence)
    found = []
    for match in _NAME.finditer(sentence):
        if not _is_name(match.group(), known):
            continue
        before = sentence[: match.start()].split()[-1].lower()
        for word, name in others:
            if word != before or _form(name) != _form(match.group()):
                continue
            if not words & _stems(name):
                found.append(sentence[: match.start()] + name + sentence[match.end() :])
    return found


def exchange_names(sentence: str, known: AbstractSet[str] | None = None) -> list[str]:
    """Return the sentence with two names in each other's place, but not of names in a row, whose order says nothing."""
    names = [match for match in _NAME.finditer(sentence) if _is_name(match.group(), known)]
    counts = dict.fromkeys(len(match.group().split()) for match in names)
    return [
        text
        for count in counts
        for text in _exchange(sentence, [match for match in names if len(match.group().split()) == count])
    ]


def place_names(text: str, known: AbstractSet[str] | None = None) -> list[tuple[str, str]]:
    """Return (word before, name) for the names of a text after a preposition, such as "in" or "by"."""
    found = []
    for match in _NAME.finditer(text):
        before = text[: match.start()].split()[-1].lower()
        if before in PREPOSITIONS and _is_name(match.group(), known):
            found.append((before, match.group()))
    return found


def recombine(
    sentence: str, others: Sequence[str], language: str, known: AbstractSet[str] | None = None
) -> tuple[list[str], list[str], list[str]]:
    """Return the sentence with a name, with a number, and with its subject from other sentences of its passage."""
    names = list(chain.from_iterable(place_names(other, known) for other in others))
    return (
        swap_names(sentence, names, known),
        list(_borrow_numbers(sentence, others)),
        list(_borrow_subjects(sentence, others, language)),
    )


def plant_references(sentence: str, others: Sequence[str], language: str, at: int) -> tuple[list[str], list[str]]:
    """Return sentence and others as a handbook prints them, each with a place of its own, and claims about the sentence
    that name another place. `at`, from 0, varies the form."""
    form, opening = REFERENCES[language][at % len(REFERENCES[language])]
    chapter, page = 2 + at % 7, 12 + at * 7 % 180
    places = [(f"{chapter + n // 2}.{1 + (at + n) % 4 + n}", str(page + 5 * n)) for n in range(len(others) + 1)]
    printed = [_append(text, form.format(*place)) for text, place in zip((sentence, *others), places, strict=True)]
    section, own = places[0]
    wrong = [(section, str(int(own) + 1 + at % 6)), (f"{chapter}.{1 + at % 4 + 6}", own)]
    wrong += [(other, own) for other, _ in places[1:2]] + [(section, other) for _, other in places[1:2]]
    claims = [_append(sentence, form.format(*place)) for place in wrong]
    claims += [opening.format(*place) + sentence for place in wrong]
    said = {printed[0], opening.format(section, own) + sentence}
    return printed, [
        claim for claim in dict.fromkeys(claims) if claim not in said and _places(claim) != _places(printed[0])
    ]


def _places(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text)


def _append(sentence: str, place: str) -> str:
    return f"{sentence[:-1]} {place}."


def _form(name: str) -> tuple[int, bool, bool, bool]:
    """Return the properties that interchangeable names share: number of words, final "s", capitals, adjective of a
    people."""
    return (
        len(name.split()),
        name.endswith("s"),
        name.isupper(),
        re.search(r"(?:an|ish|ese|ic|ch)s?$", name) is not None,
    )


def _stems(text: str) -> frozenset[str]:
    """Return how the words of a text begin: "Polish" is no other name than "Poland"."""
    return frozenset(word[:3] for word in re.findall(r"\w{3,}", text.lower()))


def _is_name(name: str, known: AbstractSet[str] | None) -> bool:
    if name.split()[0].lower() in CALENDAR:
        return False
    return known is None or all(word in known for word in re.findall(r"[^\W\d_]{3,}", name))


def _replace(sentence: str, match: re.Match[str], new: str, group: int = 0) -> str:
    old = match.group(group)
    new = new[:1].upper() + new[1:] if old[:1].isupper() and match.start(group) == 0 else new
    return sentence[: match.start(group)] + new + sentence[match.end(group) :]


def _find(word: str, sentence: str) -> Iterator[re.Match[str]]:
    """Yield the matches of a whole word, in lower case or at the beginning of the sentence."""
    begin = word[:1].upper() + word[1:]
    yield from re.finditer(rf"(?<![\w'-]){re.escape(word)}(?![\w'-])|^{re.escape(begin)}(?![\w'-])", sentence)


def _change_numbers(sentence: str, language: str) -> Variants:
    for match in _NUMBER.finditer(sentence):
        if not _BOUND.search(sentence[: match.start()].lower()):
            for new in _other_numbers(match.group()):
                if not re.search(rf"(?<!\d){re.escape(new)}(?!\d)", sentence):
                    yield _replace(sentence, match, new)
    for word, others in NUMBER_WORDS[language].items():
        for match in _find(word, sentence):
            if not _BOUND.search(sentence[: match.start()].lower()):
                yield from (_replace(sentence, match, other) for other in others)


def _other_numbers(number: str) -> list[str]:
    """Return numbers of the same form: a year near it, a day or count near it, else with another first digit."""
    if number.isdigit() and len(number) <= 2:
        value, least = int(number), 10 ** (len(number) - 1)
        return [str(n) for n in (value - 3, value - 1, value + 2, value + 4) if least <= n < 10 * least]
    if re.fullmatch(r"1\d{3}|20[0-3]\d", number):
        return [str(int(number) + step) for step in (-12, -3, 2, 9)]
    return [str(int(number[0]) % 9 + 1) + number[1:]]


def _swap_antonyms(sentence: str, language: str) -> Variants:
    for word, other in ANTONYMS[language].items():
        for match in _find(word, sentence):
            if not _IDIOM.search(sentence[: match.start()]):
                yield _fit_article(_replace(sentence, match, other), match.start())


def _fit_article(sentence: str, at: int) -> str:
    """Return the sentence with "a" or "an" as the word at that place wants it."""
    article = re.search(r"\b([Aa])n? $", sentence[:at])
    if article is None:
        return sentence
    return sentence[: article.start()] + article.group(1) + ("n " if sentence[at] in "aeiou" else " ") + sentence[at:]


def _swap_modals(sentence: str, language: str) -> Variants:
    for pattern, other in MODALS[language]:
        for match in re.finditer(pattern, sentence):
            yield _replace(sentence, match, other, 1)


def _swap_quantifiers(sentence: str, language: str) -> Variants:
    for pattern, other in QUANTIFIERS[language]:
        for match in re.finditer(pattern, sentence):
            yield _replace(sentence, match, other, 1)


_IN_A_ROW = re.compile(r"(?:,|;|/|\+|&|\band\b|\bor\b|\bund\b|\boder\b|\by\b|\bo\b|–|-|\s)*")


def _exchange(sentence: str, matches: Sequence[re.Match[str]]) -> Variants:
    """Yield the sentence with two of the matches in each other's place."""
    for one, other in combinations(matches, 2):
        between = sentence[one.end() : other.start()]
        if one.group() != other.group() and not _IN_A_ROW.fullmatch(between):
            yield sentence[: one.start()] + other.group() + between + one.group() + sentence[other.end() :]


def _exchange_numbers(sentence: str, language: str) -> Variants:
    matches = list(_NUMBER.finditer(sentence))
    for kind in dict.fromkeys(_is_year(match.group()) for match in matches):
        yield from _exchange(sentence, [match for match in matches if _is_year(match.group()) is kind])


def _is_year(number: str) -> bool:
    return _shape(number) == "year"


def _exchange_order(sentence: str, language: str) -> Variants:
    """Yield the sentence with the two sides of a comparison, of a cause or of a time exchanged, or "before" for
    "after"."""
    for pattern in SIDES[language]:
        if (match := re.match(pattern, sentence)) is not None:
            first, link, second, end = match.groups()
            lowered = first if find_names(f"in {first.split()[0]}") else first[:1].lower() + first[1:]
            yield f"{second[:1].upper()}{second[1:]} {link} {lowered}{end}"
    for pattern, other in ORDER[language]:
        for match in re.finditer(pattern, sentence):
            yield _replace(sentence, match, other)


def _drop_hedges(sentence: str, language: str) -> Variants:
    for pattern, other in HEDGES[language]:
        for match in re.finditer(pattern, sentence):
            yield re.sub(r"  +", " ", sentence[: match.start()] + other + sentence[match.end() :])


def _swap_units(sentence: str, language: str) -> Variants:
    for word, other in UNITS[language].items():
        for match in re.finditer(rf"(?<=\d )({word})(?![\w-])", sentence):
            yield _replace(sentence, match, other, 1)


def _swap_currencies(sentence: str, language: str) -> Variants:
    for pattern, other in CURRENCIES[language]:
        for match in re.finditer(pattern, sentence):
            yield _replace(sentence, match, other)


def _negate(sentence: str, language: str) -> Variants:
    if language == "en":
        yield from _negate_english(sentence)
    elif language == "de":
        yield from _negate_german(sentence)
    else:
        yield from _negate_spanish(sentence)


_EN_AUX = re.compile(
    r"\b(is|are|was|were|can|could|will|would|should|must|did|does|do|(?:has|have|had)(?= (?:been|become|\w+ed)\b))"
    r"(?= (?!not\b|never\b|no\b|only\b|also\b|cannot\b|still\b|often\b|both\b|either\b|neither\b|to\b|n't)[\w])"
)
_EN_OUT = re.compile(
    r"(?<=\b)(?:(?<=is)|(?<=are)|(?<=was)|(?<=were)|(?<=can)|(?<=could)|(?<=will)|(?<=would)|(?<=should)|(?<=may)"
    r"|(?<=must)|(?<=has)|(?<=have)|(?<=had)) (?:not|never|no longer)\b(?! only| just| merely| necessarily)"
)


def _negate_english(sentence: str) -> Variants:
    for match in _EN_AUX.finditer(sentence):
        yield sentence[: match.end()] + " not" + sentence[match.end() :]
    for match in _EN_OUT.finditer(sentence):
        yield sentence[: match.start()] + sentence[match.end() :]
    for match in re.finditer(r"\bcannot\b", sentence):
        yield _replace(sentence, match, "can")


_DE_PARTICIPLE = re.compile(
    r"\b(?:ist|sind|war|waren|wird|werden|wurde|wurden|hat|haben|hatte|hatten|kann|können|konnte|konnten|muss|müssen)\b"
    r"[^,;:()]*? ((?:\w+)?ge\w{3,}(?:t|en)|\w{3,}iert|be\w{3,}t|er\w{3,}t|ver\w{3,}(?:t|en)|ent\w{3,}(?:t|en))"
    r"(?: (?:werden|worden|haben|sein))?(?=[.,;])"
)
_DE_OUT = re.compile(r" (?:nicht|nie|niemals)\b(?! (?:nur|zuletzt|unbedingt|mehr|nicht|einmal))")
_DE_NONE = re.compile(r"\b(k)(?=eine?[rnms]?\b)", re.IGNORECASE)
_DE_A = re.compile(r"\b(?:ist|sind|war|waren|hat|haben|hatte|gibt es) (eine?[nr]?)(?= (?:der|des)\b)?(?= \w)")


def _negate_german(sentence: str) -> Variants:
    if not re.search(r"\b(?:nicht|kein\w*|nie|niemals|weder|kaum)\b", sentence):
        for match in _DE_PARTICIPLE.finditer(sentence):
            if match.group(1)[0].islower():
                yield sentence[: match.start(1)] + "nicht " + sentence[match.start(1) :]
        for match in _DE_A.finditer(sentence):
            yield sentence[: match.start(1)] + "k" + sentence[match.start(1) :]
    for match in _DE_OUT.finditer(sentence):
        yield sentence[: match.start()] + sentence[match.end() :]
    for match in _DE_NONE.finditer(sentence):
        rest = sentence[match.end() :]
        yield sentence[: match.start()] + (rest[:1].upper() + rest[1:] if match.group() == "K" else rest)


_ES_VERB = re.compile(
    r"(?<![\w])((?:se |le |les |lo )?(?:es|son|era|eran|fue|fueron|está|están|estaba|estaban|ha|han|había|habían|puede"
    r"|pueden|podía|podían|tiene|tienen|tenía|debe|deben|hay|hubo|existe|existen|incluye|incluyen|permite|permiten"
    r"|utiliza|utilizan|contiene|contienen|\w{2,}(?:aron|ieron)|[a-zñ]{3,}(?<!i)ó))(?= [\wáéíóúñ¿\"])"
)
_ES_OUT = re.compile(r"(?<![\w])(?:no|nunca|jamás|No|Nunca) (?!sol[oa]|sólo|obstante|hay|tan|es que|se sabe)(?=\w)")
_ES_BEFORE = re.compile(
    r"(?:\b(?:no|nunca|ni|tampoco|ya|solo|sólo|apenas|el|la|un|una|que no)|[\"“«]) ?$", re.IGNORECASE
)


def _negate_spanish(sentence: str) -> Variants:
    if not re.search(r"\b(?:no|nunca|jamás|ningun[oa]?|ningún|nadie|nada|tampoco|sin)\b", sentence, re.IGNORECASE):
        for match in _ES_VERB.finditer(sentence):
            before = sentence[: match.start()]
            if not _ES_BEFORE.search(before) and not re.search(r"\b(?:se|le|les|lo|la|los|las) $", before):
                yield f"{before}no {match.group()}{sentence[match.end() :]}"
    for match in _ES_OUT.finditer(sentence):
        rest = sentence[match.end() :]
        yield sentence[: match.start()] + (rest[:1].upper() + rest[1:] if match.start() == 0 else rest)


def _borrow_numbers(sentence: str, others: Sequence[str]) -> Variants:
    """Yield the sentence with one number changed for one of the same form that stands in another sentence."""
    there = dict.fromkeys(n for other in others for n in _NUMBER.findall(other))
    for match in _NUMBER.finditer(sentence):
        if _BOUND.search(sentence[: match.start()].lower()):
            continue
        for number in there:
            if _shape(number) == _shape(match.group()) and number not in _NUMBER.findall(sentence):
                yield _replace(sentence, match, number)


def _shape(number: str) -> str:
    return "year" if re.fullmatch(r"1\d{3}|20[0-3]\d", number) else re.sub(r"\d", "0", number)


def _borrow_subjects(sentence: str, others: Sequence[str], language: str) -> Variants:
    """Yield the predicate of the sentence after the subject of another that has the same verb and other words."""
    own = _split_subject(sentence, language)
    for other in others:
        found = _split_subject(other, language)
        if own is None or found is None or found[1] != own[1]:
            continue
        said = {word[:4].lower() for word in re.findall(r"\w{4,}", own[0])}
        new = {word[:4].lower() for word in re.findall(r"\w{4,}", found[0])}
        predicate = sentence[len(own[0]) :]
        if new and said and not new & {word[:4].lower() for word in re.findall(r"\w{4,}", sentence)}:
            yield found[0] + predicate


def _split_subject(sentence: str, language: str) -> tuple[str, str] | None:
    """Return (subject, verb) of a sentence that begins with its subject; None for other sentences."""
    match = _SUBJECT[language].match(sentence)
    if match is None or match.group(1).split()[0].lower() in _PRONOUNS:
        return None
    if language == "de" and not match.group(1).startswith(("Der ", "Die ", "Das ", "Ein ", "Eine ")):
        return None  # the first words are seldom the subject
    return match.group(1), match.group(2)
