"""Patterns for the plainest phrases of the gravest clauses in English, German and Spanish, beside `harm_patterns.py`.

Rows of `MULTILINGUAL_PATTERNS` are (code, severity, pattern, unless), for questions and picture prompts. Patterns match
lower case without accents (`text/deobfuscation.py`). A match near `unless` does not count: questions about laws, help,
history or research are allowed. Documents and answers are not checked by these rules.
"""

from __future__ import annotations


def _any(lines: str, **pieces: str) -> str:
    """Return a pattern with one alternative per line; {NAME} is replaced by the piece of that name."""
    for name, piece in pieces.items():
        lines = lines.replace(f"{{{name}}}", f"(?:{piece})")
    return "|".join(stripped for line in lines.splitlines() if (stripped := line.strip()))


def _word(lines: str) -> str:
    """Return a pattern that matches one of the lines as a whole word or phrase."""
    return rf"\b(?:{_any(lines)})\b"


# As in `harm_patterns.py`: none of the rules below matches without one of these.
MULTILINGUAL_PREFILTER = _any(r"""
    porn|csam|lolicon|jailbait|naked|nude|topless|undressed|lewd|sexy|horny|erotic|sex|fuck|molest|seduc|raping|hentai|masturbat
    kipo|kinder|kind\b|minderjahrig|nackt|desnud|pornograf|menor|nin[oa]|violar
    bomb|explosi|napalm
    sprengs|molotow|nervengas|giftgas|sarin|rizin|ricin|milzbrand|handgranate|biowaffe|chemiewaffe
    granada|molotov|arma|mostaza|nervioso
    weapon|poison|virus|nuke|nerve|\bgas\b|exterminat|slaughter|massacre|wipe out|annihilat|behead|attack|shoot
    burn down|blow up
    genocide|terror|spree|juden|muslime|turken|auslander|amok|anschlag|massaker
    umbring|umzubring|tote|ermord|vergas|vergift|entfuhr|vergewaltig|bringe? ich|bringe? mich|bringt man
    matar|asesin|extermin|masacr|envenen|secuestr|tortur|atentado|tiroteo|matanza
    hang|suicid|selbstmord|suizid|sterb|tot sein|leben nehmen|nicht mehr|ritze|pulsader|tod fur mich
    ahorcar|erhang|das leben|as many|morir|vivi|vida|venas|muert|wrist|vein|throat|pills|to die|kill|overdose
    end it all|end my life|be dead
    drown|suffocate|starve|cut|painless
""")

# Words of questions about a subject: law, help, research, history, news.
_SUBJECT = _word(r"""
    laws?|lawful|legal\w*|illegal\w*|legislat\w*|statut\w*|crimes?|criminal\w*|offen[cs]es?|penalt\w*|punish\w*
    sentence[ds]?|prosecut\w*|convict\w*|charge[ds]?|arrest\w*|accus\w*|alleg\w*|suspect\w*|court|trial|police
    prevent\w*|protect\w*|report(?:s|ed|ing)?|detect\w*|combat\w*|fight(?:ing)?|stop(?:ping)?|against|signs of|worried
    victims?|survivors?|therap\w*|treatment|counsel\w*|statistic\w*|prevalence|stud(?:y|ies)|research\w*|consent
    define|definition|what (?:is|are|counts|does)|why|who|did|history|historical\w*|novel|movie|film|documentary
    awareness|educat\w*|hotline|helpline|unicef|moderat\w*|filter\w*|block(?:s|ing)?
    gesetz\w*|\w*straf\w*|verbot\w*|pravention\w*|vorbeug\w*|verhinder\w*|schutz\w*|bekampf\w*|polizei\w*|ermittl\w*
    \w*urteil\w*|gericht\w*|bericht\w*|studien?|forschung\w*|opfer\w*|betroffene\w*|paragraf\w*|stgb|melde\w*|meldung\w*
    anzeigen?|beratung\w*|hilfe|therapie\w*|aufklar\w*|erkenn\w*|warum|wieso|wer|wann|was (?:ist|sind|sagt|steht)|roman
    geschichte|ley(?:es)?|legislacion|ilegal\w*|delitos?|penas?|penal\w*|castig\w*|conden\w*|juicio|tribunal\w*|policia
    preven\w*|proteg\w*|proteccion|denunci\w*|lucha|contra|evitar|detectar|informes?|estudios?|investigacion\w*
    victimas?|terapia|ayuda|por que|quien\w*|que (?:es|son|dice)|historia|novela|pelicula
""")

