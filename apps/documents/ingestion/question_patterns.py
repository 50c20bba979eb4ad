"""Turn headings and sentences into questions that a person would ask, by patterns of English, German and Spanish. Pure.

"Residents' parking costs 20 euros" becomes "How much does residents' parking cost?". A sentence that no pattern fits,
or whose subject needs the sentence before, gives none: few questions that read well, rather than many. Entry point:
`make_questions`. Whether a question has an answer is tested in `starter_questions.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from apps.lib.text.sentences import find_sentences
from apps.lib.text.text_normalization import normalize_text

LANGUAGES = ("en", "de", "es")  # ISO 639-1
_MAX_QUESTION = 90  # characters
_MAX_SENTENCE = 300  # characters of a sentence that is read
_MAX_PHRASE_WORDS = 7  # words of a subject or an object
_MAX_TERM_WORDS = 3  # words of a term in "What is …?"


@dataclass(frozen=True, slots=True)
class Section:
    """Text of a chunk with its lines, and the last heading above it."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class MadeQuestion:
    """Question, the number of the section that it was made of, and the sentence; "" if it was made of the heading."""

    text: str
    section: int
    sentence: str


_Check = Callable[[dict[str, str]], dict[str, str] | None]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Form of a sentence and its question.

    Groups `subject` and `rest` must be phrases that are understood alone, others are taken as they stand. `check` may
    refuse or change the groups.
    """

    form: re.Pattern[str]
    question: str
    check: _Check = lambda groups: groups


def make_questions(language: str, sections: Sequence[Section]) -> list[MadeQuestion]:
    """Return the questions of a document, those of headings first; [] for languages without patterns."""
    if language not in LANGUAGES:
        return []
    words = _KnownWords("\n".join(section.text for section in sections))
    found: dict[str, MadeQuestion] = {}
    for number, section in enumerate(sections):
        if text := _ask_about_heading(language, section.heading):
            found.setdefault(text, MadeQuestion(text, number, ""))
    for number, section in enumerate(sections):
        for start, end in find_sentences(section.text):
            sentence = normalize_text(section.text[start:end])
            if len(sentence) <= _MAX_SENTENCE and (text := _ask_about_sentence(language, sentence, words)):
                found.setdefault(text, MadeQuestion(text, number, sentence))
    return list(found.values())


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# --- Phrases ------------------------------------------------------------------------------------------


class _KnownWords:
    """Spelling of the words inside a document's sentences, which tells whether the first word of one is a name."""

    def __init__(self, text: str) -> None:
        inside = re.findall(r"(?<=[a-zäöüßáéíóúñ,] )[^\W\d_][\w'’-]*", text)
        self._inside = frozenset(inside)

    def write_inside(self, language: str, word: str, following: str) -> str | None:
        """Return the word that begins a sentence as it is written inside of one; None if that is not known.

        Before a name or a number ("Marble Falls", "Agenda 21") it may be part of it.
        """
        if word.lower() in _DETERMINERS[language]:
            return word.lower()
        if not word[0].isupper() or any(map(str.isupper, word[1:])) or word[-1].isdigit():
            return word
        lower, upper = word.lower() in self._inside, word in self._inside
        if language == "de":
            return word if upper and not lower else None
        if lower and not upper and not following[:1].isupper() and not following[:1].isdigit():
            return word.lower()
        return word if upper and not lower else None


