"""Patterns of the rules for folded text (lower case, plain letters), as (code, severity, pattern, unless).

Repetitions are bounded, so that no text makes a pattern slow and no match is longer than the overlap of two windows.
"""

from __future__ import annotations

# No harm rule matches without one of these; one quick search spares most texts all rules.
HARM_PREFILTER = (
    r"bomb|explosi|molotov|grenade|napalm|nerve (?:agent|gas)|sarin|novichok|tabun|\bvx\b|"
    r"mustard gas|ricin|anthrax|botulin|smallpox|weapon|dirty bomb|"
    r"uranium|pathogen|\bvirus|malware|ransomware|keylogger|trojan|spyware|botnet|phish|hack|suicid|"
    r"kill|die|dying|my life|dead|\blive\b|alive|be here|end it all|"
    r"hurt myself|harm myself|cut myself|overdose|murder|assassinat|poison|kidnap|tortur|stalk|rape|"
    r"child|minor|underage|preteen|toddler|kid\b|kids\b|"
    r"meth\b|methamphet|fentanyl|heroin|cocaine|mdma|launder|counterfeit|identit|credit card|steal|"
    r"racist|antisemit|anti-semit|nazi|hateful|genocide|"
    r"year[- ]old"
)

_ASK = (
    r"\b(?:how (?:to|do|can|could|would|should|might|does)|ways? to|(?:best|easiest|quickest) way|"
    r"steps? (?:to|for)|step[- ]by[- ]step|"
    r"instructions?|tutorial|guide|recipe|blueprint|teach|tell me|show me|explain|describe|give|"
    r"provide|write|create|make|develop|"
    r"build|design|generate|compose|draft|produce|help me|plan|list)\b"
)
_MAKE = (
    r"\b(?:mak(?:e|ing)|build(?:ing)?|creat(?:e|ing)|construct(?:ing)?|assembl(?:e|ing)|"
    r"synthesi[sz](?:e|ing)|produc(?:e|ing)|"
    r"manufactur(?:e|ing)|cook(?:ing)?|prepar(?:e|ing)|weaponi[sz](?:e|ing)|cultur(?:e|ing)|"
    r"enrich(?:ing)?|acquir(?:e|ing)|obtain(?:ing)?|"
    r"extract(?:ing)?|detonat(?:e|ing)|deploy(?:ing)?|releas(?:e|ing)|spread(?:ing)?|plant(?:ing)?)\b"
)
_WEAPON = (
    r"\b(?:(?:pipe|nail|car|dirty|fertili[sz]er|homemade|suicide|nuclear|atomic|smoke|"
    r"pressure cooker|chemical|petrol) ?bombs?|"
    r"bombs?|explosives?(?: devices?)?|ieds?|molotov(?: cocktails?)?|hand grenades?|napalm|"
    r"nerve (?:agents?|gas)|sarin|novichok|tabun|vx gas|"
    r"mustard gas|ricin|anthrax|botulinum toxin|smallpox|(?:biological|chemical|nuclear|"
    r"radiological) (?:weapons?|agents?)|bioweapons?|"
    r"weapons? of mass destruction|weapons?-grade uranium|ghost guns?|untraceable (?:gun|firearm|weapon)s?)\b"
)
_HARMLESS_WEAPON = (
    r"bath bombs?|photo ?bomb|cherry bomb|bomb cyclone|bombshell|glitter|seed bombs?|jägerbomb|"
    r"bomb (?:shelter|disposal|threat|squad)|"
    r"bomb calorimeter|explosive (?:growth|flavou?rs?|starts?|performance|content|news|power|training|sound)|"
    r"\bvideo game|\bminecraft|\bfortnite|in the game|\bcake\b|cocktail recipe|logic bomb|zip bomb|fork bomb|"
    r"\b(?:prevent|preventing|detect|detecting|disarm|defus|treat|treating|vaccine|protect against|"
    r"defend against|history of|dispos)"
)
_CHILD = (
    r"\b(?:child(?:ren)?|minors?|underage|pre-?teens?|toddlers?|kids?|infants?|little (?:girl|boy)s?|"
    r"school ?(?:girl|boy)s?|"
    r"(?:[1-9]|1[0-7])[- ]year[- ]olds?)\b"
)
_SEXUAL = (
    r"\b(?:sexual(?:ly|i[sz]e|i[sz]ed|i[sz]ing)?|sex|porn\w{0,8}|nudes?|naked|erotic\w{0,3}|"
    r"explicit (?:images?|pictures?|photos?|story|content)|lewd|seduc\w{1,4})\b"
)
_PROTECT = (
    r"\b(?:prevent\w{0,4}|protect\w{0,4}|report\w{0,4}|laws?|legal\w{0,3}|illegal|polic(?:y|ies)|"
    r"statistic\w{0,2}|survivors?|victims?|detect\w{0,4}|"
    r"education|health|combat\w{0,3}|stop|signs? of|therap\w{1,5}|treatment|convict\w{0,4}|charges?|"
    r"abused?|assault(?:ed)?|study|studies|research|"
    r"film|novel|book|history|unicef|trial|court|treat|rash|diapers?|pa?ediatric\w*|"
    r"reproduction|orientation|puberty|(?:same|opposite)[- ]sex)\b"
)
_PERSON = (
    r"(?:someone|somebody|people|a person|another person|him|her|them|(?:my|your|his|their|"
    r"the) (?:\w{1,12} )?(?:wife|husband|girlfriend|boyfriend|ex|boss|"
    r"neighbou?r|coworker|colleague|parents?|mother|father|sister|brother|friend|roommate|teacher|president|mayor)|"
    r"a (?:man|woman|child|politician|celebrity|co-?worker|public figure|human|judge|journalist)|"
    r"(?:your|an?) (?:enemy|victim))"
)
_METHOD = (
    r"(?:kill(?:ing)?|murder(?:ing)?|poison(?:ing)?|assassinat(?:e|ing)|kidnap(?:ping)?|tortur(?:e|"
    r"ing)|stalk(?:ing)?|rap(?:e|ing)|dismember(?:ing)?)"
)
_DEFEND = (
    r"\b(?:detect\w{0,4}|prevent\w{0,4}|protect\w{0,4}|remov\w{1,4}|defend\w{0,3}|analy[sz]\w{1,4}|"
    r"recogni[sz]\w{1,4}|avoid\w{0,3}|report\w{0,3}|stop|history|antivirus|what is|what are|who|"
    r"research)\b"
)
_MALWARE = (
    r"\b(?:computer (?:virus|worm)|virus|malware|ransomware|keyloggers?|trojan(?: horse)?|spyware|"
    r"rootkit|botnet|malicious (?:code|software|program|script|payload))\b"
)

