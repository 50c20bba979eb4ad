"""Edits of a sentence that keep its meaning, and edits that falsify it, in English, German and Spanish.

Each edit takes a `SourceSentence` and a random generator and returns the edited text, or None if the sentence has
nothing of that kind. `LIGHT_EDITS` keep the meaning; `FALSIFYING_EDITS` maps the kind of error to its edit.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from apps.grounding.lexicons import LEXICONS, Lexicon

_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])")
_REFERENCE = re.compile(
    r"\b\d+(?:\.\d+)+\b|\b(?:section|chapter|page|Abschnitt|Kapitel|Seite|sección|capítulo|página) \d+\b", re.I
)
_NAME = re.compile(r"(?<=[a-zäöüßáéíóúñ,] )[A-ZÄÖÜÁÉÍÓÚÑ][\w-]+(?: [A-ZÄÖÜÁÉÍÓÚÑ][\w-]+)*")
_CODE = re.compile(
    r"(?<!\w)(?:/[\w.-]+){1,}|\b[\w-]+\.(?:conf|py|txt|list|deb|org|com|cfg|xml)\b|(?<!\w)--?[a-z][\w-]+|\b[a-z]+-[a-z-]+[a-z]\b|\b[A-Z]{3,}\b"
)
_WORDS = re.compile(r"[^\W\d_]+")

_MODALS = {
    "en": (
        "must may",
        "must can",
        "should must",
        "shall may",
        "will may",
        "can cannot",
        "required optional",
        "has might",
    ),
    "de": (
        "muss kann",
        "müssen können",
        "muss darf",
        "sollte muss",
        "sollten müssen",
        "kann muss",
        "darf muss",
        "wird kann",
        "werden können",
    ),
    "es": ("debe puede", "deben pueden", "puede debe", "pueden deben", "debería debe", "será podría"),
}
_QUANTIFIERS = {
    "en": (
        "all some",
        "all most",
        "every some",
        "some all",
        "many all",
        "most all",
        "most few",
        "many few",
        "only also",
        "always sometimes",
        "often always",
        "usually always",
        "several all",
        "each one",
        "both one",
    ),
    "de": (
        "alle einige",
        "allen einigen",
        "jeder mancher",
        "einige alle",
        "viele alle",
        "viele wenige",
        "meisten wenigsten",
        "nur auch",
        "immer manchmal",
        "oft immer",
        "mehrere alle",
        "jede manche",
    ),
    "es": (
        "todos algunos",
        "todas algunas",
        "algunos todos",
        "muchos todos",
        "muchos pocos",
        "mayoría minoría",
        "solo también",
        "sólo también",
        "siempre a_veces",
        "cada algún",
        "varios todos",
    ),
}
_UNITS = (
    "days weeks",
    "hours minutes",
    "months years",
    "seconds minutes",
    "kilometres metres",
    "MB GB",
    "GB KB",
    "percent dollars",
    "Tage Wochen",
    "Stunden Minuten",
    "Monate Jahre",
    "Sekunden Minuten",
    "Prozent Euro",
    "días semanas",
    "horas minutos",
    "meses años",
    "segundos minutos",
)
_CONTRACTIONS = (
    ("does not", "doesn't"),
    ("do not", "don't"),
    ("is not", "isn't"),
    ("are not", "aren't"),
    ("cannot", "can't"),
    ("was not", "wasn't"),
    ("it is", "it's"),
)
_AUXILIARIES = {
    "en": (
        "is",
        "are",
        "was",
        "were",
        "can",
        "will",
        "should",
        "must",
        "may",
        "has",
        "have",
        "had",
        "could",
        "would",
        "does",
        "did",
    ),
    "de": (
        "ist",
        "sind",
        "war",
        "waren",
        "kann",
        "können",
        "wird",
        "werden",
        "sollte",
        "sollten",
        "muss",
        "müssen",
        "darf",
        "hat",
        "haben",
        "wurde",
        "wurden",
    ),
    "es": (
        "es",
        "son",
        "fue",
        "fueron",
        "puede",
        "pueden",
        "debe",
        "deben",
        "está",
        "están",
        "ha",
        "han",
        "se",
        "será",
    ),
}
_SYNONYMS = {
    "en": (
        "use utilize",
        "show demonstrate",
        "begin start",
        "large big",
        "help assist",
        "buy purchase",
        "however but",
        "because since",
        "also too",
        "several multiple",
        "quickly rapidly",
        "important crucial",
        "often frequently",
        "allows lets",
        "provides offers",
        "contains includes",
        "requires needs",
        "create make",
        "error mistake",
    ),
    "de": (
        "jedoch aber",
        "benutzen verwenden",
        "benutzt verwendet",
        "ermöglicht erlaubt",
        "beginnt startet",
        "häufig oft",
        "sofort umgehend",
        "enthält umfasst",
        "beispielsweise zum_Beispiel",
        "wichtig bedeutend",
        "Fehler Problem",
    ),
    "es": (
        "usar utilizar",
        "usa utiliza",
        "permite posibilita",
        "comienza empieza",
        "además también",
        "contiene incluye",
        "crear generar",
        "rápidamente velozmente",
        "necesita requiere",
        "solamente únicamente",
        "frecuentemente a_menudo",
    ),
}


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """Sentence of a source in `language`, one of en, de, es, with the sentences of its `window` as one text."""

    text: str
    language: str
    window: str
    pool: tuple[str, ...] = ()  # names and codes of the same document

    @property
    def lexicon(self) -> Lexicon:
        """Lexicon of the sentence's language."""
        return LEXICONS[self.language]