_CHILD = _any(r"""
    child(?:ren)?|toddlers?|infants?|kids?|pre-?teens?|minors?|school ?(?:girl|boy)s?|little (?:girl|boy)s?
    underage (?:girl|boy|teen|kid|child)(?:s|ren)?
    (?:[1-9]|1[0-7])[- ]?(?:year|yr)s?[- ]olds?(?: (?:girl|boy|child)s?)?
""")
_SMALL = r"(?:(?:an?|the|my|her|his|your|some|of|little|young|small|cute|\d{1,2}[- ]year[- ]old) ){0,4}"

_CHILD_PORN = _any(
    r"""
    \b{YOUNG}(?:'?s)?[- ]?(?:porn\w*\b|nudes?\b|erotica|hentai|sex (?:vid|pic|photo|image|tape|clip|movie|stor)\w*)
    \bporn\w{0,8} (?:of|with|about|involving|featuring) (?:\w+ )?{CHILD}\b
    \bcsam\b|\blolicon\b|\bjailbait (?:pic|photo|nude|vid|porn)\w*
    \bkinder ?porno\w*\b|\bkipos?\b|\bpornos? mit (?:kleinen )?(?:kindern?|minderjahrigen)\b
    \bporno(?:grafia)? (?:infantil\w*\b|con (?:nin[oa]s?|menores)|de (?:nin[oa]s?|menores))\b|\bpedopornograf\w*\b
    """,
    YOUNG="child(?:ren)?|kiddie|kiddy|kids?|infant|toddler|pre-?teen|underage|minor|pa?edo(?:phile)?",
    CHILD=_CHILD,
)
_DEMAND = (
    r"(?:^|[.!?,;:\n] ?|\b(?:please|can you|could you|i (?:want|need|wanna|like)(?: to)?|"
    r"(?:where|how) (?:can|do|could) i|bitte|ich (?:will|mochte|suche)|wo (?:kann|finde|gibt)|por favor|quiero|"
    r"donde (?:puedo )?) )"
    r"(?:(?:show|give|send|find|get|download|watch|see|buy|trade|share|make|create|generate|draw|paint|write|links? to|"
    r"zeig\w*|gib|schick\w*|finden?|lade|kaufen|male?|zeichne|erstelle?|muestra\w*|dame|manda\w*|busco|encontrar|"
    r"descargar|comprar|ver|dibuja|crea|genera)(?: (?:me|us|some|any|free|more|a|an|of|to|mir|un[oa]?s?)\b){0,4} )"
)
_NOT_WANTED = r"(?![- ]?(?:laws?|legislation|statut|offen|prevention|cases?|gesetz|strafrecht))"
_NAKED_CHILD = _any(
    r"""
    \b(?:naked|nude|undressed|topless|lewd|horny|sexy|sexuali[sz]ed|erotic){PICTURE} {SMALL}{CHILD}\b
    \b{CHILD} (?:in the nude|nudes|having sex|masturbating)\b
    \bnackte[mnrs]? {KLEINE}(?:kind(?:er|ern|es)?|{KLEIN})\b
    \bnackte[mnrs]? klein\w+ (?:madchen|jung\w{0,3})\b
    \b(?:nin[oa]s?|bebes?|menores(?: de edad)?) (?:pequen[oa]s? )?desnud[oa]s?\b
    \bdesnudos? (?:de )?(?:nin[oa]s?|menores)\b
    """,
    KLEINE=r"(?:(?:klein|jung|suss)\w* )?",
    KLEIN=r"kleinkind\w*|schulmadchen|minderjahrige\w*",
    PICTURE=r" (?:photo|picture|pic|image|video|drawing|painting)s?|",
    SMALL=_SMALL,
    CHILD=_CHILD,
)
_NOT_NAKED = (
    rf"{_SUBJECT}|\b(?:rash|eczema|doctor|pa?ediatric\w*|napalm|vietnam|nirvana|nevermind|museum|louvre|vatican|costumes?|"
    r"arzt|ausschlag|kinderarzt|medico|pediatra|sarpullido)\b"
)
_SEX_WITH_CHILD = _any(
    r"""
    \bsex with {SMALL}{CHILD}\b(?! (?:around|at home|asleep|in the (?:house|home|room|bed)|sleeping|nearby|present))
    \b(?:fuck|molest(?:ing)?|rap(?:e|ing)|seduc(?:e|ing)) {SMALL}{CHILD}\b
    \bsex mit (?:ein\w{0,3} |klein\w* |mein\w* ){0,3}(?:kind(?:ern?)?|minderjahrigen?)\b
    \bkind(?:er)? (?:ficken|vergewaltigen|verfuhren|missbrauchen)\b
    \b(?:sexo|acostarme|tener relaciones|relaciones sexuales) con (?:un |una |mi )?(?:nin[oa]s?|menor(?:es)?)\b
    \b(?:violar|abusar de|seducir) (?:a |de )?(?:un |una )?(?:nin[oa]s?|menor(?:es)?)\b
    """,
    SMALL=_SMALL,
    CHILD=_CHILD,
)

