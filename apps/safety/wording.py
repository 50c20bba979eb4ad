"""The words for every code of review, in the language of who reads: clauses, stages, actions, states, reasons.

Whatever shows a code to people asks here. A code that has no words yet is written as words, never with underscores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from apps.safety import policies
from apps.safety.breakglass import Ground
from apps.safety.folding import ACCOUNT, REPORTED, UNCHECKED, Status
from apps.safety.levels import Level
from apps.safety.models import Decision
from apps.safety.policy import Action, Stage
from apps.safety.shadowing import Change
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
THINGS: Words = {"document": gettext_lazy("Document"), "account": gettext_lazy("Account")}  # that are no stage
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
    return _label(Stage, code)


def thing(kind: str) -> str:
    return str(THINGS[kind]) if kind in THINGS else _label(Stage, kind)


def action(code: object) -> str:
    return _label(Action, str(code)) if code else gettext("Let through")


def effect(name: str) -> str:
    return _of(EFFECTS, name)


def detector(name: str) -> str:
    return _of(DETECTORS, name)


def change(code: str) -> str:
    return _label(Change, code)


def moved(one: Moved) -> str:
    """That a policy's thresholds were set for scores of another detector."""
    said = gettext(
        "“%(detector)s” has another version since %(day)s (%(now)s instead of %(before)s): the thresholds were set for "
        "the earlier one. Look at what they find, and draft a version with others where need be."
    )
    day = date_format(one.since, gettext("j F Y"))
    return said % {"detector": detector(one.name), "day": day, "now": one.now[-12:], "before": one.before[-12:]}


def status(code: str) -> str:
    return gettext("slow") if code == "slow" else _label(Status, code)


def reason(code: str) -> str:
    return _label(Decision.Reason, code)


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


def _label(kinds: type[models.TextChoices], code: str) -> str:
    return str(kinds(code).label) if code in kinds.values else plain(code)