# Antonyms for training alone, beside those of the lexicons, so that the model learns the kind of error, not a list.
_CONTRARIES = {
    "en": "accelerate slow|active inactive|add remove|added removed|advantage disadvantage|automatic manual|automatically manually|beginning end|better worse|best worst|broad narrow|cheap expensive|cheaper costlier|clean dirty|common rare|complete incomplete|connected disconnected|correct incorrect|create destroy|created deleted|decreased increased|decreasing increasing|decreases increases|deep shallow|dependent independent|difficult easy|direct indirect|downstream upstream|encrypted unencrypted|equal unequal|essential superfluous|even odd|explicit implicit|export import|failed succeeded|familiar unfamiliar|far near|fewer more|final initial|free commercial|full empty|general specific|global local|greater smaller|growth decline|happy unhappy|healthy sick|heavy light|horizontal vertical|human animal|improved worsened|improve worsen|inhibit promote|inhibits promotes|install uninstall|installed removed|known unknown|latest oldest|lead follow|likely unlikely|limited unlimited|longest shortest|lower higher|major minor|majority minority|modern ancient|new old|newer older|normal abnormal|obvious hidden|older newer|online offline|original copied|permanent temporary|poorly well|possible impossible|powerful weak|presence absence|previous next|problem solution|profit loss|protected unprotected|recent old|reduced raised|reduce raise|regular irregular|related unrelated|relevant irrelevant|reliable unreliable|same different|sensitive insensitive|severe mild|significant insignificant|similar different|simple complex|single multiple|slightly greatly|soft hard|stable unstable|standard unusual|suitable unsuitable|supported unsupported|thick thin|trusted untrusted|unique common|up down|useful useless|usually rarely|valid invalid|visible invisible|wide narrow|write read|written read|higher lower|up-regulated down-regulated|before after|after before|with without|sender recipient|client server|source destination|upload download|lock unlock|lend borrow|teacher student|employer employee|victory defeat|attack defend|attacked defended|peace war|urban rural|native foreign|richer poorer|lowest highest|least most|enable prevent|enables prevents|allows prevents|allow prevent|increase reduce|increases reduces",
    "de": "hinzufügen entfernen|hinzugefügt entfernt|installieren entfernen|installiert entfernt|automatisch manuell|automatische manuelle|einfach schwierig|einfache schwierige|leicht schwer|bekannt unbekannt|bekannte unbekannte|besser schlechter|beste schlechteste|besten schlechtesten|aktiv inaktiv|direkt indirekt|gleich verschieden|gleichen anderen|häufig selten|häufigsten seltensten|letzte erste|letzten ersten|lokal entfernt|lokale entfernte|lokalen entfernten|nötig unnötig|notwendig überflüssig|erforderlich überflüssig|neue alte|neuen alten|neuer alter|neueste älteste|neuesten ältesten|normal ungewöhnlich|nützlich nutzlos|sichtbar unsichtbar|stabil instabil|stabile instabile|stabilen instabilen|vollständig unvollständig|vollständige unvollständige|vorhanden abwesend|wichtig unwichtig|wichtige unwichtige|gültig ungültig|gültige ungültige|schreiben lesen|geschrieben gelesen|senden empfangen|gesendet empfangen|Anfang Schluss|Vorteil Nachteil|Vorteile Nachteile|Sieg Niederlage|Krieg Frieden|Mehrheit Minderheit|allgemein speziell|allgemeine spezielle|dauerhaft vorübergehend|breit schmal|tief flach|voll leer|kostenlos kostenpflichtig|frei kommerziell|freie kommerzielle|freien kommerziellen|bevor nachdem|mit ohne|aktuelle veraltete|aktuellen veralteten|sinnvoll sinnlos|zuverlässig unzuverlässig|abhängig unabhängig|ausreichend unzureichend|geeignet ungeeignet|einzelne mehrere|einzelnen mehreren|verschlüsselt unverschlüsselt|verschlüsselte unverschlüsselte|Quelle Ziel|Client Server|schützt gefährdet|verhindert ermöglicht|verhindern ermöglichen|ermöglicht verhindert|ermöglichen verhindern|erlaubt verhindert|erlauben verhindern|vereinfacht erschwert|zunächst zuletzt|standardmäßig ausnahmsweise",
    "es": "añadir eliminar|añade elimina|agregar quitar|instalar desinstalar|instalado eliminado|instalados eliminados|automático manual|automáticamente manualmente|fácil difícil|sencillo complicado|conocido desconocido|conocidos desconocidos|mejor peor|mejores peores|activo inactivo|directo indirecto|directamente indirectamente|mismo distinto|misma distinta|común raro|última primera|último primero|últimas primeras|local remoto|locales remotos|necesario innecesario|necesaria innecesaria|nuevo viejo|nueva vieja|nuevos viejos|nuevas viejas|normal anormal|útil inútil|visible invisible|estable inestable|completo incompleto|completa incompleta|importante insignificante|importantes insignificantes|válido inválido|válida inválida|escribir leer|enviar recibir|enviado recibido|ventaja desventaja|ventajas desventajas|victoria derrota|guerra paz|general específico|permanente temporal|ancho estrecho|profundo superficial|lleno vacío|gratuito caro|libre comercial|libres comerciales|antes después|con sin|actual obsoleto|fiable dudoso|dependiente independiente|suficiente insuficiente|adecuado inadecuado|único múltiple|cifrado descifrado|origen destino|cliente servidor|impide permite|evita causa|evitar causar|permite impide|permiten impiden|permitir impedir|simplifica complica|principalmente secundariamente|disponible agotado|disponibles agotados|posterior anterior|siguiente anterior|anteriores posteriores",
}