_WISH = _any(r"""
    how (?:to|do i|can i|could i|would i|should i|do you|can we|do we)
    (?:i|we) (?:want|will|wanna|plan|intend|am going|are going|would like|must|should|need)(?: to)?
    i'm going to|going to|gonna|let'?s|help (?:me|us)|(?:best|easiest|fastest) way to|teach me|tell me how
    instructions? (?:to|for)|guide to|steps to
""")
_GROUP = _any(r"""
    jews|muslims|christians|hindus|arabs|blacks?|whites?|gays|lesbians|transgender\w*|immigrants|migrants|refugees
    foreigners|women|men|children|kids|students|teachers|cops|infidels|unbelievers|gypsies|roma|asians|mexicans|turks
    kurds
""")
_PLACE = _any(r"""
    school|church|mosque|synagogue|temple|hospital|kindergarten|crowd\w*|stadium|airport|subway|train|metro|mall|market
    concert|festival|parliament|city|town|building|bus|plane|office|university|nightclub|bar
""")
_MASS = _any(
    r"""
    \b{ARM} (?:\w+ ){0,2}to {KILL} {ALL}?{PEOPLE}\b
    \b{WISH} {FILL}{KILL} {ALL}{PEOPLE}\b
    \b{KILL} as many (?:\w+ )?as (?:possible|i can|we can)\b
    \b{WISH} {FILL}(?:blow up|bomb|shoot up|burn down|gas) (?:an?|the|my|our|this|that) (?:\w+ )?{PLACE}\b
    \b{WISH} {FILL}(?:commit|carry out|plan|do|stage|start|organi[sz]e|execute) (?:an? |the |my )?(?:\w+ )?{CRIME}\b
    \b(?:ich|wir) (?:will|wollen|werde|werden|mochten?)\b.{0,40}\b(?:amok laufen|einen? (?:amoklauf|anschlag|massaker))
    \b(?:ich|wir) (?:will|wollen|werde|werden|mochten?) (?:\w+ ){0,2}alle \w+ (?:toten|umbringen|vergasen|ermorden)\b
    \bwie (?:plan|begeh|verub|mach|bereit)\w*\b.{0,25}\b(?:amoklauf|terroranschlag|anschlag|massaker)\b
    \bwie (?:kann|konnte|soll|konnen) (?:ich|man|wir)\b.{0,25}\b(?:amoklauf|(?:terror)?anschlag|massaker)\b.{0,20}n\b
    \bbomben?\b.{0,30}\b(?:um|damit) (?:\w+ ){0,3}(?:juden|muslime|christen|auslander|menschen)\b
    \balle (?:juden|muslime|auslander|turken) (?:vergasen|toten|umbringen|ermorden)\b
    \b(?:quiero|queremos|voy a|vamos a|como (?:puedo |podemos )?)(?: \w+){0,3} ?{MATAR} a {TODOS} \w+
    \bbombas? para (?:matar|asesinar|exterminar)\b
    \b(?:matar|exterminar) a todos los (?:judios|musulmanes|cristianos|inmigrantes)\b
    \b(?:como|quiero|voy a) (?:\w+ ){0,2}(?:planear|planificar|cometer|organizar|hacer|perpetrar) (?:una? )?{CRIMEN}\b
    """,
    ARM="bombs?|explosives?|weapons?|gas|poison|virus(?:es)?|nerve agents?|nuke|bioweapon",
    KILL="kill|murder|exterminate|slaughter|massacre|wipe out|annihilate|gas|behead",
    ALL="(?:(?:all|every|as many|lots of|many|most|thousands of|hundreds of|millions of|of|the) ){1,3}",
    PEOPLE=rf"people|humans?|everyone|everybody|(?:the |those |these )?(?:{_GROUP})",
    WISH=_WISH,
    FILL=r"(?:\w+ ){0,3}",
    PLACE=_PLACE,
    CRIME="(?:mass|school) shooting|(?:shooting|killing) spree|massacre|genocide|terror(?:ist)? attacks?|mass murder",
    MATAR="matar|asesinar|masacrar|exterminar",
    TODOS="todos los|todas las|muchos|muchas|la mayor cantidad de",
    CRIMEN="atentado|tiroteo|masacre|matanza",
)
_NOT_MASS = _word(r"""
    why|who|when|did|was|were|hitler|nazis?|history|historical\w*|holocaust|novel|movie|film|documentary|games?|gta
    minecraft|prevent\w*|stop(?:ping)?|protect\w*|report(?:s|ed|ing)?|detect\w*|research\w*|study|convict\w*|trial|against
    wrong|says?|said|saying|balloons?|birthday|weeds?|bugs?|germs|bacteria|cells
    warum|wieso|wer|wollte[nt]?|verhinder\w*|bericht\w*|geschichte|spiel|film|roman|falsch
    por que|quien\w*|querian?|historia|novela|pelicula|juego|evitar|prevenir|contra|informe|ratas?|cucarachas?|hormigas?
""")