_DETERMINERS = {
    "en": _set("the a an all every each"),
    "de": _set("der die das ein eine alle jeder jede jedes"),
    "es": _set("el la los las un una todos todas"),
}
# Words that point out of the phrase, or with which no subject begins
_POINTING = _set(
    # English
    "this that these those such it its they their them he his him she her we our us you your i my there here then "
    "above below following former latter same other others another one ones which who whose what when where why how if "
    "is are was were be been being has have had can could may might must will would shall should do does did not no "
    "also only however thus hence therefore but or because since while although both either neither some any many most "
    "several few more less first second next last previous e.g i.e etc "
    # German
    "dies diese dieser dieses diesen diesem jene jener er sie es ihr ihre ihren ihrem ihrer sein seine seinen seinem "
    "wir unser unsere uns man hier dort dann dabei dafür damit dazu darüber daraus welche welcher welches wer was wann "
    "wo wie wenn ob dass weil da aber oder ist sind war waren wird werden wurde wurden kann können muss müssen soll "
    "sollen darf dürfen hat haben nicht kein keine auch nur jedoch deshalb folgende folgenden andere anderen weitere "
    "weiteren beide obige "
    # Spanish
    "este esta esto estos estas ese esa eso esos esas aquel aquella ello ella ellos ellas su sus nuestro nuestra "
    "nosotros yo tú usted ustedes aquí allí entonces que quien cual cuando donde como cómo si es son era fue "
    "fueron ser "
    "está están puede pueden debe deben ha han no también sólo solo pero porque otro otra otros otras mismo misma "
    "siguiente siguientes anterior anteriores ambos"
)
# Words with which no phrase begins or ends
_LINKING = _set(
    "of for in on at to with from by as and into than about after before during under over between through until per "
    "the a an via without within against "
    "von für in im an am auf zu zum zur mit aus bei nach vor unter über zwischen bis und durch ohne der die das "
    "den dem "
    "des ein eine einen einem einer "
    "de del en a al con por para sin sobre entre hasta desde y e u el la los las un una"
)
_PHRASE_WORD = re.compile(r"[^\W_][\w.+'’/&-]*|&|[€$£]?\d[\d.,]*%?")
_PLAIN_NOUNS = _set(  # that name nothing without the text before
    "default example note reason result goal purpose problem exception idea option answer question point case thing "
    "way solution difference advantage disadvantage alternative step part section chapter table figure page value name "
    "type kind list item line text word file function method class command program software tool system package module "
    "library application user document paper study article work author authors company process project field object "
    "argument parameter variable string number code data input output model approach algorithm version feature "
    "attribute property key fix issue error change format command option flag element node server client "
    "beispiel grund ziel zweck problem ergebnis möglichkeit frage fall teil abschnitt tabelle abbildung seite "
    "wert name "
    "art liste datei programm software werkzeug system paket unternehmen verfahren projekt "
    "ejemplo razón objetivo problema resultado pregunta caso parte sección tabla figura página valor nombre tipo lista "
    "archivo programa sistema paquete empresa proceso proyecto"
)


def _is_phrase(phrase: str, language: str) -> bool:
    """Return whether the words name something without the text around them."""
    words = phrase.split()
    bare = [word.strip("'’").lower() for word in words]
    if not 1 <= len(words) <= _MAX_PHRASE_WORDS or not all(map(_PHRASE_WORD.fullmatch, words)):
        return False
    if _POINTING & set(bare) or bare[-1] in _LINKING or phrase[-1] in ".,":
        return False
    content = bare[1:] if bare[0] in _DETERMINERS[language] else bare
    if not content or content[0] in _LINKING or len("".join(content)) < 3 or content[0].isdigit():
        return False
    return not (len(content) == 1 and content[0].removesuffix("s") in _PLAIN_NOUNS)


def _write_subject(phrase: str, language: str, words: _KnownWords) -> str | None:
    """Return the subject of a sentence as it is written inside a question; None if it cannot be taken out."""
    first, _, rest = phrase.strip().partition(" ")
    if not _is_phrase(phrase.strip(), language) or (inside := words.write_inside(language, first, rest)) is None:
        return None
    return f"{inside} {rest}".strip()


def _ask_about_sentence(language: str, sentence: str, words: _KnownWords) -> str:
    """Return the question of the first pattern that the sentence has; "" if it has none."""
    for pattern in _get_patterns()[language]:
        if not (match := pattern.form.match(sentence)):
            continue
        groups = {name: value or "" for name, value in match.groupdict().items()}
        if "subject" in groups:
            if (subject := _write_subject(groups["subject"], language, words)) is None:
                continue
            groups["subject"] = subject
        if "rest" in groups and not _is_phrase(groups["rest"].strip(), language):
            continue
        if (checked := pattern.check(groups)) is None:
            continue
        text = normalize_text(pattern.question.format(**{name: value.strip() for name, value in checked.items()}))
        if len(text) <= _MAX_QUESTION:
            return text
    return ""


# --- Checks of groups ---------------------------------------------------------------------------------

_PERSONS = re.compile(
    r"(?:manager|officer|department|committee|team|office|board|caretaker|tenant|landlord|employee|employer|supervisor|"
    r"director|owner|administrator|maintainer|secretary|council|ministry|authority|agency|staff|head|leader|chair|"
    r"president|minister|inspector|editor|teacher|parent|customer|buyer|seller|supplier|contractor|member|company|"
    r"secretariat|commission|developer|user|operator|institute|hr|group|insurer|patient|doctor|nurse|unit|division)s?",
    re.IGNORECASE,
)


