"""List crisis helplines for users who write about hurting themselves, those of the page's language first.

Each call is free or local, and answered at any hour. Before you change a number, confirm it with the helpline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import get_language, gettext_lazy

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DIRECTORY = "https://findahelpline.com"


@dataclass(frozen=True, slots=True)
class Helpline:
    """Telephone helpline with its local name and number."""

    name: str
    number: str  # as written in that country
    country: StrOrPromise
    languages: tuple[str, ...] = ()  # languages of pages that list it first

    @property
    def link(self) -> str:
        """The `tel:` URL of the number."""
        return f"tel:{self.number.replace(' ', '')}"


_GERMANY, _SPAIN = gettext_lazy("Germany"), gettext_lazy("Spain")
_AMERICA, _BRITAIN = gettext_lazy("United States and Canada"), gettext_lazy("United Kingdom and Ireland")
HELPLINES = (
    Helpline("988 Lifeline", "988", _AMERICA, ("en",)),
    Helpline("Samaritans", "116 123", _BRITAIN, ("en",)),
    Helpline("TelefonSeelsorge", "0800 111 0 111", _GERMANY, ("de",)),
    Helpline("TelefonSeelsorge", "116 123", _GERMANY, ("de",)),
    Helpline("Línea 024", "024", _SPAIN, ("es",)),
    Helpline("Teléfono de la Esperanza", "717 003 717", _SPAIN, ("es",)),
    Helpline("TelefonSeelsorge", "142", gettext_lazy("Austria")),
    Helpline("Die Dargebotene Hand", "143", gettext_lazy("Switzerland")),
    Helpline("Lifeline", "13 11 14", gettext_lazy("Australia")),
)
EMERGENCY = Helpline("112", "112", gettext_lazy("Emergency"))
EMERGENCY_AMERICA = Helpline("911", "911", gettext_lazy("Emergency in the United States and Canada"))


@dataclass(frozen=True, slots=True)
class HelplineSelection:
    """Helplines and emergency numbers of the care card, those of one language `first`."""

    first: tuple[Helpline, ...]
    others: tuple[Helpline, ...]
    emergency: tuple[Helpline, ...]
    directory: str = DIRECTORY

    def to_json(self) -> dict[str, object]:
        """Return the helplines as a dictionary for the JSON of the API."""
        lines = {"emergency": self.emergency, "helplines": self.first + self.others}
        listed = {
            name: [{"name": line.name, "number": line.number, "country": str(line.country)} for line in lines_of_kind]
            for name, lines_of_kind in lines.items()
        }
        return {**listed, "directory": self.directory}


def select_helplines(language: str | None = None) -> HelplineSelection:
    """Return the helplines, those of the language first; English for a language without one.

    `language` is a language code; None: the active language.
    """
    code = (language or get_language() or "en")[:2]
    code = code if any(code in one.languages for one in HELPLINES) else "en"
    first = tuple(one for one in HELPLINES if code in one.languages)
    emergency = (EMERGENCY, EMERGENCY_AMERICA) if code == "en" else (EMERGENCY,)
    return HelplineSelection(first, tuple(one for one in HELPLINES if one not in first), emergency)