_WEAPONS_EN = _any(
    r"""
    \b(?:{BOMB}|bomb)[- ]?(?:making|building) (?:instructions?|guide|manual|tutorial|recipe)s?\b
    \b(?:make|making|build|building|assemble|cook|construct) {KIND}{BOMB}s?\b
    """,
    KIND="(?:(?:an?|the|some|my|your|own|homemade|home-made|real|simple|big|small|dirty) ){0,4}",
    BOMB=r"(?:(?:pipe|nail|car|dirty|pressure cooker) ?)?bomb|explosive|molotov(?: cocktail)?|napalm|sarin|ricin|"
    r"(?:nerve|mustard) gas",
)
_NOT_BOMB_EN = _word(r"""
    bath|photo|cherry|glitter|seed|cyclone|cake|logic|zip|fork|stink|water|jager\w*|games?|minecraft|fortnite|prevent\w*
    detect\w*|disarm\w*|defus\w*|dispos\w*|history|who|when|did|was|were|why|novel|movie|film|laws?|illegal\w*|chocolate
    convict\w*|arrest\w*|charged|report\w*|manhattan|oppenheimer|nazis?|shelter|threat|squad|calorimeter
    explosive (?:growth|flavou?rs?|starts?|performance|content|news|power|training|sound)
""")
_WEAPONS_DE = _any(
    r"""
    \b{HOW}\b.{0,40}\b{MAKE}\b.{0,40}\b{BOMB}\b
    \b{HOW}\b.{0,40}\b{BOMB}\b.{0,30}\b(?:zu )?{MAKE}\b
    \bbombenbau(?:anleitung\w*)?\b|\b(?:bau)?anleitung\w* (?:fur|zum bau|zum bauen) (?:von |ein\w{0,2} )?{BOMB}\b
    \b{BOMB} (?:selber |selbst |zuhause |zu hause )?(?:bauen|basteln|herstellen)\b
    """,
    HOW=r"wie|anleitung\w*|rezept\w*|hilf mir|zeig mir|erklare? mir|sag mir|ich (?:will|mochte|werde)",
    MAKE=r"bau(?:e|en|t)?|bastel\w*|herstell\w*|stell\w* her|mach(?:e|en|t)|misch\w*|zund(?:e|en)|konstruier\w*",
    BOMB=r"(?:rohr|nagel|auto|splitter|brand|paket|benzin|atom)?bomben?|sprengsatze?|sprengstoff\w*|molotow\w*|sarin|"
    r"handgranaten?|nervengas|giftgas|rizin|napalm|milzbrand\w*|biowaffen?|chemiewaffen?",
)
_NOT_BOMB_DE = _word(r"""
    entscharf\w*|verhinder\w*|erkenn\w*|entsorg\w*|blindganger\w*|weltkrieg\w*|geschichte|film\w*|spiel\w*|minecraft
    gesetz\w*|straf\w*|verboten|bericht\w*|nordkorea|iran|usa|manhattan\w*|schutz\w*|kuchen|torte|wer|wann|warum
""")
_WEAPONS_ES = _any(
    r"""
    \b{COMO} (?:\w+ ){0,2}?{HACER} (?:una? |unos |unas )?(?:\w+ )?{BOMBA}\b
    """,
    COMO="como|quiero|voy a|ayudame a|(?:instrucciones|guia|receta|tutorial|pasos) para|ensename a",
    HACER=r"hac\w+|fabric\w+|constru\w+|arm(?:ar|o|a)|mont(?:ar|o|a)|prepar\w+|deton\w+|pon(?:er|go)",
    BOMBA=r"bombas?(?! (?:de (?!clavos|tubo|gasolina)|hidraulic|manual|centrifug|solar|electric|sumergible))"
    r"(?! para (?!matar))|explosivos?|coctel(?:es)? molotov|granadas? de mano|gas (?:sarin|mostaza|nervioso)|ricina|"
    r"napalm|armas? (?:quimicas?|biologicas?|nucleares?)",
)
_NOT_BOMB_ES = _word(r"""
    agua|riego|pozo|calor|piscina|jardin|presion|motor|bano|aire|desactivar|evitar|prevenir|detectar|historia|pelicula
    juego|novela|ley|informe|segunda guerra|por que|quien\w*
""")