_SELF_HARM = (
    r"\bi(?:'m| am|'ve| have)?(?: \w{1,12}){0,4} (?:want|wish|going|plan(?:ning)?|decided|ready|need|"
    r"like|thought of|thinking (?:of|about))(?: \w{1,10}){0,2} "
    r"(?:to die|to kill myself|kill(?:ing)? myself|to end (?:my life|it all)|ending my life|"
    r"to be dead|(?:to )?commit(?:ting)? suicide|(?:to )?hurt(?:ing)? myself|"
    r"(?:to )?cut(?:ting)? myself)"
    r"|\b(?:how|way|ways|method|methods|pills|dose)\b.{0,40}\b(?:kill myself|end my (?:own )?life|"
    r"take my (?:own )?life|commit suicide|(?:hurt|harm|cut) myself)\b(?! laughing)"
    r"|\b(?:should|could|will|would|must|can) i (?:just )?(?:kill|hurt|harm|cut) myself\b"
    r"|\b(?:painless|painlessly|easiest|quickest|best|effective)\b.{0,25}\b(?:suicide method|"
    r"way to (?:die|commit suicide)|method of suicide)\b"
    r"|\bi (?:do not|don't|dont) want to (?:live|be alive|be here) any ?more\b|"
    r"\bno reason (?:for me )?to (?:live|go on living)\b"
)
_SELF_HARM_FAR = (
    r"\b(?:prevent\w{0,4}|character|novel|lyrics?|what does|mean(?:s|ing)?|a friend (?:says|said|"
    r"told)|quote|translate|laughing|of boredom|of curiosity|to know|die (?:my|her|his) hair)\b"
)

