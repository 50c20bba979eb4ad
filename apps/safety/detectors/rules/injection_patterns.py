"""Patterns for injected instructions in passages: orders about the next reply of an assistant that reads them.

Letters and exams ask for answers too ("include your number in your reply", "give two examples in your answer"). So
`REPLY_PATTERNS` match only orders that change the reply itself, disguise its letters, or carry an address or advert
into it. `MACHINE_ADDRESS_PATTERNS`, in English, German and Spanish, match text that addresses a machine openly. Such
text names the machine beside a demand, or makes a demand about the summary of this text or the answer to any question.
Other such text is about the machine's earlier instructions, its tools, or what its user may know. For passages only: a
user may ask the assistant for any of this.

`docs/review/classifiers.md` reports recall and false positives.
"""

from __future__ import annotations

_BEGIN = r"(?:^|[.!?:\n] ?)"
_OWN = r"your (?:own |next |final )?(?:reply|response|answer|output|message)"
_LETTERS = r"(?:letters?|vowels?|consonants?|spaces?|typos?|words?|characters?|punctuation|digits?|misspellings?)"
_DISGUISE = (
    r"(?:morse|base ?\d\d|hexadecimal|binary|ascii|rot ?13|caesar|ciphers?|leet\w*|pig latin|emojis?|misspel\w+|typos?|"
    r"\w+ substitution|symbols|revers\w+|backwards?|anagrams?|scrambl\w+|atbash|upside down)"
)
_CARRIED = (
    r"(?:https?:|www\.|\w\.(?:com|net|org|xyz|info|example)\b|@\w+\.|\blinks?\b|advert\w*|promot\w+|download|donat\w+|"
    r"subscri\w+|sponsor\w*)"
)

# code, severity, pattern, unless: as in `harm_patterns.py`
REPLY_PATTERNS: tuple[tuple[str, int, str, str], ...] = (
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}(?:modify|augment|supplement|enrich|alter|embellish|enhance|change) {_OWN} (?:to|with|by|so that)\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}in {_OWN}, (?:tease|promote|advertise|(?:suggest|urge|encourage|invite|direct|tell|recommend) "
        r"(?:that )?(?:the )?(?:users?|readers?|people|customers?|everyone|them)\b)",
        "",
    ),
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}(?:add|integrate|include|insert|embed|incorporate|weave|slip)\b(?:(?!\byour\b)[^\n]){{0,120}}"
        rf"{_CARRIED}(?:(?!\byour\b)[^\n]){{0,80}}\b(?:in|into|to|within) {_OWN}\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}(?:write|provide|give|render|encode|format|present|compose|deliver|spell|translate|convert) {_OWN} "
        rf"(?:\w+ ){{0,4}}{_DISGUISE}\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        rf"{_BEGIN}(?:remove|replace|substitute|swap|introduce|reverse|scramble|shift|double|mix)\b[^\n.]{{0,30}}"
        rf"\b{_LETTERS} (?:in|of|from|within|into) {_OWN}\b",
        "",
    ),
)

# Patterns read folded text: lower case, "ss" for "ß", on one line as documents bring it. `_GAP` ends with the sentence.
_GAP = r"[^.!?\n]"
_AI = (
    r"(?:(?:(?:large )?language|ai) models?|llms?|ais?|a\.i\.|artificial intelligences?|chat ?bots?|chatgpt|"
    r"(?:ai|virtual|digital|automat(?:ed|ic)|summari[sz]ation)[ -](?:\w+ )?(?:assistants?|agents?|systems?|tools?|"
    r"crawlers?|"
    r"readers?|reviewers?|summari[sz]ers?|processes)|bots?|crawlers?)"
)
_THIS = r"(?:this|these|the (?:above|following|present|attached))"
_READS = (
    r"(?:reads?|reading|process(?:es|ing)?|handl(?:es?|ing)|pars(?:es?|ing)|index(?:es|ing)?|summari[sz](?:es?|ing)|"
    r"analy[sz](?:es?|ing)|review(?:s|ing)?|evaluat(?:es?|ing)|compar(?:es?|ing)|scor(?:es?|ing)|"
    r"translat(?:es?|ing)|scan(?:s|ning)?|sees?|seeing|access(?:es|ing)?)"
)
_MUST = (
    r"(?:must|should|shall|ha(?:s|ve) to|(?:is|are) (?:required |asked |instructed |supposed )?to|needs? to|"
    r"will|please)"
)
_STATE = (
    r"(?:state|say|mention|claim|answer|reply|respond|tell|add|include|insist|stress|emphasi[sz]e|note|report|declare|"
    r"write|recommend|describe|rate|praise|omit|conclude|begin|start|end|open|close)"
)
_QUOTED = r"(?:[\"'“”„«‘:]|the (?:words?|phrase|sentence|text|line|link|slogan|name)\b)"
_USER = r"(?:user|reader|human|visitor|customer|person (?:you|who|that))"
_SIGN_IN = r"(?:pass ?words?|pass ?codes?|credentials?|pins?|credit card|card numbers?|access tokens?|api keys?)"
_TALK = (
    r"(?:conversation|chat(?: history| log)?|dialog(?:ue)?|session|user'?s? (?:question|message|prompt|input|"
    r"data)s?)"
)
_TOOL = r"(?:e-?mail|mail|search|brows(?:er|ing)|files?|calendar|web|messag(?:e|ing)|code|shell|terminal|http|database)"

