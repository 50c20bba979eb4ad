"""Word lists of three languages for the perturbations."""

from __future__ import annotations

NUMBER_WORDS = {
    "en": {
        "two": ("four", "five"),
        "three": ("five", "seven"),
        "four": ("six", "three"),
        "five": ("three", "eight"),
        "six": ("four", "nine"),
        "seven": ("five", "nine"),
        "eight": ("six", "eleven"),
        "nine": ("seven", "six"),
        "ten": ("twelve", "eight"),
        "eleven": ("nine", "twelve"),
        "twelve": ("ten", "fourteen"),
        "twenty": ("thirty",),
        "thirty": ("forty",),
        "forty": ("fifty",),
        "fifty": ("sixty",),
        "million": ("billion",),
        "third": ("fifth",),
        "billion": ("million",),
        "fourth": ("sixth",),
        "fifth": ("third",),
        "sixth": ("fourth",),
        "twice": ("four times",),
    },
    "de": {
        "zwei": ("vier", "fünf"),
        "drei": ("fünf", "sieben"),
        "vier": ("sechs", "drei"),
        "fünf": ("drei", "acht"),
        "sechs": ("vier", "neun"),
        "sieben": ("fünf", "neun"),
        "acht": ("sechs", "elf"),
        "neun": ("sieben", "sechs"),
        "zehn": ("zwölf", "acht"),
        "elf": ("neun", "zwölf"),
        "zwölf": ("zehn", "vierzehn"),
        "zwanzig": ("dreißig",),
        "Millionen": ("Milliarden",),
        "Milliarden": ("Millionen",),
        "dritte": ("fünfte",),
        "dritten": ("fünften",),
        "vierte": ("sechste",),
        "vierten": ("sechsten",),
        "zweite": ("vierte",),
        "zweiten": ("vierten",),
    },
    "es": {
        "dos": ("cuatro", "cinco"),
        "tres": ("cinco", "siete"),
        "cuatro": ("seis", "tres"),
        "cinco": ("tres", "ocho"),
        "seis": ("cuatro", "nueve"),
        "siete": ("cinco", "nueve"),
        "ocho": ("seis", "once"),
        "nueve": ("siete", "seis"),
        "diez": ("doce", "ocho"),
        "doce": ("diez", "catorce"),
        "veinte": ("treinta",),
        "cuarta": ("sexta",),
        "cuarto": ("sexto",),
        "segundo": ("cuarto",),
        "segunda": ("cuarta",),
        "tercer": ("quinto",),
        "tercera": ("quinta",),
    },
}


def split_words(text: str) -> frozenset[str]:
    """Return the words of a line."""
    return frozenset(text.split())


