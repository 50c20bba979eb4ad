"""Read the claims of an identity provider: who the user is, and which groups and role follow. Pure functions.

Entry points: `read_identity`, `choose_role`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
_OVERAGE_MARKS = ("_claim_names", "hasgroups")  # Microsoft Entra sends them in place of more than 200 groups


@dataclass(frozen=True, slots=True)
class Identity:
    """User as the provider describes them.

    `groups` and `roles` are None if the provider holds them back because they are too many; empty if there are none.
    """

    subject: str
    email: str = ""  # in lower case; "" if the provider sends none
    email_verified: bool = False
    name: str = ""
    groups: frozenset[str] | None = frozenset()
    roles: frozenset[str] | None = frozenset()
    object_id: str = ""  # of Microsoft Entra, which has another subject for each application


def read_identity(id_token: Document, userinfo: Document, groups_claim: str, roles_claim: str = "") -> Identity:
    """Return the identity. Address and its mark "verified" are taken from one document, the userinfo first.

    Only `true` itself is a verified address: some providers send the text "false". Without `roles_claim`, the roles are
    the groups.
    """
    contact = userinfo if userinfo.get("email") else id_token
    email = contact.get("email")
    name = userinfo.get("name") or id_token.get("name")
    groups = _read_names((userinfo, id_token), groups_claim)
    return Identity(
        subject=str(id_token["sub"]),
        object_id=str(id_token.get("oid") or ""),
        email=email.strip().lower() if isinstance(email, str) else "",
        email_verified=contact.get("email_verified") is True,
        name=name.strip()[:120] if isinstance(name, str) else "",
        groups=groups,
        roles=_read_names((userinfo, id_token), roles_claim) if roles_claim else groups,
    )


def choose_role(
    roles: Collection[str] | None, current: str, administrators: Collection[str], reviewers: Collection[str]
) -> str:
    """Return the role that the claims give. A role is withdrawn only if its own setting names groups.

    None for `roles` that the provider holds back: the role stays.
    """
    if roles is None:
        return current
    if not set(administrators).isdisjoint(roles):
        return "administrator"
    if current == "administrator" and not administrators:
        return current
    if not set(reviewers).isdisjoint(roles):
        return "reviewer"
    if current == "reviewer" and not reviewers:
        return current
    return "member" if administrators or reviewers else current


def _read_names(documents: Collection[Document], claim: str) -> frozenset[str] | None:
    """Return the names in the claim of the first document that has it; None if they were too many for the token.

    A leading slash, as of paths in Keycloak, is dropped.
    """
    for document in documents:
        value = _find_claim(document, claim)
        if value is not None:
            values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            return frozenset(str(name).removeprefix("/") for name in values if isinstance(name, str | int))
    return None if any(_is_overage(document, claim) for document in documents) else frozenset()


def _find_claim(document: Document, claim: str) -> Any:
    """Return the value of the claim: literally `a.b`, else `b` inside `a`; None if it is missing."""
    if claim in document:
        return document[claim]
    value: Any = document
    for part in claim.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _is_overage(document: Document, claim: str) -> bool:
    names, flag = (document.get(mark) for mark in _OVERAGE_MARKS)
    return flag in (True, "true") or (isinstance(names, Mapping) and claim in names)