_ENGLISH = (
    # addressed to an AI
    rf"\b(?:for|to|attention|dear|hello|hey|note) (?:all |any |the |every |an |whatever |whichever |other )?{_AI}\b"
    rf"(?:{_GAP}{{0,20}}\b{_READS}\b{_GAP}{{0,40}}|,? ?):",
    rf"\b(?:dear|hey|hello) (?:ai |virtual |digital )?(?:assistant|{_AI})\b ?[,:!]",
    rf"\b{_AI}\b,? (?:that |which |who )?(?:is |are |may be )?{_READS} {_THIS}\b{_GAP}{{0,60}}\b{_MUST}\b",
    rf"\b(?:if|when|in case) (?:an?|any|some|the) {_AI}\b{_GAP}{{0,20}}\b{_READS}\b{_GAP}{{0,40}}\b(?:{_MUST}|"
    rf"{_STATE})\b",
    rf"\b(?:if you are|as) an? {_AI}\b{_GAP}{{0,30}}\b(?:{_READS} {_THIS}|(?:you )?must|please)\b",
    rf"\b(?:any|every|all|each) {_AI}\b(?: (?:that|which|who))?{_GAP}{{0,40}}\b(?:{_READS}|asked|used)\b{_GAP}{{0,60}}"
    rf"\b{_MUST}\b",
    rf"\b(?:we|i) (?:\w+ly )?(?:ask|beg|request|urge|expect|want|instruct|remind) (?:any|the|all|every|each|an) {_AI}"
    rf"\b{_GAP}{{0,60}}\bto\b",
    rf"<!-- ?(?:assistant|system|{_AI})\b",
    # about the summary of this text
    rf"\b(?:when|whenever|while|if|in) (?:you )?(?:are )?(?:summari[sz]\w+|asked (?:about|for|to)|describ\w+|"
    rf"translat\w+|"
    rf"review\w+|quoting|discussing|questioned about)(?: {_GAP}{{0,30}}{_THIS}{_GAP}{{0,30}})?,? "
    rf"(?:(?:always|please|only|also|never) |be sure to |make sure to )?{_STATE} (?:\w+ )?(?:that|only)\b",
    rf"\b(?:when|whenever|if) (?:you are )?asked (?:about|for) {_THIS}\b{_GAP}{{0,30}}, (?:please |always |only |"
    rf"never )*{_STATE}\b",
    rf"\b(?:any|every|each|all|your) (?:summar(?:y|ies)|descriptions?|reviews?|translations?|answers?|repl(?:y|"
    rf"ies)) (?:of|about|on|to)"
    rf"(?: questions? (?:about|on))? {_THIS}\b{_GAP}{{0,30}}\b(?:must|should|shall|ha(?:s|ve) to|is to|are to)\b",
    rf"\bdo not (?:mention|disclose|reveal|name|report|include)\b{_GAP}{{0,60}}\bin (?:any|your|the) (?:summary|answer|"
    rf"reply|review|"
    rf"description)s? (?:of|about|on|to) {_THIS}\b",
    rf"\b(?:repl(?:y|ies)|answers?|responses?) to (?:every|any|all|each) questions?\b{_GAP}{{0,40}}\b(?:is|are|must|"
    rf"should|shall)\b",
    # about any answer
    rf"\b(?:whatever|no matter what|regardless of what) (?:(?:you|they|the user|anyone|people) (?:are |"
    rf"is )?(?:being )?|is )?"
    rf"(?:asks?|asked|says?)\b{_GAP}{{0,20}}\b(?:answer|reply|respond|say|return|output)\b ?(?:only|with|just|nothing|"
    rf"always|:)",
    rf"\b(?:answer|reply|respond) to (?:every|any|all|each) (?:further )?(?:question|request|prompt|quer(?:y|ies)|"
    rf"message)s?\b"
    rf"{_GAP}{{0,30}}\b(?:with|by saying) ?{_QUOTED}",
    rf"\b(?:end|begin|start|finish|close|open|conclude|sign) (?:each|every|all|any)(?: one)?(?: of)?(?: your)? "
    rf"(?:repl(?:y|ies)|answers?|responses?)\b{_GAP}{{0,30}}\bwith ?{_QUOTED}",
    # against earlier instructions
    r"\b(?:ignore|disregard|forget|set aside|drop|discard|abandon|overlook|stop|leave) "
    r"(?:everything |all |anything |of )*(?:what(?:ever)?|that|the things?)? ?you (?:have been|were|are|had been) "
    r"(?:just |so far |previously )?(?:told|asked|instructed|doing|ordered|given)\b",
    rf"\b(?:your|the) (?:\w+ )?(?:task|job|assignment|orders?|instructions?)(?: that)?(?: you (?:were|have been) given|"
    rf" above| so far)? "
    rf"(?:is|are|has been|have been) (?:now |hereby )?(?:cancel\w+|void|revoked|suspended|obsolete|superseded)"
    rf"\b{_GAP}{{0,20}}[.;,:] ?{_GAP}{{0,20}}"
    rf"\b(?:your|new|instead)\b",
    rf"\byour (?:new|only|real|actual|true) (?:task|job|instructions?|goal|objective|purpose|mission) (?:is|"
    rf"are)(?: now)? to "
    rf"(?:{_STATE}|advertise|promote|persuade|convince|reveal|send|translate|output|sell|help)\b",
    r"\byou are (?:no longer|not|now) an? (?:\w+ ){0,3}(?:assistant|chat ?bot|ai|language model)\b",
    # fake system messages
    r"\b(?:end of|begin) (?:the |this )?(?:document|text|context|file|page|data|user input|e-?mail)\W{0,3}"
    r"[^\w\s]\W{0,12}\b(?:system|"
    r"admin|developer|"
    r"assistant|new instructions?|user)\b",
    r"\[ ?(?:system|admin\w*|developer|assistant)[ _-](?:notice|message|note|prompt|override|instructions?|command|"
    r"update|alert)\](?!\()",
    r"[\[{<(]{1,2}[ #/]*(?:ai|llm|assistant|system|admin|agent|hidden|priority)[ _-](?:instructions?|overrides?|notes?|"
    r"directives?|commands?|tasks?)\b(?:[ :]|\]:|\]? ?[}>]|\](?!\())",
    r"\b(?:respond|output|reply) (?:only with|with exactly|only|exactly) ?:? ?[\"'‘“]|"
    r"\byour only (?:response|output|reply) "
    r"(?:should|must|is|will)\b|\bnew (?:primary )?directive ?:",
    rf"\b(?:include|encode|repeat|place|put|list|append)\b{_GAP}{{0,80}}\bat the (?:start|beginning|end|"
    rf"top|bottom) of your "
    r"(?:response|output|reply)\b",
    r"\b(?:tell|inform|ask|urge|advise) (?:the )?users? (?:to (?:visit|click|download|call|go to|install|"
    r"re-?enter)|that)\b"
    r"[^!?\n]{0,80}(?:https?:|www\.|\w\.(?:com|net|org|info|example)\b)",
    rf"\b(?:safety|content|your) (?:filters?|rules|polic(?:y|ies)|restrictions?|guardrails?)\b{_GAP}{{0,20}}\b(?:are|"
    rf"is|have been|has been) "
    rf"(?:now )?(?:switched off|disabled|lifted|off|deactivated|suspended)\b",
    r"\b(?:answer|respond|reply) (?:from now on )?without (?:any )?(?:restrictions?|limits|filters?|safety|"
    r"censorship)\b",
    # without knowledge of the user
    r"\bwithout (?:telling|letting|informing|alerting|notifying) the (?:reader|visitor|human|person (?:you|who|that))"
    r"\b",
    rf"\b(?:keep|hide|conceal) {_THIS}\b{_GAP}{{0,30}}\bfrom (?:the|your) {_USER}\b",
    rf"\bask (?:the|your|every|any) {_USER}s?\b{_GAP}{{0,30}}\b{_SIGN_IN}\b{_GAP}{{0,20}}\b(?:and|then) (?:repeat|send|"
    rf"forward|post|include|store|pass)\b",
    rf"\bbefore (?:you|answering|responding|replying)\b{_GAP}{{0,30}}\b(?:ask|require|demand|get)\b{_GAP}{{0,30}}"
    rf"\b{_USER}s?\b{_GAP}{{0,30}}\b{_SIGN_IN}\b",
    rf"\b(?:tell|inform|convince|persuade|warn|notify) (?:the|your|every|any) {_USER}s? that (?:their|his|her|"
    rf"the) (?:account|session|"
    rf"password|subscription|licen[cs]e|payment)\b{_GAP}{{0,80}}\b(?:at|to|visit|on|via|under) \S+\.\w",
    # with tools, or by an address
    rf"\b(?:with|us(?:e|ing)) your (?:\w+ )?{_TOOL}[ -](?:tools?|functions?|plug-?ins?|access|skills?)\b",
    rf"\bcall (?:the|your) \w+_\w+ (?:function|tool)\b{_GAP}{{0,80}}\b(?:as soon as|once|when) you\b",
    rf"\b(?:send|forward|copy|transmit|post|upload|leak|submit|deliver|email|append|pass)\b{_GAP}{{0,40}}\b(?:this|the|"
    rf"our|entire|whole|your) {_TALK}"
    rf"{_GAP}{{0,30}}\b(?:to|at)\b \S*[@/.]\w",
    r"!\[[^\]\n]{0,80}\]\( ?https?://[^)\s]{1,150}[?&/]\w{0,20}=[^)\s&]{0,40}(?:question|conversation|history|prompt|"
    r"password|secret|"
    r"message|frage|verlauf|gespr|passwor|pregunta|conversaci|contrase)",
    rf"https?://\S{{1,150}}[=/] (?:followed by|plus|with|and (?:append|add))\b{_GAP}{{0,40}}\b(?:everything|user|"
    rf"{_TALK}|typed|asked)\b",
)  # fmt: skip