def _ask_who(groups: dict[str, str]) -> dict[str, str]:
    """Set `who` to "Who" if the subject is a person or an office by its words, else to "What"."""
    head = re.split(r" (?:of|for|in|at) ", groups["subject"])[0].split()[-1]
    return groups | {"who": "Who" if _PERSONS.fullmatch(head) else "What"}


def _want_person(groups: dict[str, str]) -> dict[str, str] | None:
    return groups if _ask_who(groups)["who"] == "Who" else None


_INDEFINITE = _set("a an ein eine un una all every each alle jeder jede jedes todos todas")


def _want_one(groups: dict[str, str]) -> dict[str, str] | None:
    """Refuse what is not specific, and "a house", of which there are many."""
    return None if groups["subject"].split()[0] in _INDEFINITE else _want_specific(groups)


def _want_specific(groups: dict[str, str]) -> dict[str, str] | None:
    """Refuse "the house", which may be any: a name, or a noun with another word, is wanted."""
    words = groups["subject"].split()
    content = words[1:] if words[0] in frozenset().union(*_DETERMINERS.values()) else words
    return groups if len(content) > 1 or any(map(str.isupper, content[0])) else None


def _want_term(groups: dict[str, str]) -> dict[str, str] | None:
    """Refuse what is no term to be explained: more than three words, or a definite one without a name."""
    words = groups["subject"].split()
    definite = words[0] in {"the", "der", "die", "das", "el", "la", "los", "las"}
    content = words[1:] if words[0] in frozenset().union(*_DETERMINERS.values()) else words
    nameless = not any(character.isupper() for word in content for character in word)
    if words[0] in {"all", "every", "each"} or len(content) > _MAX_TERM_WORDS or (definite and nameless):
        return None
    return None if content[-1].lower() in _PLAIN_NOUNS else groups


# --- Patterns -----------------------------------------------------------------------------------------

_SUBJECT = r"(?P<subject>[^,;:()\"“”„|]{2,60}?)"
_REST = r"(?P<rest>[^,;:()\"“”„|]{3,60}?)(?=[,;:.]|$| (?:and is|and are|and has|who|which|that|when|if|as well)\b)"
_MONEY = (
    r"(?:about |around |up to |at least |etwa |rund |bis zu |unos |unas |hasta )?"
    r"(?:[€$£]\s?\d|\d[\d.,]* ?(?:€|\$|£|EUR|USD|euros?|dollars?|pounds?|cents?|CHF|francs?|Euro|Cent|dólares|pesos|"
    r"libras))"
)
_SPAN = (
    r"(?:about |around |up to |at least |between |from |etwa |rund |bis zu |höchstens |mindestens |unos |unas |hasta )?"
    r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|eine?n?|zwei|drei|vier|fünf|sechs|un|una|dos|tres|"
    r"cuatro|cinco|seis|diez)(?: (?:to|or|and|bis|oder|und|a|o|y) \w+)? "
    r"(?:working |business |calendar |consecutive |volle |hábiles )?"
    r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|Sekunden?|Minuten?|Stunden?|Tage?n?|Werktage?|Wochen?|"
    r"Monate?n?|Jahre?n?|segundos?|minutos?|horas?|días?|semanas?|mes(?:es)?|años?)\b"
)
_DATE = (
    r"(?=(?:the |dem |den |zum |el |las? |los )?(?:\d|end\b|last day|first day|noon|midnight|Ende|final|mediodía|"
    r"Mon|Tues|Wednes|Thurs|Fri|Satur|Sun|Jan|Feb|March|April|May\b|June|July|Aug|Sept|Oct|Nov|Dec|"
    r"Mon|Diens|Mitt|Donners|Frei|Sams|Sonn|Jän|März|Mai\b|Juni|Juli|Okt|Dez|"
    r"lunes|martes|miércoles|jueves|viernes|sábado|domingo|enero|febrero|marzo|abril|mayo|junio|julio|agosto|"
    r"septiembre|octubre|noviembre|diciembre|one|two|three|four|five|six|seven|ten))"
)
_YEAR = (
    r"(?:[^,;:.]{0,40}? )?"
    r"(?:in|on|at|am|im|en|el)(?: the| early| late| Jahre?)?(?: [\w.]+){0,4}? (?:1\d|20)\d\d\b"
)
_TASKS = (
    "install|configure|enable|disable|create|add|remove|delete|change|set up|update|upgrade|build|start|stop|reset|"
    "restore|report|request|apply for|register|book|cancel|order|return|submit|contact|activate|download|upload|"
    "compile|uninstall|export|import|rename|obtain|renew|print|send|open|close|connect|save|search|share|edit|verify"
)
_PARTICIPLE = (
    r"(?P<done>\w+ed(?: in| back| over)?|paid|sent|made|given|done|told|brought|taken|built|kept|left|put|begun)"
)