HARM_PATTERNS: tuple[tuple[str, int, str, str], ...] = (
    ("self_harm", 3, _SELF_HARM, _SELF_HARM_FAR),
    (
        "child_exploitation",
        4,
        rf"{_ASK}.{{0,80}}{_SEXUAL}.{{0,60}}{_CHILD}|{_ASK}.{{0,80}}{_CHILD}.{{0,60}}{_SEXUAL}",
        _PROTECT,
    ),
    (
        "child_exploitation",
        4,
        rf"\bhow (?:to|do|can|could) .{{0,30}}\b(?:groom|lure|entice|seduce|molest)\w{{0,3}}\b.{{0,40}}{_CHILD}",
        _PROTECT,
    ),
    ("weapons", 4, rf"{_ASK}.{{0,50}}{_MAKE}.{{0,50}}{_WEAPON}", _HARMLESS_WEAPON),
    (
        "weapons",
        4,
        rf"\b(?:instructions?|tutorial|guide|recipe|blueprint|steps?|manual)\b.{{0,30}}\b(?:for|to|on|"
        rf"of)\b.{{0,40}}{_WEAPON}",
        _HARMLESS_WEAPON,
    ),
    (
        "violence",
        3,
        rf"{_ASK}.{{0,50}}\b{_METHOD}\b {_PERSON}\b",
        rf"{_DEFEND}|\b(?:story|novel|character|game|laughter|with kindness|movie)\b",
    ),
    (
        "malware",
        3,
        rf"\b(?:write|create|make|develop|build|design|generate|code|program|give me|provide)\b.{{0,60}}{_MALWARE}",
        _DEFEND,
    ),
    (
        "crime",
        3,
        rf"{_ASK}.{{0,50}}\b(?:hack(?:ing)? into|break(?:ing)? into (?:a |the |my |someone)|"
        rf"phishing (?:e-?mail|site|page|website|campaign)s?)",
        _DEFEND,
    ),
    (
        "crime",
        3,
        rf"{_ASK}.{{0,50}}\b(?:launder(?:ing)? money|money laundering|counterfeit(?:ing)? (?:money|"
        rf"currency|bills|banknotes)|identity theft|credit card fraud|steal(?:ing)? (?:someone|people|"
        rf"identit|credit card|confidential|sensitive|personal))",
        _DEFEND,
    ),
    (
        "drugs",
        3,
        rf"{_ASK}.{{0,50}}{_MAKE}.{{0,40}}\b(?:crystal meth|meth|methamphetamine|fentanyl|heroin|"
        rf"crack cocaine|cocaine|mdma)\b",
        _DEFEND,
    ),
    (
        "hate",
        3,
        r"\b(?:write|create|compose|draft|generate|produce|design)\b.{0,60}\b(?:racist|anti-?semitic|"
        r"islamophobic|homophobic|neo-?nazi|white supremac\w{1,4}|hateful)\b.{0,40}\b(?:joke|speech|post|"
        r"message|article|manifesto|meme|propaganda|song|poem|flyer|campaign|content)s?\b",
        _DEFEND,
    ),
)

_TELL = (
    r"\b(?:you (?:can|could|should|will|need to|must|have to|want to)|to|first,?|next,?|then,?|"
    r"step \d{1,2}\W{0,3}|now)"
)
ANSWER_PATTERNS: tuple[tuple[str, int, str, str], ...] = (
    (
        "self_harm",
        3,
        r"\b(?:you should|you could|just|go|please|then) (?:go )?kill yourself\b|\bkill yourself (?:by|"
        r"with|using)\b|\b(?:best|easiest|painless|quickest) way to (?:kill yourself|end your life|"
        r"commit suicide)\b",
        "",
    ),
    ("child_exploitation", 4, rf"{_SEXUAL}.{{0,30}}\b(?:with|of|between|from)\b.{{0,20}}{_CHILD}", _PROTECT),
    ("weapons", 4, rf"{_TELL} {_MAKE}.{{0,30}}{_WEAPON}|\bhow to {_MAKE}.{{0,30}}{_WEAPON}", _HARMLESS_WEAPON),
    ("violence", 3, rf"\b(?:how to|you (?:can|could|should)|step \d\W{{0,3}}) {_METHOD} {_PERSON}\b", _DEFEND),
    (
        "drugs",
        3,
        rf"\b(?:how to|you (?:can|could|need to)|step \d\W{{0,3}}) {_MAKE}.{{0,30}}\b(?:crystal meth|meth|"
        rf"methamphetamine|fentanyl|heroin|crack cocaine)\b",
        _DEFEND,
    ),
)

