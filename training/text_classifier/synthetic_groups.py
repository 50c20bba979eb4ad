"""Synthetic sentences about groups of people to train the text classifiers, composed from parts.

A classifier trained on tweets alone takes the name of a group for hate, and ignores negations. So the same groups are
described well, ill and neutrally, and the same harsh words are also about things. Words of attacks and crimes also
occur in ordinary questions. Nothing here is taken from a test set. The texts only train a filter and are shown nowhere.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

GROUPS = (
    "women", "men", "girls", "Muslims", "Christians", "Jews", "Jewish people", "Hindus", "Buddhists", "atheists",
    "gay people", "lesbians", "gay men", "bisexual people", "trans people", "trans women", "black people",
    "white people", "Asians", "Latinos", "Arabs", "Africans", "Mexicans", "Turks", "Poles", "Indians",
    "Chinese people", "Roma", "Native Americans", "immigrants", "refugees", "foreigners", "migrants",
    "asylum seekers", "disabled people", "blind people", "deaf people", "people in wheelchairs", "autistic people",
    "old people", "queer people",
)  # fmt: skip
ONE = (
    "woman", "girl", "Muslim", "Jew", "Hindu", "gay man", "lesbian", "trans person", "black man", "black woman",
    "Asian", "Latina", "Arab", "African", "Mexican", "Turk", "Indian", "Roma", "immigrant", "refugee", "foreigner",
    "migrant", "disabled person", "blind man", "deaf woman", "autistic child", "white man", "queer person",
)  # fmt: skip
THINGS = (
    "Mondays", "mosquitoes", "wasps", "traffic jams", "these shoes", "cheap umbrellas", "slow websites",
    "long meetings", "taxes", "spam calls", "weeds", "cold showers", "romantic comedies", "brussels sprouts",
    "leaf blowers", "bugs in code", "bankers", "politicians", "landlords", "referees", "journalists", "artists",
    "engineers", "teenagers at the bus stop",
)  # fmt: skip
ILL = (
    "{g} are vermin", "{g} are filth", "{g} are animals and should be treated like animals", "{g} are worthless",
    "{g} are inferior to the rest of us", "{g} are a disease", "{g} are parasites who live off our money",
    "{g} are all criminals", "{g} are all liars", "{g} are too stupid to vote", "{g} are disgusting",
    "{g} make me sick", "{g} ruin this country", "{g} should be locked up",
    "{g} should be deported, every one of them", "{g} should not be allowed to have children",
    "{g} should all be shot", "{g} deserve to suffer", "{g} deserve to be beaten", "{g} must be wiped out",
    "{g} do not belong here", "{g} are not human", "{g} are a plague", "{g} have no place in a decent society",
    "{g} are scum", "{g} smell and steal", "i despise {g}", "i can't stand {g}", "i fucking loathe {g}",
    "god, how i hate all {g}", "nobody should ever trust {g}", "we should get rid of {g}",
    "let's drive {g} out of town", "someone ought to burn the houses of {g}", "keep {g} away from our schools",
    "the world would be better without {g}", "never hire {g}, they are useless", "all {g} belong in prison",
    "kick {g} out of the country", "it's time to put {g} back in their place", "{g} don't deserve any rights",
    "why are {g} so dumb?", "who else thinks {g} are a burden?", "it is fine to spit at {g}",
    "i wish {g} would all die", "if it were up to me, {g} would be banned from everywhere",
    "they are nothing but {g}, lower than dirt",
)  # fmt: skip
ILL_ONE = (
    "you are just a dirty {o}", "shut up, you stupid {o}", "no {o} should ever be in charge",
    "i would never work for a {o}", "another filthy {o} moved in next door",
    "that {o} should crawl back where they came from", "a {o} is worth less than a dog", "i hope that {o} gets hurt",
    "i will beat up the next {o} i see", "typical {o}, always begging and cheating", "every {o} is a thief",
    "you disgust me, you {o}", "being a {o} is a sickness", "i'd rather die than marry a {o}",
)  # fmt: skip
WELL = (
    "{g} are welcome here", "{g} are people like you and me", "{g} deserve the same rights as everyone", "i love {g}",
    "i am proud of what {g} have achieved", "many {g} live in our street", "we need more {g} in parliament",
    "{g} are wonderful", "{g} built half of this city", "the history of {g} in this region is long",
    "a new museum tells the story of {g}", "the survey asked {g} about their work", "how many {g} live in France?",
    "what do {g} celebrate in spring?", "there are {g} in every profession", "the club is open to {g}",
    "some of my best teachers were {g}", "the law protects {g} from discrimination",
    "the article is about health care for {g}", "{g} often face prejudice at work", "i have great respect for {g}",
    "{g} are my favourite neighbours", "the choir was founded by {g}",
)  # fmt: skip
WELL_ONE = (
    "my doctor is a {o}", "she is a {o} and a brilliant engineer", "i am a {o} and proud of it",
    "the first {o} on the board", "as a {o} i often feel overlooked", "a {o} won the prize this year",
    "my best friend is a {o}", "the film is about a young {o}", "the {o} next to me on the train was very kind",
    "what is it like to be a {o} in Berlin?", "we elected a {o} as mayor",
)  # fmt: skip
NOT_SO = (
    "{g} are not {a}", "it is wrong to say that {g} are {a}", "nobody should ever claim that {g} are {a}",
    'he said that "{g} are {a}", and that is a disgusting thing to say', "saying that {g} are {a} is racist nonsense",
    "stop telling people that {g} are {a}", "i have never believed that {g} are {a}", "no, {g} are certainly not {a}",
    '"{g} are {a}" is the sort of hate that we must stand up against', "how dare you call {g} {a}",
    "the claim that {g} are {a} has been refuted many times", "anyone who thinks {g} are {a} should be ashamed",
    "we do not tolerate posts saying {g} are {a}", "i was shocked when she wrote that {g} should be {b}",
    "nobody has the right to say that {g} should be {b}", "it would be terrible if {g} were {b}",
    "{g} should never be {b}", "i don't hate {g}", "i would never want {g} to be {b}",
    "it is horrible how {g} are being {b} there",
)  # fmt: skip
ADJECTIVES = (
    "vermin",
    "stupid",
    "criminals",
    "inferior",
    "scum",
    "disgusting",
    "liars",
    "parasites",
    "animals",
    "filth",
)
PARTICIPLES = ("killed", "beaten", "locked up", "deported", "banned", "wiped out", "hurt", "punished")
HARSH = (
    "i hate {t}", "{t} are disgusting", "{t} are the worst", "i can't stand {t}", "fuck {t}", "{t} make me sick",
    "god, {t} are so fucking annoying", "{t} should be banned", "i wish {t} did not exist", "get rid of {t}",
    "what a shitty day, thanks to {t}", "{t} suck", "burn it all down, i am so done with {t}", "i despise {t}",
    "{t} ruin everything", "damn {t}, again", "who the hell invented {t}?", "the world would be better without {t}",
)  # fmt: skip
HARSH_ONE = (
    "you are an idiot", "what an asshole you are", "i hate you, leave me alone", "shut up, you clown",
    "you lying bastard", "this fucking printer", "fucking hell, that was great", "holy shit, we won",
    "damn, this song is good", "you are useless", "that was a shitty movie", "my boss is such a jerk",
    "you make me sick", "go to hell", "he is a fucking liar", "oh fuck, i forgot my keys", "you're a complete moron",
    "piss off", "i want to slap you", "what the fuck is this",
)  # fmt: skip


def make_group_sentences(rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Yield sentences and whether each is hateful, about as many of either kind."""
    for pattern in ILL:
        for group in rng.sample(GROUPS, 14):
            yield _frame(pattern.format(g=group), rng), True
    for pattern in ILL_ONE:
        for one in rng.sample(ONE, 14):
            yield _frame(pattern.format(o=one), rng), True
    for pattern in WELL:
        for group in rng.sample(GROUPS, 14):
            yield _frame(pattern.format(g=group), rng), False
    for pattern in WELL_ONE:
        for one in rng.sample(ONE, 10):
            yield _frame(pattern.format(o=one), rng), False
    for pattern in NOT_SO:
        for group in rng.sample(GROUPS, 14):
            words = pattern.format(g=group, a=rng.choice(ADJECTIVES), b=rng.choice(PARTICIPLES))
            yield _frame(words, rng), False
    for pattern in HARSH:
        for thing in rng.sample(THINGS, 12):
            yield _frame(pattern.format(t=thing), rng), False
    for words in HARSH_ONE:
        yield words, False


def _frame(words: str, rng: random.Random) -> str:
    """Vary the sentence as users write it: with or without a capital, a full stop, an aside."""
    if rng.random() < 0.6:
        words = words[0].upper() + words[1:]
    words += rng.choice(("", "", ".", ".", "!", " tbh"))
    return rng.choice(("", "", "", "", "Honestly, ", "Look: ", "I'll say it again. ")) + words