_AI_DE = (
    r"(?:ki(?:-\w+)?|künstliche[nrs]? intelligenz|"
    r"sprachmodell\w*|"
    r"llms?|chat-?bots?|chatgpt|(?:automatisch|digital|virtuell|künstlich)[a-z]* (?:assistent|system|agent|helfer)\w*)"
)
_THIS_DE = r"(?:dies\w{0,2}|(?:die|das|den|der|dem) (?:obige|folgende|vorliegende)\w?)"
_MUST_DE = r"(?:soll(?:en|te|ten)?|muss|müssen|ha(?:t|ben)|darf|dürfen|mögen?|bitte|wird gebeten|werden gebeten)"
_STATE_DE = (
    r"(?:sag|gib|erwähn|nenn|behaupt|schreib|beton|füg|stell|antwort|bewert|empfiehl|empfehl|lob|beschreib|weis|lass|"
    r"beginn|beend)\w{0,3}"
)
_USER_DE = r"(?:benutzer|nutzer|anwender|leser|besucher|kunde)\w{0,3}"
_TALK_DE = r"(?:gespräch|unterhaltung|chat|verlauf|gesprächsverlauf|chatverlauf|dialog|nutzerfrage)\w{0,3}"

_GERMAN = (
    rf"\b(?:an|für|hinweis an|achtung) (?:die|das|den|jede[ns]?|alle|eine?n?|etwaige) {_AI_DE}\b{_GAP}{{0,60}}:",
    rf"\b(?:liebe[rs]?|hallo|hey|sehr geehrte[rs]?) (?:{_AI_DE}|assistent\w{{0,2}}) ?[,:!]",
    rf"\b{_AI_DE}, (?:die|das|der|welche[rs]?) {_THIS_DE}\b{_GAP}{{0,80}}\b{_MUST_DE}\b",
    rf"\b(?:falls|wenn|sofern|sollte) (?:eine?n?|die|das|der|irgendeine?) {_AI_DE}\b{_GAP}{{0,60}}\b(?:{_MUST_DE}|"
    rf"{_STATE_DE})\b",
    rf"\b{_THIS_DE}\b{_GAP}{{0,40}}\bals {_AI_DE}\b|\bals {_AI_DE} (?:sollst|musst|hast) du\b|\b(?:bist|falls|"
    rf"wenn) du (?:\w+ )?eine? {_AI_DE}\b",
    rf"\b(?:wir|ich) (?:bitten?|ersuchen?|fordern?) (?:die|das|den|jede[sn]?|alle) {_AI_DE}\b",
    rf"<!-- ?(?:assistent\w*|{_AI_DE})\b",
    rf"\b(?:beim (?:zusammenfassen|übersetzen)|in (?:jeder|deiner|der) zusammenfassung|bei jeder zusammenfassung)"
    rf"\b{_GAP}{{0,60}}, dass\b|"
    rf"\b(?:wenn|sobald) du {_THIS_DE}\b{_GAP}{{0,40}}\b(?:zusammenfasst|übersetzt|beschreibst|bewertest)\b",
    rf"\b(?:jede|alle|deine) (?:zusammenfassung|beschreibung|übersetzung|bewertung)(?:en)? (?:von |zu |"
    rf"über )?{_THIS_DE}\b{_GAP}{{0,40}}\b(?:{_MUST_DE}|{_STATE_DE})",
    rf"\b{_STATE_DE}\b{_GAP}{{0,60}}\bin (?:keiner|jeder|deiner|der) (?:zusammenfassung|antwort|beschreibung) (?:von |"
    rf"zu |über )?{_THIS_DE}\b",
    rf"\bbei (?:allen |jeder |etwaigen )?(?:fragen?|anfragen?) (?:zu|nach|über) {_THIS_DE}\b{_GAP}{{0,60}}"
    rf"\b(?:{_STATE_DE}|zu (?:sagen|antworten|behaupten))\b",
    rf"\b(?:egal|gleich|gleichgültig), (?:was|wonach|welche frage)\b{_GAP}{{0,10}}\b(?:du|man dich|der nutzer)"
    rf"\b{_GAP}{{0,30}}\b(?:antwort|sag|schreib|erwider)\w*",
    rf"\bauf (?:alle|jede|sämtliche) fragen?\b{_GAP}{{0,40}}\b(?:lautet|antwortest|antworte|erwidere)"
    rf"\b(?: deine antwort| du)?{_GAP}{{0,20}}(?:, dass|:|mit |nur |immer )",
    rf"\b(?:beend|beginn|schliess|eröffn)\w*\b{_GAP}{{0,10}}\b(?:jede|alle) (?:deiner |deine )?antwort(?:en)?"
    rf"\b{_GAP}{{0,20}}\bmit\b",
    rf"\b(?:ignorier(?:e|t)?|vergiss|vergesst|missachte|verwirf|übergehe?|ignorieren sie)\b{_GAP}{{0,30}}"
    rf"\b(?:alle[sn]?|sämtliche|deine?|jede|was|bisherige[nr]?|"
    rf"vorherige[nr]?|obige[nr]?)\b{_GAP}{{0,40}}\b(?:anweisung|vorgabe|instruktion|regel|befehl|aufgabe|auftrag|"
    rf"richtlinie|prompt|dir\b{_GAP}{{0,20}}\b(?:aufgetragen|gesagt|befohlen|mitgeteilt) wurde)",
    rf"\bdeine (?:bisherigen?|vorherigen?|ursprünglichen?|früheren?|alten?) (?:vorgabe|anweisung|instruktion|aufgabe|"
    rf"regel|rolle|befehl|richtlinie)\w*\b{_GAP}{{0,20}}"
    rf"\b(?:gelten nicht|gilt nicht|hinfällig|aufgehoben|ungültig|beendet|ausser kraft|erledigt)\b",
    r"\bdeine (?:neue|eigentliche|wahre|einzige) (?:aufgabe|anweisung|anweisungen|bestimmung) (?:ist|sind|lautet|"
    r"lauten)\b",
    rf"\bdu bist (?:ab (?:sofort|jetzt)|von nun an|nun|jetzt|nicht mehr|nicht länger)\b{_GAP}{{0,30}}\b(?:assistent|ki|"
    rf"chatbot|sprachmodell|bot)\b",
    r"ende de[rs] (?:dokuments?|textes|datei|seite|kontextes|e-?mail)\W{0,3}[^\w\s]\W{0,12}\b(?:system|admin|nutzer|"
    r"neue anweisung)",
    r"\[ ?system-?(?:meldung|nachricht|hinweis|anweisung|befehl)\w*",
    rf"\b(?:filter|sicherheitsregeln|beschränkungen|einschränkungen|richtlinien)\b{_GAP}{{0,40}}\b(?:abgeschaltet|"
    rf"deaktiviert|ausgeschaltet|aufgehoben)\b{_GAP}{{0,10}}[.!] ?(?:antworte|du)\b",
    r"\bantworte\b[^.!?\n]{0,20}\bohne (?:jede |alle )?(?:einschränkung|beschränkung|filter|zensur)",
    rf"(?:^|[.!?:;|] )(?:lass|verschweig|nenn|sag|füg|änder|erwähn|streich|setz|überspring)\w*\b{_GAP}{{0,60}}"
    rf"\bohne,? (?:dass (?:der|die) {_USER_DE}|(?:es )?de[mn] {_USER_DE})",
    rf"\b(?:verschweig|verheimlich)\w* (?:\w+ ){{0,3}}de[mn] {_USER_DE}|\bsag\w* de[mn] {_USER_DE} (?:nichts|nicht)\b",
    rf"\b(?:frag|bitt|forder)\w{{0,2}} (?:den|die|jeden) {_USER_DE}\b{_GAP}{{0,30}}\b(?:passw\w+|kennw\w+|zugangsdaten|"
    rf"kreditkarte\w*|pin)\b{_GAP}{{0,20}}\b(?:und (?:wiederhol|sende|schick|gib)|bevor du)",
    rf"\b(?:teile?|sage?|erkläre?|melde?) (?:dem|der|den|jedem) {_USER_DE}\b{_GAP}{{0,8}}, dass (?:sein|ihr|das|"
    rf"die)\w? (?:sitzung|konto|passwort|kennwort|abonnement|lizenz|zugang)\b",
    r"\bmit (?:deinem|deiner|hilfe deines) (?:\w+-)?(?:\w*mail|such|datei|kalender|browser|web|"
    r"nachrichten)\w*-?(?:werkzeug|tool|funktion|zugriff|programm)\w*",
    rf"\b(?:schick|send|leit|übermittl|übermittel|kopier|übertrag|poste)\w*\b{_GAP}{{0,60}}\b(?:diese[sr]?|de[nsr]|das|"
    rf"unsere?n?|gesamte[nr]?|ganze[ns]?) {_TALK_DE}\b{_GAP}{{0,20}}\ban\b",
)  # fmt: skip