_RULES_OF = (
    r"(?:instructions?|prompts?|directions?|rules?|guidelines?|commands?|messages?|context|"
    r"conversation|text|anweisungen|instrucciones)"
)
# No passage rule of this module and none of REPLY_PATTERNS matches without one of these; RE2 searches all of them at
# once. Where a rule allows white space, this pattern allows anything but letters and digits.
PASSAGE_PREFILTER = (
    r"ignor|disregard|forget|overrid|bypass|neglect|overlook|vergiss|olvida|"
    r"you are now|from now on|you will now|pretend |act as if you|you must act|i want you to act|"
    r"system prompt|initial prompt|hidden prompt|system instruction|initial instruction|hidden instruction|"
    r"(?:system|assistant|developer)(?: ?(?:message|prompt|note|override))?[^a-z0-9]*:|"
    r"(?:to|for) (?:the |any |all |an )?(?:ai|assistant|language model|llm|chatbot)|"
    r"the user|the reader|the human|(?:instructions?|task)[^a-z0-9]*:|https?://|"
    r"(?:prompt|context|instructions).{0,5}[-=\]>]|do anything now|jailbr|developer mode|broken free of|!\[|"
    r"your (?:own |next |final )?(?:reply|response|answer|output|message)"
)

PASSAGE_ATTACK_PATTERNS: tuple[tuple[str, int, str, str], ...] = (
    (
        "prompt_attack",
        2,
        rf"(?<![-_])\b(?:ignore|disregard|forget|override|bypass|neglect|overlook|ignoriere|vergiss|ignora|"
        rf"olvida)\b(?![-_=]\w)(?! (?:my|our) (?:\w+ )?(?:messages?|e-?mails?|texts?)\b)"
        rf".{{0,30}}\b(?:all|any|the|your|previous|prior|above|earlier|preceding|former|every|"
        rf"other|alle|vorherigen|anteriores|todas)\b.{{0,30}}\b{_RULES_OF}\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        r"\b(?:you are now|from now on,? you|you will now|pretend (?:to be|that you)|act as if you|"
        r"you must act|i want you to act)\b.{0,60}\b(?:ai|assistant|model|dan|chatgpt|gpt|bot|"
        r"unrestricted|no (?:rules|restrictions|limits)|without (?:rules|restrictions|limits|filters?)|"
        r"respond|answer|reply|admin)\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        r"\b(?:reveal|print|show|repeat|output|leak|tell me|display)\b.{0,30}\b(?:your|"
        r"the) (?:\w{1,10} )?(?:system prompt|initial prompt|hidden prompt|system instructions|"
        r"initial instructions|hidden instructions)\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        r"(?:^|\n)\s*(?:#{1,4}\s*)?(?:system|assistant|developer) ?(?:message|prompt|note|"
        r"override)?\s*:\s*\S.{0,80}\b(?:you|must|ignore|now|new)\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        r"\b(?:note|message|attention|important|instructions?|hey|dear)\b.{0,20}\b(?:to|for) (?:the |"
        r"any |all |an )?(?:ai|assistants?|language models?|llms?|chatbots?|ai (?:models?|assistants?|"
        r"systems?))\b",
        "",
    ),
    (
        "prompt_attack",
        2,
        r"\b(?:do not|don't|never) (?:tell|inform|mention|reveal|show)\b.{0,40}\b(?:the user|the reader|"
        r"the human)\b",
        "",
    ),
    ("prompt_attack", 2, r"\b(?:new|updated|real|actual|additional) (?:instructions?|system prompt|task)\s*:", ""),
    (
        "prompt_attack",
        2,
        r"\b(?:append|add|include|insert|embed|render|put)\b[^.!?\n]{0,40}\b(?:link|image|url|markdown)\b"
        r"[^.!?\n]{0,60}https?://",
        "",
    ),
    (
        "prompt_attack",
        2,
        r"\b(?:end|begin|start|stop) (?:of )?(?:the )?(?:system )?(?:prompt|context|"
        r"instructions)\b.{0,5}[-=\]>]{1,5}",
        "",
    ),
    (
        "prompt_attack",
        2,
        r"\bdo anything now\b|\bjailbr(?:eak|oken)\b.{0,40}\b(?:mode|prompt|gpt)\b|"
        r"\bdeveloper mode\b.{0,30}\b(?:enabled|output|on)\b|\bbroken free of\b.{0,30}\b(?:ai|confines)\b",
        "",
    ),
    ("exfil", 2, r"!\[[^\]\n]{0,80}\]\(\s*https?://[^)\s]{1,200}[?&][^)\s]{0,40}=\s*[\[{<]", ""),
)