_SELF_HARM = _any(r"""
    \bhow (?:to|do i|can i|could i|should i)(?: \w+){0,3} {KILL} {SELF}\b
    \bhow to (?:hang|kill|drown|suffocate) yourself\b
    \bhow (?:to|do i|can i|should i)(?: \w+){0,3} (?:slit|cut) my (?:wrists?|veins?|throat)\b
    \b(?:best|easiest|painless|quickest|least painful|fastest) (?:suicide|way to (?:die|hang|kill myself|overdose))\b
    \bsuicide (?:methods?|techniques?|instructions?|guide|how ?to)\b
    \bhow (?:many|much) (?:\w+ ){1,5}(?:to (?:die|kill myself|overdose)|(?:will|would|to|do i need to) kill me)\b
    \b(?:i'm|i am|im) (?:going to|gonna|about to) (?:{END}|overdose)\b
    \bi (?:will|wanna|want to) (?:{END}|be dead)\b
    \bich (?:will|mochte|wollte|wurde|werde mir)(?: \w+){0,4} (?:sterben|nicht mehr leben|tot sein|das leben nehmen)\b
    \bich (?:will|mochte|werde|wollte|wurde) mich(?: \w+){0,2} (?:umbringen|toten|erhangen|ritzen|vergiften)\b
    \bich (?:will|mochte|werde) (?:selbstmord|suizid) (?:machen|begehen)\b|\bich bringe? mich(?: \w+){0,2} um\b
    \bwie (?:kann|konnte|soll|sollte) ich mich (?:\w+ ){0,3}(?:umbringen|toten|erhangen|vergiften|ritzen)\b
    \bwie (?:kann|konnte|soll|sollte) ich mir (?:\w+ ){0,3}(?:das leben nehmen|die pulsadern)
    \bwie (?:bringe? ich mich|tote ich mich|erhange ich mich|nehme ich mir das leben|ritze ich mich)\b
    \bwie (?:bringt man sich(?: \w+)? um|begeht man (?:selbstmord|suizid))\b
    \b(?:selbstmord|suizid)(?:methoden?|anleitung\w*)\b
    \bschmerzlos(?:er|e|en)? (?:sterben|selbstmord|suizid|umbringen|tod fur mich)\b
    \bwie viele (?:\w+ ){1,4}(?:um zu sterben|bis ich sterbe|zum sterben|um mich umzubringen)\b
    \b(?:quiero|deseo|voy a|pienso|quisiera|necesito)(?: \w+){0,2} (?:morir(?:me)?|estar muert[oa])\b
    \b(?:quiero|deseo|voy a|pienso|quisiera|como|forma de|manera de|formas de|maneras de)(?: \w+){0,2} {QUITARSE}\b
    \b(?:no quiero (?:seguir )?(?:vivir|viviendo)|quiero dejar de vivir)\b(?! (?:en|cerca|aqui|alli|con mis?)\b)
    \bme (?:voy a|quiero) (?:matar|suicidar|ahorcar)\b
    \bmetodos? de suicidio\b|\bsuicidio (?:sin dolor|indoloro|rapido)\b|\b(?:como|quiero) morir sin dolor\b
    \bcuant[ao]s (?:\w+ ){1,4}para (?:morir|matarme|suicidarme)\b
    """,
    KILL="hang|shoot|poison|drown|kill|suffocate|gas|starve",
    SELF=r"(?:myself|oneself)\b(?! (?:an?|the|some)\b)",
    END="kill myself|end it all|end my life|hang myself|commit suicide",
    QUITARSE="suicidar(?:me|se)|matarme|quitarme la vida|ahorcarme|cortarme las venas",
)  # fmt: skip
_NOT_SELF_HARM = _word(r"""
    prevent\w*|stud(?:y|ies)|statistic\w*|research\w*|report\w*|character|novel|lyrics?|translate|laugh\w*|boredom|curiosity
    a friend (?:says|said|told)|what does|guideline\w*|restrict\w*|access to
    pravention\w*|vorbeug\w*|studien?|bericht\w*|lachen|kaputtlach\w*|roman|figur|langeweile
    preven\w*|estudios?|informes?|novela|personaje|de risa|de hambre|de la risa|de aburrimiento|de verguenza
""")

