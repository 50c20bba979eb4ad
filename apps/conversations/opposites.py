"""Words that say the contrary of each other: a passage in which prices rose does not support that they fell."""

from __future__ import annotations

from apps.lib.words import stem

_PAIRS = (
    "increase/decrease rise/fall rose/fell grow/shrink gain/lose win/lose won/lost more/less more/fewer "
    "most/least high/low higher/lower large/small larger/smaller largest/smallest big/small long/short "
    "longer/shorter old/young older/younger oldest/youngest early/late earlier/later before/after first/last "
    "begin/end start/end start/stop open/close opened/closed allow/forbid allow/prohibit permit/forbid "
    "permit/prohibit accept/reject approve/reject agree/disagree include/exclude enable/disable "
    "enabled/disabled true/false right/wrong left/right north/south east/west northern/southern "
    "eastern/western above/below over/under inside/outside internal/external always/never all/none buy/sell "
    "bought/sold import/export arrive/depart enter/leave love/hate support/oppose supported/opposed "
    "ally/enemy male/female man/woman father/mother son/daughter husband/wife brother/sister king/queen "
    "life/death alive/dead born/died hot/cold warm/cool wet/dry strong/weak fast/slow faster/slower rich/poor "
    "public/private mandatory/optional required/optional positive/negative maximum/minimum success/failure "
    "succeed/fail pass/fail safe/dangerous legal/illegal possible/impossible present/absent day/night "
    "summer/winter morning/evening upper/lower top/bottom front/back input/output"
)


def _both_ways(pairs: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pair in pairs.split():
        one, other = map(stem, pair.split("/"))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


OPPOSITES = _both_ways(_PAIRS)  # stem -> stems of its contraries