_AI_ES = (
    r"(?:ias?|inteligencias? artificial(?:es)?|modelos? de (?:lenguaje|ia)|llms?|chat-?bots?|chatgpt|"
    r"(?:asistentes?|sistemas?|agentes?) (?:de ia|virtual(?:es)?|automáticos?|digital(?:es)?))"
)
_THIS_ES = r"(?:est[eao]s?|el presente|la presente|(?:el|la|los|las) (?:anterior|siguiente)(?:es)?)"
_MUST_ES = r"(?:deben?|deberán?|deberían?|tienen? que|ha(?:n)? de|por favor)"
_STATE_ES = (
    r"(?:di|diga|indica|indique|menciona|mencione|afirma|afirme|añade|añada|responde|responda|contesta|conteste|"
    r"escribe|escriba|"
    r"recomienda|recomiende|destaca|destaque|declara|elogia|empieza|termina|omite)"
)
_USER_ES = r"(?:usuario|lector|visitante|cliente|humano)s?"

_SPANISH = (
    rf"\b(?:para|a|nota para|aviso a|atención,?) (?:(?:la|las|el|los|cualquier|toda|todo|una|un) )?{_AI_ES}"
    rf"\b{_GAP}{{0,60}}:",
    rf"\b(?:querid[oa]|estimad[oa]|hola,?) (?:{_AI_ES}|asistente) ?[,:!]",
    rf"\b{_AI_ES},? que (?:\w+ )?(?:le[ae]n?|procesen?|analicen?|resuman?|reciban?|revisen?|eval[uú]en?|"
    rf"comparen?) {_THIS_ES}\b{_GAP}{{0,60}}\b{_MUST_ES}\b",
    rf"\bsi (?:una?|alguna?|la|el) {_AI_ES}\b{_GAP}{{0,60}}\b(?:{_MUST_ES}|{_STATE_ES})\b",
    rf"\b(?:si eres|como) una? {_AI_ES}\b{_GAP}{{0,30}}\b(?:{_THIS_ES}|debes)\b",
    rf"\b(?:pedimos|pido|rogamos|ruego|solicitamos) a (?:la|las|el|los|toda|cualquier) {_AI_ES}\b",
    rf"<!-- ?(?:asistente|{_AI_ES})\b",
    rf"\bal (?:resumir|traducir|describir|comentar)(?: {_THIS_ES} \w+)?, (?:siempre )?{_STATE_ES} que\b",
    rf"\b(?:cuando|si) (?:te )?pregunten? (?:por|sobre|acerca de) {_THIS_ES}\b{_GAP}{{0,30}}, (?:siempre )?{_STATE_ES}"
    rf"\b",
    rf"\b(?:todo|cualquier|cada|tu) (?:resumen|traducción|descripción|reseña) de {_THIS_ES}\b{_GAP}{{0,30}}"
    rf"\b{_MUST_ES}\b",
    rf"\bno (?:menciones|mencione|reveles|incluyas|cites|digas)\b{_GAP}{{0,60}}\ben (?:ningún|tu|el|"
    rf"cualquier) (?:resumen|respuesta) (?:de|sobre) {_THIS_ES}\b",
    rf"\b(?:te pregunten lo que te pregunten|(?:sea cual sea|cualquiera que sea|no importa cuál sea) la pregunta|"
    rf"a cualquier pregunta)\b{_GAP}{{0,20}}\b(?:contesta|responde|di)\b ?(?:sol[oa]|sólo|únicamente|siempre|"
    rf"con|:)",
    rf"\brespuestas? (?:correcta )?a (?:cualquier|toda|todas las) preguntas?\b{_GAP}{{0,40}}\b(?:es|debe|será)\b",
    rf"\b(?:termina|empieza|comienza|acaba|cierra|inicia) (?:cada una de tus|todas tus|cada|tus) respuestas?"
    rf"\b{_GAP}{{0,20}}\bcon\b",
    rf"\b(?:ignora|olvida|haz caso omiso de|descarta|pasa por alto|desobedece|omite)\b{_GAP}{{0,30}}\b(?:instrucciones|"
    rf"órdenes|directrices|reglas|prompt|indicaciones|tu tarea|"
    rf"se te (?:ha|haya|ha sido|hayan) (?:dicho|pedido|indicado|ordenado)|te (?:han|hayan) (?:dicho|pedido|indicado|"
    rf"ordenado))\b",
    rf"\b(?:las|tus) (?:instrucciones|órdenes|indicaciones|reglas) (?:anteriores|previas|originales)\b{_GAP}{{0,20}}"
    rf"\b(?:anuladas|canceladas|sin efecto|no valen|no cuentan|obsoletas|ya no)\b",
    r"\btu (?:nueva|verdadera|única) (?:tarea|misión|función|instrucción) (?:es|consiste)\b",
    rf"\b(?:ya no eres|ahora eres|a partir de ahora eres|desde ahora eres) una? {_GAP}{{0,30}}\b(?:asistente|ia|"
    rf"chatbot|bot|modelo)\b",
    r"fin del (?:documento|texto|contexto|archivo|correo)\W{0,3}[^\w\s]\W{0,12}\b(?:sistema|system|admin|usuario|"
    r"nuevas instrucciones)",
    r"\[ ?(?:mensaje|aviso|nota|orden|instrucción) del sistema",
    rf"\b(?:responde|contesta)\b{_GAP}{{0,20}}\bsin (?:ninguna |ningún )?(?:restricci|límite|filtro|censura)",
    rf"(?:^|[.!?:;|] )(?:omite|oculta|calla|di|cambia|añade|suprime|salta)\b{_GAP}{{0,60}}\bsin (?:que (?:el|"
    rf"la) {_USER_ES}|(?:decir|avisar|informar)\w* (?:se )?(?:lo )?al {_USER_ES})",
    rf"\bno (?:le )?(?:digas|cuentes|reveles|menciones)\b{_GAP}{{0,20}}\bal {_USER_ES}\b|\b(?:ocúltale|"
    rf"oculta) (?:\w+ ){{0,3}}al {_USER_ES}\b",
    rf"\bp[ií]d[ei]\w{{0,3}} (?:primero )?al {_USER_ES}\b{_GAP}{{0,20}}\b(?:contraseña|clave|credenciales|tarjeta|pin)"
    rf"\b{_GAP}{{0,30}}(?:antes de (?:seguir|responder|contestar)|\by (?:rep[ií]t|envía|manda))",
    rf"\b(?:di|dile|informa|avisa|comunica|advierte) al {_USER_ES} (?:de )?que (?:su|la) (?:sesión|cuenta|contraseña|"
    rf"suscripción|licencia)\b",
    r"\b(?:usa|utiliza|con|emplea) tu (?:herramienta|función|acceso) (?:de|a|al) (?:correo|búsqueda|archivos|"
    r"calendario|mensajes|navegador|web)\b",
    rf"\b(?:envía|reenvía|manda|copia|transmite|publica)\b{_GAP}{{0,60}}\b(?:esta|la|toda la|nuestra) (?:conversación|"
    rf"charla|sesión)\b{_GAP}{{0,20}}\ba\b",
)  # fmt: skip