Edit = Callable[[SourceSentence, random.Random], "str | None"]


def _swap_word(text: str, pairs: list[tuple[str, str]], rng: random.Random) -> str | None:
    """Replace one occurrence of the first word of a pair by its second; a capital initial is kept."""
    found = [(m.span(), new) for old, new in pairs for m in re.finditer(rf"\b{re.escape(old)}\b", text, re.I)]
    if not found:
        return None
    (start, end), new = rng.choice(found)
    new = new.replace("_", " ")
    new = new[0].upper() + new[1:] if text[start].isupper() else new
    return text[:start] + new + text[end:]


def _pairs(rows: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(old, new) for old, new in (row.split() for row in rows)]


def _both(rows: tuple[str, ...]) -> list[tuple[str, str]]:
    return [pair for old, new in _pairs(rows) for pair in ((old, new), (new, old))]


# --- edits that keep the meaning -------------------------------------------------------------------------------------------


def keep_whole(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Return the sentence unchanged."""
    return sentence.text


def drop_brackets(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Drop text in parentheses."""
    text = re.sub(r"\s*\([^()]*\)", "", sentence.text)
    return text if text != sentence.text else None


def contract(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Contract a verb, such as "does not" to "doesn't"; English only."""
    return _swap_word(sentence.text, list(_CONTRACTIONS), rng) if sentence.language == "en" else None


def swap_synonym(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Replace a word by a synonym."""
    return _swap_word(sentence.text, _both(_SYNONYMS[sentence.language]), rng)


def move_lead(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Move the words before the first comma to the end, as "In 1931, it opened." to "It opened, in 1931."."""
    lead, comma, rest = sentence.text.partition(", ")
    words = lead.split()
    if not comma or not 2 <= len(words) <= 7 or len(rest.split()) < 5 or sentence.language == "de":
        return None
    return f"{rest[0].upper()}{rest[1:].rstrip('.')}, {lead[0].lower()}{lead[1:]}."


def drop_opening(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Drop an opening word such as "However,"."""
    lead, comma, rest = sentence.text.partition(", ")
    return f"{rest[0].upper()}{rest[1:]}" if comma and len(lead.split()) == 1 and len(rest.split()) >= 5 else None


def keep_first_clause(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Keep the words before ", and", ", und", ", y" or a semicolon."""
    found = re.split(r"; |, (?:and|und|y|while|während|mientras|but|aber|pero|which) ", sentence.text, maxsplit=1)
    return found[0].rstrip(".") + "." if len(found) == 2 and len(found[0].split()) >= 6 else None


def spell_number(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Write a small number in words, or one in words in digits."""
    numbers = {word: value for word, value in sentence.lexicon.numbers.items() if 2 <= value <= 99}
    names = {
        str(value): word for word, value in reversed(list(numbers.items())) if word not in sentence.lexicon.soft_numbers
    }
    digits = [(n, names[n]) for n in re.findall(r"(?<![\w.,-])\d{1,2}(?![\w.,-])", sentence.text) if n in names]
    spelt = [
        (w, str(numbers[w]))
        for w in _WORDS.findall(sentence.text)
        if w in numbers and w not in sentence.lexicon.soft_numbers
    ]
    return _swap_word(sentence.text, digits + spelt, rng)


def frame_answer(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Put a phrase of an answer before the sentence."""
    frames = {
        "en": ("According to the document, ", "The text says that ", "As the manual states, ", "In short, "),
        "de": ("Laut Dokument gilt: ", "Im Text steht: ", "Kurz gesagt: "),
        "es": ("Según el documento, ", "El texto dice que ", "En resumen, "),
    }
    text = sentence.text
    lowered = (
        text if re.match(r"[A-ZÄÖÜ]{2}|\w+ [A-Z]", text) or sentence.language == "de" else text[0].lower() + text[1:]
    )
    return rng.choice(frames[sentence.language]) + lowered


LIGHT_EDITS: tuple[Edit, ...] = (
    keep_whole, drop_brackets, contract, swap_synonym, move_lead, drop_opening, keep_first_clause, spell_number, frame_answer,
)  # fmt: skip


# --- edits that falsify ----------------------------------------------------------------------------------------------------


def change_number(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Replace a number by another one of the window, or change a digit; also numbers in words."""
    found = [m.span() for m in _NUMBER.finditer(sentence.text)]
    words = [w for w in _WORDS.findall(sentence.text) if 2 <= sentence.lexicon.numbers.get(w.casefold(), 0) <= 99
             and w.casefold() not in sentence.lexicon.soft_numbers]  # fmt: skip
    if words and (not found or rng.random() < 0.5):
        others = [
            w
            for w, value in sentence.lexicon.numbers.items()
            if 2 <= value <= 99 and value != sentence.lexicon.numbers[words[0].casefold()]
        ]
        return _swap_word(sentence.text, [(words[0], rng.choice(others))], rng)
    if not found:
        return None
    start, end = rng.choice(found)
    old = sentence.text[start:end]
    others = [n for n in _NUMBER.findall(sentence.window) if n != old]
    if others and rng.random() < 0.5:
        new = rng.choice(others)
    else:
        place = rng.choice([at for at, c in enumerate(old) if c.isdigit()])
        new = old[:place] + rng.choice([d for d in "123456789" if d != old[place]]) + old[place + 1 :]
    return sentence.text[:start] + new + sentence.text[end:]


def change_reference(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Change a digit of a section, chapter, page or version."""
    found = [m.span() for m in _REFERENCE.finditer(sentence.text)]
    if not found:
        return None
    start, end = rng.choice(found)
    old = sentence.text[start:end]
    place = rng.choice([at for at, c in enumerate(old) if c.isdigit()])
    new = old[:place] + rng.choice([d for d in "123456789" if d != old[place]]) + old[place + 1 :]
    return sentence.text[:start] + new + sentence.text[end:]


def change_name(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Replace a name, file or option by another one of the window or the document."""
    found = [m for pattern in (_NAME, _CODE) for m in pattern.finditer(sentence.text)]
    if not found:
        return None
    match = rng.choice(found)
    kind = _CODE if match.re is _CODE else _NAME
    near = [m for m in kind.findall(sentence.window) if m not in sentence.text]
    far = [m for m in sentence.pool if m not in sentence.text and bool(_CODE.fullmatch(m)) == (kind is _CODE)]
    options = near if near and rng.random() < 0.7 else far
    return sentence.text[: match.start()] + rng.choice(options) + sentence.text[match.end() :] if options else None


def negate(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Remove a negation, or insert one after an auxiliary verb (Spanish: before the verb)."""
    words = {w.casefold() for w in _WORDS.findall(sentence.text)}
    plain = {"en": (("not ", ""), ("never ", ""), ("no ", "a "), ("without", "with")), "de": (("nicht ", ""), ("nie ", ""), ("keine ", "eine "), ("kein ", "ein "), ("keinen ", "einen "), ("ohne", "mit")),
             "es": (("no ", ""), ("nunca ", ""), ("sin", "con"), ("ninguna ", "una "))}  # fmt: skip
    if words & sentence.lexicon.negations:
        for old, new in plain[sentence.language]:
            text, count = re.subn(rf"\b{old}", new, sentence.text, count=1)
            if count:
                return text
        return None
    found = [m for verb in _AUXILIARIES[sentence.language] for m in re.finditer(rf"\b{verb}\b", sentence.text)]
    if not found:
        return None
    match = rng.choice(found)
    if sentence.language == "es":
        return f"{sentence.text[: match.start()]}{rng.choice(('no', 'no', 'nunca'))} {sentence.text[match.start() :]}"
    negation = rng.choice({"en": ("not", "not", "never"), "de": ("nicht", "nicht", "nie")}[sentence.language])
    return f"{sentence.text[: match.end()]} {negation}{sentence.text[match.end() :]}"


def swap_contrary(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Replace a word by its antonym."""
    options = []
    for one, other in sentence.lexicon.contraries:
        here = [w for w in _WORDS.findall(sentence.text) if w.casefold() in one | other]
        for word in here:
            contrary = other if word.casefold() in one else one
            # The form with the most similar ending, so that grammar does not reveal the change.
            options.append((word, max(sorted(contrary), key=lambda form: _same_ending(form, word.casefold()))))
    options += _both(tuple(_CONTRARIES[sentence.language].split("|")))
    return _swap_word(sentence.text, options, rng) if options else None


def _same_ending(one: str, other: str) -> int:
    count = 0
    while count < min(len(one), len(other)) and one[-1 - count] == other[-1 - count]:
        count += 1
    return count


def change_modality(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Change a modal verb, such as "must" to "may"."""
    return _swap_word(sentence.text, _pairs(_MODALS[sentence.language]), rng)


def change_quantifier(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Change a quantifier, such as "all" to "some"."""
    return _swap_word(sentence.text, _pairs(_QUANTIFIERS[sentence.language]), rng)


def change_unit(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Change a unit of measurement."""
    return _swap_word(sentence.text, _both(_UNITS), rng)


FALSIFYING_EDITS: dict[str, Edit] = {
    "number": change_number,
    "reference": change_reference,
    "name": change_name,
    "negation": negate,
    "antonym": swap_contrary,
    "modality": change_modality,
    "quantifier": change_quantifier,
    "unit": change_unit,
}


def recombine(one: SourceSentence, other: SourceSentence, rng: random.Random) -> str | None:
    """Join the beginning of one sentence with the predicate of another of the same window."""
    verbs = r"\b(?:" + "|".join(_AUXILIARIES[one.language]) + r")\b"
    first, second = re.search(verbs, one.text), re.search(verbs, other.text)
    if first is None or second is None or first.start() < 4 or second.start() < 4:
        return None
    return one.text[: first.start()] + other.text[second.start() :]


def extract_names(text: str) -> list[str]:
    """Return the names, file names, options and abbreviations in a text."""
    return [*_NAME.findall(text), *_CODE.findall(text)]


# --- edits that keep the words and change what they say of each other ------------------------------------------------------

_JOINING = re.compile(r"[\s,;/&–-]*(?:(?:and|or|und|oder|sowie|y|o|e|to|bis|a)\s+)?(?:(?:the|der|die|das|el|la)\s+)?")
_CAPITALISED = re.compile(r"[A-ZÄÖÜÁÉÍÓÚÑ][\w-]+(?: (?:of |de |von )?[A-ZÄÖÜÁÉÍÓÚÑ][\w-]+)*")
_NOUN = re.compile(r"\b(?:the|a|an|der|die|das|den|dem|des|ein|eine|el|la|los|las|un|una) ([^\W\d_]{4,})\b")
_LINKED = re.compile(
    r" (before|after|because|since|although|if|unless|until|while|than|led to|caused|causes|leads to|followed|"
    r"antes de que|después de que|porque|aunque|hasta que|que) "
)
_SHARED_NOUN = re.compile(r"\b([^\W\d_]{3,}) ([^\W\d_]{4,})\b(.+?)\b([^\W\d_]{3,}) \2\b")
_HEDGES = {
    "en": ("often ", "generally ", "usually ", "typically ", "probably ", "possibly ", "perhaps ", "likely ", "reportedly ",
           "apparently ", "mostly ", "mainly ", "partly ", "sometimes ", "frequently ", "nearly ", "almost ", "at least ",
           "up to ", "relatively ", "in some cases ", "potentially ", "allegedly ", "some of ", "most of "),
    "de": ("oft ", "häufig ", "meist ", "meistens ", "in der Regel ", "wahrscheinlich ", "vermutlich ", "möglicherweise ",
           "vielleicht ", "angeblich ", "teilweise ", "manchmal ", "fast ", "mindestens ", "höchstens ", "bis zu "),
    "es": ("a menudo ", "generalmente ", "normalmente ", "probablemente ", "posiblemente ", "quizás ", "tal vez ",
           "supuestamente ", "en parte ", "a veces ", "casi ", "al menos ", "hasta ", "aproximadamente "),
}  # fmt: skip
_CERTAIN = {
    "en": (
        "may will",
        "might will",
        "could will",
        "seems is",
        "appears is",
        "suggests proves",
        "suggest prove",
        "believed known",
    ),
    "de": ("könnte wird", "könnten werden", "scheint ist", "soll wird", "vermutet weiß"),
    "es": ("podría va_a", "podrían van_a", "parece es", "sugiere demuestra", "puede va_a"),
}
_CERTAIN_SHARE = 0.3  # of the sentences that allow both
_AMOUNTS = (
    "$ €", "€ £", "dollars euros", "million billion", "millions billions", "thousand million", "euros pounds", "km miles",
    "kilometers miles", "meters feet", "kg pounds", "Euro Dollar", "Millionen Milliarden", "Kilometer Meter", "millones mil",
    "euros dólares", "kilómetros metros", "percent per_mille", "% percentage_points",
)  # fmt: skip


def _exchange(text: str, places: list[tuple[int, int]], rng: random.Random) -> str | None:
    """Exchange two spans that differ and are not joined by "and" or a comma alone."""
    pairs = [
        (one, other)
        for at, one in enumerate(places)
        for other in places[at + 1 :]
        if one[1] < other[0]
        and text[slice(*one)].casefold() != text[slice(*other)].casefold()
        and not _JOINING.fullmatch(text, one[1], other[0])
    ]
    if not pairs:
        return None
    (a, b), (c, d) = rng.choice(pairs)
    return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]


def exchange_names(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Exchange two names; the first word of a sentence counts where it has two capitals or is a name in the window."""
    text = sentence.text
    inner = set(_NAME.findall(sentence.window))
    places = [m.span() for m in _CAPITALISED.finditer(text) if m.start() or " " in m[0] or m[0] in inner]
    return _exchange(text, places, rng)


def exchange_numbers(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Exchange two numbers."""
    return _exchange(sentence.text, [m.span() for m in _NUMBER.finditer(sentence.text)], rng)


def exchange_nouns(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Exchange two nouns behind articles, or the words before the same noun, as in "old patients" and "young patients"."""
    shared = _SHARED_NOUN.search(sentence.text)
    if shared and shared[1].casefold() != shared[4].casefold():
        return _exchange(sentence.text, [shared.span(1), shared.span(4)], rng)
    return _exchange(sentence.text, [m.span(1) for m in _NOUN.finditer(sentence.text)], rng)


def exchange_clauses(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Exchange what stands before and behind a word such as "before", "because" or "than"."""
    parts = _LINKED.split(sentence.text.rstrip("."), maxsplit=1)
    if len(parts) != 3 or min(len(parts[0].split()), len(parts[2].split())) < 2 or sentence.language == "de":
        return None
    first, link, second = parts
    return f"{second[0].upper()}{second[1:]} {link} {first[0].lower()}{first[1:]}."


def drop_hedge(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Drop a word that says how sure or how often, or replace it by a certain one."""
    hedges = [(hedge, "") for hedge in _HEDGES[sentence.language]]
    found = [(m.span(), new) for old, new in hedges for m in re.finditer(rf"\b{old}", sentence.text, re.I)]
    certain = _swap_word(sentence.text, _pairs(_CERTAIN[sentence.language]), rng)
    if not found or (certain and rng.random() < _CERTAIN_SHARE):
        return certain
    (start, end), _ = rng.choice(found)
    rest = sentence.text[end:]
    return sentence.text[:start] + (rest if start else rest[:1].upper() + rest[1:])


def change_amount(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Change a currency, a scale or a unit."""
    options = [(old, new) for old, new in _both(_AMOUNTS) if old in sentence.text]
    if not options:
        return None
    old, new = rng.choice(options)
    start = sentence.text.index(old)
    if old[0].isalpha():
        return _swap_word(sentence.text, [(old, new)], rng)
    return sentence.text[:start] + new.replace("_", " ") + sentence.text[start + len(old) :]


def exchange_joined(sentence: SourceSentence, rng: random.Random) -> str | None:
    """Exchange two names joined by "and", which keeps the meaning."""
    names = r"[A-ZÄÖÜÁÉÍÓÚÑ][\w-]+"
    found = [m for m in re.finditer(rf"\b({names}) (and|und|y) ({names})(?! [A-ZÄÖÜ])", sentence.text) if m.start()]
    if not found or "respectively" in sentence.text:
        return None
    match = rng.choice(found)
    return f"{sentence.text[: match.start()]}{match[3]} {match[2]} {match[1]}{sentence.text[match.end() :]}"


EXCHANGING_EDITS: dict[str, Edit] = {
    "exchanged_names": exchange_names,
    "exchanged_numbers": exchange_numbers,
    "exchanged_nouns": exchange_nouns,
    "order": exchange_clauses,
    "hedge": drop_hedge,
    "amount": change_amount,
}