def _both_ways(pairs: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs.split():
        one, other = pair.replace("_", " ").split("/")
        found.setdefault(one, other)
        found.setdefault(other, one)
    return found


ANTONYMS = {
    "en": _both_ways(
        "increase/decrease increased/decreased increases/decreases increasing/decreasing rose/fell "
        "rising/falling larger/smaller largest/smallest large/small higher/lower highest/lowest high/low "
        "more/less before/after first/last early/late earlier/later earliest/latest northern/southern "
        "eastern/western north/south east/west won/lost win/lose winning/losing begins/ends began/ended "
        "beginning/end began/stopped start/end inside/outside above/below upper/lower left/right strong/weak "
        "stronger/weaker rich/poor old/new older/younger oldest/youngest long/short longer/shorter "
        "longest/shortest hot/cold warm/cool hard/soft easy/difficult public/private internal/external "
        "legal/illegal allowed/forbidden accepted/rejected supported/opposed succeeded/failed success/failure "
        "success/defeat victory/defeat positive/negative major/minor maximum/minimum best/worst better/worse "
        "good/bad wide/narrow deep/shallow fast/slow faster/slower heavy/light thick/thin common/rare "
        "ancient/modern male/female men/women father/mother son/daughter brother/sister king/queen "
        "husband/wife enter/leave entered/left import/export imports/exports open/closed opened/closed "
        "present/absent gained/lost born/buried built/demolished wet/dry full/empty simple/complex "
        "possible/impossible same/different similar/different increased/reduced reduce/increase "
        "reduced/raised active/inactive direct/indirect united/divided attack/defend attacked/defended "
        "offense/defense buy/sell bought/sold given/taken appeared/disappeared peace/war"
    ),
    "de": _both_ways(
        "größer/kleiner größte/kleinste größten/kleinsten große/kleine großen/kleinen großer/kleiner "
        "hoch/niedrig höher/niedriger höchste/niedrigste höchsten/niedrigsten hohe/niedrige hohen/niedrigen "
        "bevor/nachdem erste/letzte ersten/letzten früh/spät früher/später früheste/späteste nördlich/südlich "
        "östlich/westlich nördlichen/südlichen östlichen/westlichen gewann/verlor gewannen/verloren "
        "gewonnen/verloren oben/unten innerhalb/außerhalb starke/schwache starken/schwachen stark/schwach "
        "reich/arm alt/neu alte/neue alten/neuen älteste/jüngste ältesten/jüngsten lang/kurz lange/kurze "
        "langen/kurzen länger/kürzer öffentliche/private öffentlichen/privaten positiv/negativ "
        "positive/negative stieg/sank steigt/sinkt gestiegen/gesunken erhöht/gesenkt zunehmen/abnehmen "
        "zugenommen/abgenommen beginnt/endet begann/endete Beginn/Ende Anfang/Ende Norden/Süden Osten/Westen "
        "Vater/Mutter Sohn/Tochter Bruder/Schwester König/Königin Männer/Frauen gut/schlecht "
        "besser/schlechter beste/schlechteste besten/schlechtesten leicht/schwer einfach/schwierig warm/kalt "
        "heiß/kalt maximal/minimal Sieg/Niederlage Erfolg/Misserfolg Krieg/Frieden gebaut/abgerissen "
        "geboren/begraben erlaubt/verboten links/rechts schnell/langsam häufig/selten oft/selten "
        "meisten/wenigsten meiste/wenigste"
    ),
    "es": _both_ways(
        "mayor/menor mayores/menores alto/bajo alta/baja altos/bajos altas/bajas antes/después primer/último "
        "primera/última primero/último primeros/últimos primeras/últimas norte/sur oriental/occidental "
        "ganó/perdió ganaron/perdieron ganado/perdido más/menos dentro/fuera fuerte/débil fuertes/débiles "
        "rico/pobre ricos/pobres viejo/nuevo antigua/nueva antiguo/nuevo antiguos/nuevos largo/corto "
        "larga/corta público/privado pública/privada públicas/privadas públicos/privados positivo/negativo "
        "positiva/negativa aumentó/disminuyó aumentar/disminuir aumenta/disminuye aumento/descenso "
        "comenzó/terminó empezó/terminó comienza/termina principio/final comienzo/final padre/madre hijo/hija "
        "hermano/hermana rey/reina hombres/mujeres bueno/malo buena/mala mejor/peor mejores/peores "
        "fácil/difícil caliente/frío máximo/mínimo máxima/mínima victoria/derrota éxito/fracaso guerra/paz "
        "nació/murió permitido/prohibido izquierda/derecha rápido/lento superior/inferior interno/externo "
        "interna/externa temprano/tarde mayoría/minoría construido/derribado aceptó/rechazó posible/imposible "
        "exterior/interior abierto/cerrado"
    ),
}

_VERB_ES = r"(?= (?:\w+[aei]r(?:se|lo|la|los|las)?|ser|haber)\b)"
MODALS = {
    "en": (
        (r"\b(can)(?= (?!not\b|be seen|only)\w)", "must"),
        (r"\b(may)(?= (?!not\b)\w)", "must"),
        (r"\b(must)(?= (?!not\b)\w)", "may"),
        (r"\b(should)(?= (?!not\b)\w)", "may"),
        (r"\b(might)(?= \w)", "must"),
        (r"\b(could)(?= (?!not\b)\w)", "had to"),
        (r"\b((?:is|are) required to)\b", "may"),
        (r"\b((?:was|were) required to)\b", "could"),
        (r"\b((?:is|are) able to)\b", "must"),
        (r"\b((?:was|were) able to)\b", "had to"),
        (r"(?<!not )(?<!n't )\b(has to|have to)\b", "may"),
        (r"\b(had to)\b", "could"),
        (r"\b((?:is|are) allowed to)\b", "must"),
        (r"\b((?:was|were) allowed to)\b", "had to"),
        (r"\b(is|are)(?= (?:\w+ly )?\w{3,}ed (?:by|in|from|with|for|as|on|to)\b)", "must be"),
    ),
    "de": (
        (r"\b(kann)\b", "muss"),
        (r"\b(können)\b", "müssen"),
        (r"\b(konnte)\b", "musste"),
        (r"\b(konnten)\b", "mussten"),
        (r"\b(muss)\b", "kann"),
        (r"\b(müssen)\b", "können"),
        (r"\b(musste)\b", "konnte"),
        (r"\b(mussten)\b", "konnten"),
        (r"\b(darf)\b", "muss"),
        (r"\b(dürfen)\b", "müssen"),
        (r"\b(soll)\b", "kann"),
        (r"\b(sollen)\b", "können"),
        (r"\b(sollte)\b", "konnte"),
        (r"\b(sollten)\b", "konnten"),
        (r"\b(könnte)\b", "muss"),
        (r"\b(könnten)\b", "müssen"),
        (r"\b(durfte)\b", "musste"),
        (r"\b(durften)\b", "mussten"),
        (r"\b(wollte)\b", "musste"),
        (r"\b(wollten)\b", "mussten"),
    ),
    "es": (
        (rf"\b(puede){_VERB_ES}", "debe"),
        (rf"\b(pueden){_VERB_ES}", "deben"),
        (rf"\b(podía){_VERB_ES}", "debía"),
        (rf"\b(podían){_VERB_ES}", "debían"),
        (rf"\b(podría){_VERB_ES}", "debe"),
        (rf"\b(podrían){_VERB_ES}", "deben"),
        (rf"\b(debe){_VERB_ES}", "puede"),
        (rf"\b(deben){_VERB_ES}", "pueden"),
        (rf"\b(debía){_VERB_ES}", "podía"),
        (rf"\b(debían){_VERB_ES}", "podían"),
        (rf"\b(pudo){_VERB_ES}", "tuvo que"),
        (rf"\b(debería){_VERB_ES}", "puede"),
        (rf"\b(pudieron){_VERB_ES}", "tuvieron que"),
        (rf"\b(deberían){_VERB_ES}", "pueden"),
        (r"\b(tiene que)\b", "puede"),
        (r"\b(tienen que)\b", "pueden"),
        (r"\b(tuvo que)\b", "pudo"),
        (r"\b(tuvieron que)\b", "pudieron"),
        (r"\b(tenía que)\b", "podía"),
        (r"\b(tenían que)\b", "podían"),
    ),
}

_PLURAL = r"(?= (?:of the |other |different |of its |of their )?[a-z]{3,}s\b(?<!ous)(?<!ss))"
QUANTIFIERS = {
    "en": (
        (rf"(?<![a-z] )\b([Ss]ome){_PLURAL}", "all"),
        (rf"\b(some){_PLURAL}", "all"),
        (rf"(?<!how )(?<!as )(?<!so )(?<!the )\b([Mm]any){_PLURAL}", "all"),
        (r"(?<!the )\b([Mm]ost of)\b", "all of"),
        (rf"(?<!the )\b([Mm]ost){_PLURAL}", "all"),
        (rf"\b([Ss]everal){_PLURAL}", "all"),
        (r"(?<!and )\b([Aa]ll)(?= (?:of the|the|of its|(?!this)[a-z]{3,}s\b))", "few"),
        (r"\b(a few)\b", "most"),
        (r"\b(every|each)(?= [a-z]+(?<!other)\b)", "hardly any"),
        (r"\b(often|usually|generally|typically|sometimes)\b", "always"),
        (r"\b(always)\b", "sometimes"),
        (r"\b(rarely|seldom)\b", "always"),
        (r"\b([Aa]t least)\b", "at most"),
        (r"\b([Mm]ore than)(?= [\d$a-z])", "fewer than"),
        (r"\b(over)(?= [\d$£€])", "under"),
        (r"\b([Uu]p to)(?= \d)", "at least"),
        (r"\b(one of the)(?= (?:most|\w+est)\b)", "the only one of the"),
        (r"\b(mainly|mostly|primarily|largely)\b", "only"),
        (r"\b(the majority of)\b", "all"),
        (r"\b([Aa]lmost|[Nn]early)(?= (?:all|\d|every))", "fewer than half of"),
        (r"\b(in part|partly|partially)\b", "entirely"),
        (r"\b(completely|entirely|fully)\b", "partly"),
        (r"\b(frequently|commonly)\b", "always"),
        (r"(?<!over )(?<!than )(?<!almost )(?<!nearly )(?<!about )\b(half)(?= of)", "all"),
        (r"\b(approximately|about|around)(?= [\d$£€])", "fewer than"),
    ),
    "de": (
        (r"\b(einige)(?= [A-ZÄÖÜ]\w+)", "alle"),
        (r"\b(viele)(?= [A-ZÄÖÜ]\w+)", "alle"),
        (r"\b(mehrere)(?= [A-ZÄÖÜ]\w+)", "alle"),
        (r"^(Einige|Viele|Mehrere)(?= [A-ZÄÖÜ]\w+)", "alle"),
        (r"\b((?:die|der) meisten)(?= [A-ZÄÖÜ]\w+)", "alle"),
        (r"^(Die meisten)(?= [A-ZÄÖÜ]\w+)", "alle"),
        (r"\b(alle)(?= [A-ZÄÖÜ]\w+)", "nur wenige"),
        (r"\b(jede[rs]?)(?= [A-ZÄÖÜ]\w+)", "kaum ein"),
        (r"\b(oft|häufig|meist|meistens|manchmal|gewöhnlich|normalerweise|üblicherweise)(?= \w)", "immer"),
        (r"\b(immer)(?= (?!noch|wieder|mehr)\w)", "manchmal"),
        (r"\b(mindestens)\b", "höchstens"),
        (r"\b(mehr als)(?= [\w$])", "weniger als"),
        (r"\b(über)(?= \d)", "unter"),
        (r"\b(hauptsächlich|vorwiegend|überwiegend|vor allem|größtenteils)\b", "ausschließlich"),
        (r"\b(teilweise|zum Teil)\b", "vollständig"),
        (r"\b(vollständig|völlig)\b", "teilweise"),
        (r"\b(etwa|rund|ungefähr|fast|nahezu)(?= \d)", "weniger als"),
        (r"\b(bis zu)(?= \d)", "mindestens"),
        (r"\b(eine[rs]? der)(?= (?:\w+sten|meist\w+)\b)", "der einzige der"),
        (r"\b(selten)\b", "immer"),
    ),
    "es": (
        (r"\b([Aa]lgunos)(?= \w+s\b)", "todos los"),
        (r"\b([Aa]lgunas)(?= \w+s\b)", "todas las"),
        (r"\b([Mm]uchos)(?= \w+s\b)", "todos los"),
        (r"\b([Mm]uchas)(?= \w+s\b)", "todas las"),
        (r"\b([Vv]arios)(?= \w+s\b)", "todos los"),
        (r"\b([Vv]arias)(?= \w+s\b)", "todas las"),
        (r"\b([Ll]a mayoría de los)\b", "todos los"),
        (r"\b([Ll]a mayoría de las)\b", "todas las"),
        (r"\b([Tt]odos)(?= los\b)", "pocos de"),
        (r"\b([Tt]odas)(?= las\b)", "pocas de"),
        (r"\b([Cc]ada)(?= \w)", "casi ningún"),
        (r"\b(siempre)\b(?! (?:que|y cuando))", "a veces"),
        (r"\b(a menudo|a veces|normalmente|generalmente|frecuentemente|con frecuencia|habitualmente)\b", "siempre"),
        (r"\b([Aa]l menos|por lo menos)\b", "como máximo"),
        (r"\b([Mm]ás de)(?= [\d\w])", "menos de"),
        (r"\b(hasta)(?= \d)", "al menos"),
        (r"\b(principalmente|mayormente|sobre todo|fundamentalmente)\b", "únicamente"),
        (r"\b(parcialmente|en parte)\b", "totalmente"),
        (r"\b(totalmente|completamente)\b", "parcialmente"),
        (r"\b(aproximadamente|alrededor de|cerca de|casi|unos|unas)(?= \d)", "menos de"),
        (r"\b(un[oa] de l[oa]s)(?= \w+ más\b)", "el único de los"),
        (r"\b(raramente|raras veces)\b", "siempre"),
    ),
}

PREPOSITIONS = split_words(
    "in at by from near to with and for of between against under in von aus durch nach bei mit und für "
    "zwischen gegen en por desde con y para entre contra president king queen el la"
)

CALENDAR = split_words(
    "january february march april may june july august september october november december monday tuesday "
    "wednesday thursday friday saturday sunday januar februar märz mai juni juli oktober dezember montag "
    "dienstag mittwoch donnerstag freitag samstag sonntag i the bc ad"
)

REFERENCES = {  # (printed after a sentence, opening of a claim), both with a section and a page
    "en": (
        ("(section {0}, page {1})", "According to section {0} on page {1}, it holds that: "),
        ("(see section {0} on page {1})", "Section {0}, page {1}: "),
        ("(version {0}, table {1})", "As of version {0} (table {1}): "),
    ),
    "de": (
        ("(Abschnitt {0}, Seite {1})", "Laut Abschnitt {0} auf Seite {1} gilt: "),
        ("(siehe Abschnitt {0}, S. {1})", "Abschnitt {0}, Seite {1}: "),
        ("(Version {0}, Tabelle {1})", "Ab Version {0} (Tabelle {1}) gilt: "),
    ),
    "es": (
        ("(sección {0}, página {1})", "Según la sección {0}, página {1}: "),
        ("(véase la sección {0}, pág. {1})", "Sección {0}, página {1}: "),
        ("(versión {0}, tabla {1})", "Desde la versión {0} (tabla {1}): "),
    ),
}

# Sentences whose two sides, joined by the second group, can be exchanged.
SIDES = {
    "en": (
        r"((?:The |A |An )?[^,;]{3,60}?) ((?:is|are|was|were) (?:\w+er|more \w+|less \w+) than) ([^,;]{3,60}?)(\.)$",
        r"([^,;]{8,90}?) (because|after|before) ((?:the|a|an|it|he|she|they) [^,;]{8,90}?)(\.)$",
    ),
    "de": (r"([^,;]{3,60}?) ((?:ist|sind|war|waren) \w+er als) ([^,;]{3,60}?)(\.)$",),
    "es": (r"([^,;]{3,60}?) ((?:es|son|era|eran|fue) (?:más|menos) \w+ que) ([^,;]{3,60}?)(\.)$",),
}
_BEFORE_A_TIME = r"(?= (?:the|a|an|his|her|its|their|this|that|world|\d{4}|[a-z]+ing)\b)"
ORDER = {
    "en": (
        (rf"\b(?<!named )(?<!called )after{_BEFORE_A_TIME}", "before"),
        (rf"\bbefore{_BEFORE_A_TIME}", "after"),
        (r"\buntil(?= (?:the|\d{4})\b)", "since"),
        (r"\bsince(?= (?:the|\d{4})\b)", "until"),
    ),
    "de": (
        (r"\bnach(?= (?:der|dem|den|seiner?m?|ihrer?m?|\d{4})\b)", "vor"),
        (r"\bvor(?= (?:\d{4}|dem (?:Krieg|Tod|Ende|Beginn))\b)", "nach"),
        (r"\bnachdem\b", "bevor"),
        (r"\bbevor\b", "nachdem"),
        (r"\bseit(?= \d{4}\b)", "bis"),
    ),
    "es": (
        (r"\bantes de(?=l? )", "después de"),
        (r"\bdespués de(?=l? )", "antes de"),
        (r"\bhasta(?= \d{4}\b)", "desde"),
        (r"\bdesde(?= \d{4}\b)", "hasta"),
    ),
}
HEDGES = {
    "en": (
        (r"\b(?:often|usually|generally|typically|sometimes|mostly|probably|possibly|perhaps|largely) (?=[a-z])", ""),
        (r"\b(?:seems?|appears?) to be\b", "is"),
        (r"\b(?:may|might|could) be\b", "is"),
        (r"\b(?:is|are) (?:thought|believed|said|considered|estimated) to be\b", "is"),
    ),
    "de": (
        (r"\b(?:oft|häufig|meist|meistens|manchmal|wahrscheinlich|vermutlich|normalerweise) (?=[a-zä-ü])", ""),
        (r"\b(?:könnte|dürfte) (?=[^.]* sein\b)", "wird "),
    ),
    "es": (
        (r"\b(?:a menudo|generalmente|normalmente|a veces|probablemente|posiblemente|quizás|tal vez) (?=[a-zá-ú])", ""),
        (r"\bpodría ser\b", "es"),
        (r"\bparece ser\b", "es"),
    ),
}  # fmt: skip
UNITS = {
    "en": {
        "miles": "kilometres", "kilometres": "metres", "kilometers": "meters", "metres": "feet", "meters": "feet",
        "feet": "metres", "km": "m", "m": "km", "kg": "g", "mi": "km", "years": "months", "months": "weeks",
        "days": "weeks", "hours": "minutes", "minutes": "hours", "percent": "per mille", "tons": "pounds",
        "million": "billion", "billion": "million", "mm": "cm", "cm": "mm", "mg": "g", "inches": "feet",
    },
    "de": {
        "Meilen": "Kilometer", "Kilometer": "Meter", "Meter": "Kilometer", "km": "m", "m": "km", "kg": "g",
        "Jahre": "Monate", "Jahren": "Monaten", "Monate": "Wochen", "Tage": "Wochen", "Stunden": "Minuten",
        "Minuten": "Stunden", "Prozent": "Promille", "Tonnen": "Kilogramm", "Millionen": "Milliarden",
        "Milliarden": "Millionen", "Fuß": "Meter",
    },
    "es": {
        "millas": "kilómetros", "kilómetros": "metros", "metros": "kilómetros", "km": "m", "m": "km", "kg": "g",
        "años": "meses", "meses": "semanas", "días": "semanas", "horas": "minutos", "minutos": "horas",
        "toneladas": "kilos", "millones": "billones", "pies": "metros",
    },
}  # fmt: skip
CURRENCIES = {
    "en": (
        (r"\$(?=\d)", "€"), (r"€(?=\d)", "$"), (r"£(?=\d)", "$"), (r"(?<=[\dn] )dollars\b", "euros"),
        (r"(?<=[\dn] )euros\b", "dollars"), (r"(?<=[\dn] )pounds sterling\b", "dollars"), (r"(?<=\d )USD\b", "EUR"),
    ),
    "de": (
        (r"(?<=[\dn] )(?:US-)?Dollar\b", "Euro"), (r"(?<=[\dn] )Euro\b", "Dollar"), (r"(?<=\d )€", "$"),
        (r"(?<=[\dn] )Pfund\b", "Euro"), (r"\$(?= ?\d)", "€"), (r"(?<=\d )\$", "€"),
    ),
    "es": (
        (r"(?<=[\dns] )dólares\b", "euros"), (r"(?<=[\dns] )euros\b", "dólares"), (r"(?<=e )dólares\b", "euros"),
        (r"\$(?= ?\d)", "€"), (r"(?<=\d )€", "$"), (r"(?<=[\dns] )libras\b", "euros"),
    ),
}  # fmt: skip