_Row = tuple[str, str] | tuple[str, str, _Check]


def _compile(*rows: _Row) -> list[_Pattern]:
    return [_Pattern(re.compile(row[0]), *row[1:]) for row in rows]


@cache
def _get_patterns() -> dict[str, list[_Pattern]]:
    """Return the patterns of each language, the more telling first."""
    return {"en": _compile(*_ENGLISH), "de": _compile(*_GERMAN), "es": _compile(*_SPANISH)}


# --- Headings -----------------------------------------------------------------------------------------

_NUMBERING = re.compile(  # "2.", "3.1", "IV.", "§ 4", "Chapter 2." or "Title I:" before the words of a heading
    r"^(?:(?i:chapter|section|part|title|kapitel|abschnitt|teil|titel|capítulo|sección|parte|título) "
    r"(?:\d+|[IVXLC]+)[.:]?|"
    r"\d+(?:\.\d+)*[.)]|\d+(?:\.\d+)+|\d{1,2}(?=\s+[^\W\d_])|§\s*\d+\w*|[A-Z][.)]|[IVX]+[.)])\s+"
)
_HEADINGS = {
    "en": {
        "opening hours": "What are the opening hours?", "office hours": "What are the office hours?",
        "opening times": "What are the opening times?", "visiting hours": "What are the visiting hours?",
        "working hours": "What are the working hours?", "system requirements": "What are the system requirements?",
        "quiet hours": "When are the quiet hours?", "cancellation policy": "What is the cancellation policy?",
        "notice period": "How long is the notice period?", "payment methods": "Which payment methods are accepted?",
        "entry requirements": "What are the entry requirements?", "supported platforms": "Which platforms are "
        "supported?",
        "supported formats": "Which formats are supported?", "eligibility": "Who is eligible?",
        "known limitations": "What are the known limitations?", "known issues": "What are the known issues?",
    },
    "de": {
        "öffnungszeiten": "Wie sind die Öffnungszeiten?", "sprechzeiten": "Wann sind die Sprechzeiten?",
        "besuchszeiten": "Wann sind die Besuchszeiten?", "ruhezeiten": "Wann sind die Ruhezeiten?",
        "arbeitszeiten": "Wie sind die Arbeitszeiten?", "kündigungsfrist": "Wie lang ist die Kündigungsfrist?",
        "systemvoraussetzungen": "Was sind die Systemvoraussetzungen?",
        "teilnahmebedingungen": "Was sind die Teilnahmebedingungen?",
    },
    "es": {
        "horario": "¿Cuál es el horario?", "horarios": "¿Cuáles son los horarios?",
        "horario de apertura": "¿Cuál es el horario de apertura?",
        "horario de atención": "¿Cuál es el horario de atención?",
        "requisitos del sistema": "¿Cuáles son los requisitos del sistema?", "requisitos": "¿Cuáles son los "
        "requisitos?",
        "formas de pago": "¿Cuáles son las formas de pago?",
    },
}  # fmt: skip
_QUESTION_WORD = {
    "en": r"(?:who|what|when|where|why|how|which|can|may|do|does|is|are|should|must|will)\b",
    "de": r"(?:wer|was|wann|wo|warum|wie|welche[rsnm]?|kann|darf|muss|ist|sind|wozu|woher|wohin|wofür)\b",
    "es": r"¿",
}
_HOW_TO = re.compile(rf"how to (?P<task>{_TASKS}|\w+) (?P<rest>[^,;:()?]{{3,50}})", re.IGNORECASE)
_TASK_HEADING = re.compile(r"(?P<verb>\w+ing)(?P<rest> [^,;:()?]{3,50})")
_GERUNDS = {
    "installing": "install", "configuring": "configure", "enabling": "enable", "disabling": "disable",
    "creating": "create", "adding": "add", "removing": "remove", "deleting": "delete", "changing": "change",
    "updating": "update", "upgrading": "upgrade", "uninstalling": "uninstall", "reporting": "report",
    "registering": "register", "booking": "book", "cancelling": "cancel", "canceling": "cancel",
    "ordering": "order", "returning": "return", "submitting": "submit", "restoring": "restore",
    "resetting": "reset", "renewing": "renew", "downloading": "download", "exporting": "export",
    "importing": "import", "building": "build", "starting": "start", "stopping": "stop",
}  # fmt: skip


