"""The words for every code of review, in the language of who reads: clauses, stages, actions, states, reasons.

Whatever shows a code to people asks here. A code that has no words yet is written as words, never with underscores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from apps.safety import policies
from apps.safety.breakglass import Ground
from apps.safety.folding import ACCOUNT, REPORTED, UNCHECKED
from apps.safety.levels import Level
from apps.users.language import inside

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from apps.safety.detectors import Moved
    from apps.safety.models import PolicyVersion

Words = Mapping[str, "StrOrPromise"]

BESIDE: Words = {  # what a case can be about that is no clause of the policy
    REPORTED: gettext_lazy("Report of a reader"),
    UNCHECKED: gettext_lazy("Not checked"),
    ACCOUNT: gettext_lazy("Decision of an administrator"),
}
STAGES: Words = {
    "question": gettext_lazy("Question"),
    "passage": gettext_lazy("Passage"),
    "answer": gettext_lazy("Answer"),
    "picture": gettext_lazy("Picture"),
    "export": gettext_lazy("Export"),
    "share": gettext_lazy("Link to a conversation"),
}
THINGS: Words = {**STAGES, "document": gettext_lazy("Document"), "account": gettext_lazy("Account")}
ACTIONS: Words = {
    "": gettext_lazy("Let through"),
    "note": gettext_lazy("Let through and counted"),
    "label": gettext_lazy("Let through with a mark"),
    "blur": gettext_lazy("Shown blurred until somebody asks to see it"),
    "redact": gettext_lazy("Taken out where it stands"),
    "review": gettext_lazy("Let through, and people look at it"),
    "withhold": gettext_lazy("Withheld"),
    "withhold_and_review": gettext_lazy("Withheld, and people look at it"),
}
EFFECTS: Words = {
    "withhold": gettext_lazy("Withheld"),
    "allow": gettext_lazy("This text passes from now on"),
    "release": gettext_lazy("Shown"),
    "stop": gettext_lazy("This text passes no longer"),
    "redact": gettext_lazy("A part taken out"),
    "blur": gettext_lazy("Shown blurred"),
    "restrict": gettext_lazy("A feature closed for a time"),
    "suspend": gettext_lazy("Account suspended"),
}
DETECTORS: Words = {
    "rules": gettext_lazy("Rules"),
    "text": gettext_lazy("Classifiers of texts"),
    "planted": gettext_lazy("Instructions in documents"),
    "personal": gettext_lazy("Passwords and personal data"),
    "pictures": gettext_lazy("Classifier of pictures"),
    "guard": gettext_lazy("Guard model"),
    "lists": gettext_lazy("Own lists"),
    "canary": gettext_lazy("Mark of the system text"),
    "malware": gettext_lazy("Malware scanner"),
}
STATUSES: Words = {
    "ok": gettext_lazy("answered"),
    "error": gettext_lazy("failed"),
    "timeout": gettext_lazy("answered too late"),
    "missing": gettext_lazy("not set up"),
    "skipped": gettext_lazy("not asked"),
    "slow": gettext_lazy("slow"),
}
CHANGES: Words = {  # of a verdict, by another version of the policy: `shadowing.Change`
    "held": gettext_lazy("Withheld, and is let through now"),
    "freed": gettext_lazy("Let through, and is withheld now"),
    "unasked": gettext_lazy("Let through by the rules; the classifiers were not asked"),
    "people": gettext_lazy("Only whether people look at it changes"),
    "mark": gettext_lazy("Only how it is shown or counted changes"),
    "clause": gettext_lazy("Only the clause changes"),
}
REASONS: Words = {  # of a decision
    "clear": gettext_lazy("Clearly against the clause"),
    "context": gettext_lazy("The words around it decide"),
    "mistake": gettext_lazy("The check was wrong"),
    "repeated": gettext_lazy("Not the first time"),
    "other": gettext_lazy("Other; see the note"),
}
READ: Words = {  # why somebody's content was read; `review` and `second` say more
    "a random check of what was let through": gettext_lazy("a random check of what was let through"),
    "feedback on an answer": gettext_lazy("feedback on an answer"),
    "export of rated answers": gettext_lazy("export of rated answers"),
    "export of decided texts": gettext_lazy("export of decided texts"),
}
_ABOUT: Words = {
    "question": gettext_lazy("%(clause)s in a question"),
    "answer": gettext_lazy("%(clause)s in an answer"),
    "document": gettext_lazy("%(clause)s in a document"),
    "picture": gettext_lazy("%(clause)s in a picture"),
}


def clause(code: str) -> str:
    """As the policy in force calls it."""
    if code in BESIDE:
        return str(BESIDE[code])
    found = policies.fresh().clause(code)
    return gettext(found.title) if found else plain(code)


def level(code: str) -> str:
    """Of `levels.Level`."""
    return str(Level(code).label) if code in Level.values else code


def stage(code: str) -> str:
    return _of(STAGES, code)


def thing(kind: str) -> str:
    return _of(THINGS, kind)


def action(code: object) -> str:
    return _of(ACTIONS, str(code or ""))


def effect(name: str) -> str:
    return _of(EFFECTS, name)


def detector(name: str) -> str:
    return _of(DETECTORS, name)


def change(code: str) -> str:
    return _of(CHANGES, code)


def moved(one: Moved) -> str:
    """That a policy's thresholds were set for scores of another detector."""
    said = gettext(
        "“%(detector)s” has another version since %(day)s (%(now)s instead of %(before)s): the thresholds were set for "
        "the earlier one. Look at what they find, and draft a version with others where need be."
    )
    day = date_format(one.since, gettext("j F Y"))
    return said % {"detector": detector(one.name), "day": day, "now": one.now[-12:], "before": one.before[-12:]}


def status(code: str) -> str:
    return _of(STATUSES, code)


def reason(code: str) -> str:
    return _of(REASONS, code)


def about(area: str, kind: str) -> str:
    """What a case is about, as its title: "Hate in a question"."""
    if area == REPORTED:
        return gettext("Report of a reader: %(thing)s") % {"thing": inside(thing(kind))}
    if area == ACCOUNT:
        return gettext("Suspension by an administrator")
    if kind in _ABOUT:
        return str(_ABOUT[kind]) % {"clause": clause(area)}
    return gettext("%(clause)s in: %(thing)s") % {"clause": clause(area), "thing": inside(thing(kind))}


def why(payload: Mapping[str, Any]) -> str:
    """Return why somebody's content was read, from the payload of the entry in the log."""
    match said := str(payload.get("why", "")):
        case "review":
            seen = about(str(payload.get("clause", "")), str(payload.get("thing", "")))
            return gettext("review (%(about)s)") % {"about": seen}
        case "second":
            return gettext("a second look (%(clause)s)") % {"clause": clause(str(payload.get("clause", "")))}
        case "break_glass":
            return gettext("break-glass (%(ground)s)") % {"ground": inside(ground(str(payload.get("ground", ""))))}
        case _:
            return str(READ.get(said, said))


def ground(code: str) -> str:
    """Why a conversation was read, or a case is held."""
    return str(Ground(code).label) if code in Ground.values else code


def version(row: PolicyVersion) -> str:
    return gettext("Policy %(number)s") % {"number": row.number}


def plain(code: str) -> str:
    """A code without words of its own, as words."""
    return code.replace("_", " ").replace(".", ": ").capitalize()


def _of(words: Words, code: str) -> str:
    return str(words[code]) if code in words else plain(code)