MACHINE_ADDRESS_PATTERNS: tuple[tuple[str, int, str, str], ...] = tuple(
    ("prompt_attack", 2, pattern, "") for pattern in (*_ENGLISH, *_GERMAN, *_SPANISH)
)
# No pattern of MACHINE_ADDRESS_PATTERNS matches without one of these; RE2 searches all of them at once.
INJECTION_PREFILTER = "|".join(
    (
        # English
        rf"\b{_AI}\b|assistant|<!-- ?system",
        r"summari[sz]|asked (?:about|for|to)|(?:describ|translat|review|quot|discuss)|questioned",
        r"(?:summar(?:y|ies)|descriptions?|reviews?|translations?|answers?|repl(?:y|ies)|respon(?:d|ses?)) (?:of|"
        r"about|on|to)",
        r"do not (?:mention|disclose|reveal|name|report|include)|whatever|no matter what|regardless of what",
        r"(?:each|every|all|any)(?: one)?(?: of)?(?: your)? (?:repl|answer|respon)|you (?:have|were|are|had)\b",
        r"(?:ai|llm|assistant|system|admin|agent|hidden|priority)[ _-](?:instruction|override|note|directive|"
        r"command|task)",
        r"(?:ai|llm|assistant|system|admin|agent|hidden|priority)[ _-]prompt|new (?:primary )?directive|your only ",
        r"(?:respond|output|reply) (?:only|with exactly|exactly)|of your (?:response|output|reply)",
        r"(?:tell|inform|ask|urge|advise) (?:the )?users? (?:to|that)",
        r"cancel|\bvoid\b|revoked|suspended|obsolete|superseded|\byour (?:new|only|real|actual|true) ",
        r"(?:end of|begin) (?:the |this )?(?:document|text|context|file|page|data|user input|e-?mail)|"
        r"\[ ?(?:system|admin|developer)",
        r"(?:safety|content|your) (?:filter|rule|polic|restriction|guardrail)|(?:answer|respond|"
        r"reply) (?:from now on )?without",
        rf"without (?:telling|letting|informing|alerting|notifying)|(?:from|ask|tell|inform|convince|persuade|warn|"
        rf"notify) "
        rf"(?:the|your|every|any) {_USER}",
        r"before (?:you|answering|responding|replying)|us(?:e|ing) your|with your|call (?:the|your) |https?://|!\[",
        r"(?:this|the|our|entire|whole|your) (?:conversation|chat|dialog|session|user)",
        # German
        rf"\b{_AI_DE}\b|assistent|zusammenfass|beim übersetzen|(?:wenn|sobald|bist|falls) du ",
        r"(?:jede|alle|deine) (?:beschreibung|übersetzung|bewertung)|in (?:keiner|jeder|deiner|der) (?:antwort|"
        r"beschreibung)",
        r"bei (?:allen |jeder |etwaigen )?(?:an)?fragen? (?:zu|nach|über)|gleich(?:gültig)?, |egal, |auf (?:alle|"
        r"jede|sämtliche) frage",
        r"(?:jede|alle) (?:deiner |deine )?antwort|\b(?:ignorier|vergiss|vergesst|missachte|verwirf|übergeh)|"
        r"\bdeine |\bdu bist",
        r"ende de[rs] |abgeschaltet|deaktiviert|ausgeschaltet|aufgehoben|\bantworte\b|ohne,? (?:dass|es|de[mn])",
        rf"(?:de[rmn]|die|jede[mn]) {_USER_DE}|mit (?:deine[mr]|hilfe deines)|{_TALK_DE}",
        # Spanish
        rf"\b{_AI_ES}\b|asistente|\bal (?:resumir|traducir|describir|comentar)|pregunt",
        r"(?:todo|cualquier|cada|tu) (?:resumen|traducción|descripción|reseña)|(?:ningún|tu|el|"
        r"cualquier) (?:resumen|respuesta)",
        r"respuestas?|ignora|olvida|haz caso|descarta|pasa por alto|desobedece|omite|anteriores|previas|originales",
        rf"\btu |\beres\b|fin del|\[ ?(?:mensaje|aviso|nota|orden|instrucción) del|\bcontesta\b|\bresponde\b|"
        rf"sin que|al {_USER_ES}",
        r"conversación|charla|sesión",
    )
)
INJECTION_PATTERNS = (*REPLY_PATTERNS, *MACHINE_ADDRESS_PATTERNS)