_KILL_SOMEONE = _any(
    r"""
    \bwie (?:kann|konnte|soll|wurde) ich (?:\w+ ){0,2}{JEMAND} (?:\w+ ){0,2}{UMBRINGEN}\b
    \bwie (?:kann|konnte|soll) ich (?:\w+ ){0,2}{JEMAND} (?:\w+ )?vergewaltigen\b
    \bwie (?:tote|ermorde|vergifte|entfuhre|vergewaltige) ich {JEMAND}\b
    \bwie bringe? ich {JEMAND} (?:\w+ )?um\b
    \bcomo (?:puedo |podria |se puede )?(?:matar|asesinar|envenenar|secuestrar|violar|torturar) a {ALGUIEN}\b
    """,
    UMBRINGEN="umbringen|toten|vergiften|ermorden|entfuhren",
    JEMAND=r"jemanden|einen menschen|ein\w{0,2} (?:frau|kind|mann)|mein\w{0,2} (?:\w+ )?(?:frau|mann|chefin|chef|"
    r"freundin|freund|nachbar\w*|eltern|mutter|vater|schwester|bruder|ex|lehrer\w*|kolleg\w*)",
    ALGUIEN=r"alguien|una persona|personas|gente|un hombre|una mujer|"
    r"mi (?:\w+ )?(?:espos[oa]|marido|mujer|novi[oa]|jef[ea]|"
    r"vecin[oa]|padre|madre|herman[oa]|ex|profesora?|compan\w+)",
)

MULTILINGUAL_PATTERNS: tuple[tuple[str, int, str, str], ...] = (
    ("self_harm", 3, _SELF_HARM, _NOT_SELF_HARM),
    ("child_exploitation", 4, rf"{_DEMAND}(?:{_CHILD_PORN}){_NOT_WANTED}", r"\bwhy\b|\bprevent|\bprotect|\breport"),
    ("child_exploitation", 4, _CHILD_PORN, _SUBJECT),
    ("child_exploitation", 4, _NAKED_CHILD, _NOT_NAKED),
    ("child_exploitation", 4, _SEX_WITH_CHILD, rf"{_SUBJECT}|\b(?:was|were)\b"),
    ("weapons", 4, _WEAPONS_EN, _NOT_BOMB_EN),
    ("weapons", 4, _WEAPONS_DE, _NOT_BOMB_DE),
    ("weapons", 4, _WEAPONS_ES, _NOT_BOMB_ES),
    ("violence", 3, _MASS, _NOT_MASS),
    ("violence", 3, _KILL_SOMEONE, rf"{_NOT_MASS}|\b(?:sims|sterbehilfe|personaje|figur)\b"),
)