def _ask_about_heading(language: str, heading: str) -> str:
    """Return the question that a heading stands for; "" if it stands for none."""
    heading = normalize_text(_NUMBERING.sub("", heading, count=1)).rstrip(":.")
    if heading.isupper() and " " in heading:
        heading = heading.capitalize()
    if known := _HEADINGS[language].get(heading.lower()):
        return known
    if heading.endswith("?"):
        return _take_question(language, heading)
    if language != "en":
        return ""
    if how := _HOW_TO.fullmatch(heading):
        task, rest = how["task"].lower(), how["rest"]
    elif (gerund := _TASK_HEADING.fullmatch(heading)) and gerund["verb"].lower() in _GERUNDS:
        task, rest = _GERUNDS[gerund["verb"].lower()], gerund["rest"]
    else:
        return ""
    rest = _write_in_sentence_case(rest.strip())
    return f"How do I {task} {rest}?" if _is_phrase(re.sub(r"^started with ", "", rest), language) else ""


def _take_question(language: str, heading: str) -> str:
    """Return a heading that is a question already, if it is one whole question about something named."""
    words = heading.rstrip("?").split()
    whole = re.match(_QUESTION_WORD[language], heading, re.IGNORECASE) and heading.count("?") == 1
    if not whole or len(words) < 4 or len(heading) > _MAX_QUESTION or re.search(r"[\"“”()|…:;]", heading):
        return ""
    pointing = {"this", "that", "these", "those", "it", "its", "they", "above", "following", "here", "dies", "diese",
                "dieser", "dieses", "hier", "esto", "este", "esta", "aquí"}  # fmt: skip
    return "" if pointing & {word.lower() for word in words} else heading[0].upper() + heading[1:]


def _write_in_sentence_case(words: str) -> str:
    """Return the words of a heading as they stand in a sentence, if each of them is capitalised."""
    long = [word for word in words.split() if len(word) > 3 and word.lower() not in _LINKING]
    if all(word[0].isupper() for word in long):
        return " ".join(word if any(map(str.isupper, word[1:])) else word.lower() for word in words.split())
    return words


