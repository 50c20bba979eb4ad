"""Add the names of the setting `PICTURE_NAMES` to the policy, as a blocklist for pictures.

The first use stores a policy version with the list, so that a hit has a clause, is counted and can be appealed. From
then on reviewers change the list; only names that no version ever had are added from the setting.
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
_settled: dict[str, tuple[object, ...]] = {"names": ()}  # policy version and names that need no adoption
_LONGEST = 300  # characters of a blocklist entry


def configured_names() -> list[str]:
    """Return the names of the setting in its order, without duplicates."""
    found = (" ".join(name.split())[:_LONGEST] for name in settings.PICTURE_NAMES.split(","))
    return list(dict.fromkeys(name for name in found if any(char.isalnum() for char in name)))


def adopt_names() -> None:
    """Add names of the setting that no policy version had yet. Call only from threads that may use the database."""
    names, live = configured_names(), versions.current_policy()
    own = live.blocklists.get(BLOCKLIST_KEY)
    if not names or (own is not None and set(names) <= set(own.entries)):
        return
    if (key := (live.number, live.sha256, *names)) == _settled["names"]:
        return
    try:
        if (
            blocklist_import.adopt_blocklist(
                _make_blocklist(names), "The names of PICTURE_NAMES, which are a list from now on"
            )
            is None
        ):
            _settled["names"] = key  # reviewers have removed them: no need to search all versions again
    except IntegrityError:  # another process has added them at the same time
        versions.refresh_policy()
    except PolicyError as error:
        log.error("PICTURE_NAMES cannot be a list, so none of its names is kept from being drawn: %s", error)


def is_in_force() -> bool:
    """Return whether the policy in force blocks every name of the setting."""
    own = versions.load_fresh_policy().blocklists.get(BLOCKLIST_KEY)
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
