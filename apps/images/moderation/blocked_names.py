"""Names of people and brands of the setting `PICTURE_NAMES` are a list of the policy, for pictures.

The first time that it matters the product itself puts them there, in a version of its own: what they hold then has a
clause, is counted, and can be appealed. From then on the list is changed under Review; of the setting only names
that no version has had yet join it.
"""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from apps.safety.policy import versions
from apps.safety.policy.schema import NAMES, PolicyError
from apps.safety.policy_admin import blocklist_import
from apps.users.models import User

log = logging.getLogger(__name__)

BLOCKLIST_KEY = "picture-names"
_settled: dict[str, tuple[object, ...]] = {"names": ()}  # with the version in which that was found
_LONGEST = 300  # characters of an entry of a list


def configured_names() -> list[str]:
    """The names of the setting, in its order."""
    found = (" ".join(name.split())[:_LONGEST] for name in settings.PICTURE_NAMES.split(","))
    return list(dict.fromkeys(name for name in found if any(char.isalnum() for char in name)))


def adopt_names() -> None:
    """They are in the policy, or were once. Only for threads that may use the database."""
    names, live = configured_names(), versions.current_policy()
    own = live.lists.get(BLOCKLIST_KEY)
    if not names or (own is not None and set(names) <= set(own.entries)):
        return
    if (asked := (live.number, live.sha256, *names)) == _settled["names"]:
        return
    try:
        if (
            blocklist_import.adopt_blocklist(
                _make_blocklist(names), "The names of PICTURE_NAMES, which are a list from now on"
            )
            is None
        ):
            _settled["names"] = asked  # people have decided: no picture looks through all versions for that again
    except IntegrityError:  # another process has done it this moment
        versions.refresh_policy()
    except PolicyError as error:
        log.error("PICTURE_NAMES cannot be a list, so none of its names is kept from being drawn: %s", error)


def is_in_force() -> bool:
    """Whether the policy still keeps all of them from being drawn."""
    own = versions.load_fresh_policy().lists.get(BLOCKLIST_KEY)
    return own is not None and set(configured_names()) <= set(own.entries)


def _make_blocklist(names: list[str]) -> dict[str, Any]:
    first = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).order_by("pk").first()
    return {
        "key": BLOCKLIST_KEY,
        "name": "Names that are not drawn",
        "owner": first.pk if first else 0,
        "code": "impersonation",
        "kind": NAMES,
        "entries": names,
        "action": "withhold_and_review",
        "stages": ["picture"],
        "expires": "",
        "note": "From the setting PICTURE_NAMES",
    }