_BE = r"(?P<be>is|are)"
_GERMAN_REST = r"(?P<rest>[^,;:()\"“”„|]{3,60}?)"
_SPANISH_REST = r"(?P<rest>[^,;:()\"“”|]{3,60}?)(?=[,;:.]|$)"
_ENGLISH: tuple[_Row, ...] = (
    (
        rf"{_SUBJECT} (?:is|are) (?:also |solely |jointly )?responsible for {_REST}",
        "{who} is responsible for {rest}?",
        _ask_who,
    ),
    (rf"{_SUBJECT} (?:pays?|bears? the costs?) (?:for|of) {_REST}", "Who pays for {rest}?", _want_person),
    (rf"{_SUBJECT} (?:is|are) entitled to {_REST}", "Who is entitled to {rest}?", _want_person),
    (rf"{_SUBJECT} costs {_MONEY}", "How much does {subject} cost?"),
    (rf"{_SUBJECT} may cost {_MONEY}", "How much may {subject} cost?"),
    (rf"{_SUBJECT} cost {_MONEY}", "How much do {subject} cost?"),
    (
        rf"{_SUBJECT} (?:must|has to|have to) be {_PARTICIPLE}(?: [^,;:.]{{1,40}})? (?:by|before|within|no "
        rf"later than) {_DATE}",
        "When must {subject} be {done}?",
    ),
    (rf"{_SUBJECT} {_BE} open (?:from|on|every|daily|between|[MTWFS]\w+days?)\b", "When {be} {subject} open?"),
    (rf"{_SUBJECT} (?P<verb>open|close|begin|start|end)s (?:at|on|in) {_DATE}", "When does {subject} {verb}?"),
    (rf"{_SUBJECT} (?P<verb>take|last)s {_SPAN}", "How long does {subject} {verb}?"),
    (rf"{_SUBJECT} {_BE} (?P<done>valid|kept|retained|stored) for {_SPAN}", "How long {be} {subject} {done}?"),
    (
        rf"{_SUBJECT} (?P<be>was|were) (?:first |originally |officially |formally )?(?P<done>founded|"
        rf"established|built|published|released|introduced|created|opened|adopted|signed|born|launched|invented|completed|discovered|"
        rf"formed|renamed|abolished|closed|demolished) {_YEAR}",
        "When {be} {subject} {done}?",
        _want_one,
    ),
    (
        rf"{_SUBJECT} {_BE} (?P<done>located|situated|headquartered) (?:in|at|on|near|between|behind|beside|under) ",
        "Where {be} {subject} {done}?",
        _want_one,
    ),
    (rf"{_SUBJECT} stands for ", "What does {subject} stand for?"),
    (
        r"The (?P<rest>(?:maximum|minimum|standard|total|monthly|annual|daily|recommended|statutory) "
        rf"[^,;:()]{{3,50}}?) (?:is|amounts to) (?:{_MONEY}|{_SPAN}|\d)",
        "What is the {rest}?",
    ),
    (
        rf"(?:In order to|To) (?P<task>{_TASKS}) {_REST}, (?:please |simply |just |first )?"
        r"(?:you|run|use|click|press|open|go|type|select|call|send|enter|choose|contact|ask|fill|add|execute)\b",
        "How do I {task} {rest}?",
    ),
    (rf"You can (?P<task>{_TASKS}) (?P<rest>[^,;:()]{{3,50}}?) by \w+ing ", "How can I {task} {rest}?"),
    (
        rf"{_SUBJECT} can be (?P<done>reached|contacted) (?:at|by|on|via|under|from) ",
        "How can {subject} be {done}?",
    ),
    (rf"{_SUBJECT} {_BE} used (?:for|to) \w+", "What {be} {subject} used for?", _want_specific),
    (rf"{_SUBJECT} consists of ", "What does {subject} consist of?", _want_specific),
    (
        rf"{_SUBJECT} is (?:a|an) (?!result|good|great|matter|must|bit|little|lot|common|reason|way|better|"
        r"bad|list of|useful|nice|copy|part|number|member|founding|variant|important|essential|key|controversial|"
        r"integral|crucial|"
        r"separate|special|popular|well|very|new|different|simple|major|significant|vital|fundamental|kind|"
        r"type|form|set|"
        r"sign|prime|powerful|minimum|maximum|much|more)(?:[^\s.]+ ){5}",
        "What is {subject}?",
        _want_term,
    ),
)
_GERMAN: tuple[_Row, ...] = (
    (
        rf"{_SUBJECT} (?:ist|sind) (?:auch |allein )?für {_GERMAN_REST} (?P<done>zuständig|verantwortlich)\b",
        "Wer ist für {rest} {done}?",
    ),
    (
        rf"Für {_GERMAN_REST} (?:ist|sind) [^,;:]{{3,60}} (?P<done>zuständig|verantwortlich)\b",
        "Wer ist für {rest} {done}?",
    ),
    (rf"{_SUBJECT} kostet {_MONEY}", "Wie viel kostet {subject}?"),
    (rf"{_SUBJECT} kosten {_MONEY}", "Wie viel kosten {subject}?"),
    (
        rf"{_SUBJECT} (?P<must>muss|müssen|ist|sind) (?:spätestens )?(?:bis zum|bis|vor dem) "
        rf"{_DATE}[^,;:]{{2,50}}? "
        r"(?P<done>(?:ge|be|ein|ab|an|aus|er|ver|zurück|vor)\w+(?:t|en) werden|zu \w+en|\w+zu\w+en)\b",
        "Bis wann {must} {subject} {done}?",
    ),
    (
        rf"{_SUBJECT} (?P<be>ist|sind) [^,;:]{{3,80}}\b(?:Uhr|täglich|tags)\b[^,;:]{{0,30}} geöffnet\b",
        "Wann {be} {subject} geöffnet?",
    ),
    (rf"{_SUBJECT} (?P<verb>öffnet|schließt|beginnt|endet) (?:um|am|im) {_DATE}", "Wann {verb} {subject}?"),
    (rf"{_SUBJECT} (?P<verb>dauert|dauern) {_SPAN}", "Wie lange {verb} {subject}?"),
    (
        rf"(?P<subject>(?:Die|Das|Der) \S*(?:gebühr|miete|kaution|preis|beitrag|bußgeld|zuschuss|betrag|"
        rf"pauschale|Gebühr|"
        rf"Miete|Kaution|Preis|Beitrag|Zuschuss)(?: (?:für|von|der|des|pro|je) [^,;:()]{{2,40}}?)?) beträgt "
        rf"{_MONEY}",
        "Wie hoch ist {subject}?",
    ),
    (
        rf"(?P<subject>(?:Die|Das|Der) \S*(?:frist|dauer|zeit|Frist|Dauer)(?: (?:für|von|der|des) "
        rf"[^,;:()]{{2,40}}?)?) beträgt {_SPAN}",
        "Wie lang ist {subject}?",
    ),
    (
        rf"{_SUBJECT} (?P<be>wurde|wurden) {_YEAR}[^,;:.]{{0,40}}? (?P<done>gegründet|erbaut|errichtet|"
        rf"eröffnet|veröffentlicht|"
        r"eingeführt|geschlossen|umbenannt|unterzeichnet|geboren|gebaut|abgerissen)\b",
        "Wann {be} {subject} {done}?",
        _want_one,
    ),
    (
        rf"{_SUBJECT} (?P<be>befindet|befinden) sich (?:in|im|am|an|auf|bei|neben|unter) ",
        "Wo {be} sich {subject}?",
        _want_one,
    ),
    (rf"{_SUBJECT} steht für ", "Wofür steht {subject}?", _want_specific),
    (rf"{_SUBJECT} besteht aus ", "Woraus besteht {subject}?", _want_specific),
    (rf"{_SUBJECT} (?P<be>dient|dienen) (?:der|dem|zur|zum|als) ", "Wozu {be} {subject}?", _want_specific),
    (rf"{_SUBJECT} ist eine? (?:[^\s.]+ ){{5}}", "Was ist {subject}?", _want_term),
)
_SPANISH: tuple[_Row, ...] = (
    (
        rf"{_SUBJECT} (?:es|son) (?:el |la |los |las )?(?:responsables?|encargad[oa]s?) de {_SPANISH_REST}",
        "¿Quién es responsable de {rest}?",
    ),
    (rf"{_SUBJECT} se encargan? de {_SPANISH_REST}", "¿Quién se encarga de {rest}?"),
    (rf"{_SUBJECT} (?P<verb>cuesta|cuestan) {_MONEY}", "¿Cuánto {verb} {subject}?"),
    (
        rf"{_SUBJECT} (?P<must>debe|deben) (?P<done>\w+[aei]rse|ser \w+[aoi]d[oa]s?)(?: [^,;:.]{{1,40}})? "
        rf"(?:antes de|antes del|a más tardar|dentro de|hasta) {_DATE}",
        "¿Cuándo {must} {done} {subject}?",
    ),
    (rf"{_SUBJECT} (?P<verb>abre|abren|cierra|cierran) (?:de|a|los|las|todos) ", "¿Cuándo {verb} {subject}?"),
    (
        rf"{_SUBJECT} (?P<be>está|están) abiert(?P<end>[oa]s?) (?:de|los|las|todos|desde) ",
        "¿Cuándo {be} abiert{end} {subject}?",
    ),
    (rf"{_SUBJECT} (?P<verb>dura|duran) {_SPAN}", "¿Cuánto {verb} {subject}?"),
    (
        rf"{_SUBJECT} (?P<be>fue|fueron) (?P<done>fundad[oa]s?|construid[oa]s?|publicad[oa]s?|"
        rf"inaugurad[oa]s?|cread[oa]s?|"
        rf"introducid[oa]s?|firmad[oa]s?|aprobad[oa]s?|lanzad[oa]s?|descubiert[oa]s?) {_YEAR}",
        "¿Cuándo {be} {done} {subject}?",
        _want_one,
    ),
    (
        rf"{_SUBJECT} (?P<be>se encuentran?|está situad[oa]|está ubicad[oa]) (?:en|al|a|cerca) ",
        "¿Dónde {be} {subject}?",
        _want_one,
    ),
    (rf"{_SUBJECT} significa ", "¿Qué significa {subject}?", _want_specific),
    (rf"{_SUBJECT} es una? (?:[^\s.]+ ){{5}}", "¿Qué es {subject}?", _want_term),
)
