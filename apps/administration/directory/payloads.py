"""Reduce what a directory sends to the attributes that this site has, before it is validated.

Pure functions. Entry points: `reduce_creation`, `reduce_resource`, `reduce_patch`. Directories send
attributes by the dozen, each in a way of its own; a provider may ignore what it does not know (RFC 7644 §3.3).
Names of attributes have no case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

KNOWN = {
    "User": frozenset({"schemas", "id", "meta", "externalid", "username", "displayname", "active", "emails"}),
    "Group": frozenset({"schemas", "id", "meta", "externalid", "displayname", "members"}),
}
CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_ATTRIBUTE = re.compile(r"[A-Za-z$][\w$-]*")


def reduce_creation(content: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the known attributes of a new resource. A new user is active unless the directory says otherwise."""
    kept = reduce_resource(content, kind)
    if kind == "User" and "active" not in {name.casefold() for name in kept}:
        kept["active"] = True
    if kind == "User" and not any(name.casefold() == "emails" and value for name, value in kept.items()):
        names = [value for name, value in kept.items() if name.casefold() == "username" and isinstance(value, str)]
        kept["emails"] = [{"value": name} for name in names]
    return kept


def reduce_resource(content: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the known attributes of a resource. `kind` is "User" or "Group"."""
    found = {_strip(name, kind): value for name, value in content.items()}
    kept = {name: value for name, value in found.items() if name.casefold() in KNOWN[kind]}
    lower = {name.casefold(): name for name in kept}
    schemas = kept.get(lower.get("schemas", ""))
    if isinstance(schemas, list) and CORE + kind in schemas:  # extensions are dropped with their attributes
        kept[lower["schemas"]] = [CORE + kind]
    if kind == "User" and "displayname" not in lower:
        name = next((value for key, value in found.items() if key.casefold() == "name"), None)
        if isinstance(name, Mapping) and (text := _join_name(name)):
            kept["displayName"] = text
    if isinstance(emails := kept.get(lower.get("emails", "")), list):
        kept[lower["emails"]] = _choose_address(emails)
    if isinstance(members := kept.get(lower.get("members", "")), list):
        kept[lower["members"]] = _reduce_members(members)
    return kept


def reduce_patch(content: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the message of a PATCH without operations on unknown attributes; those on addresses set the one address.

    The list of operations may become empty.
    """
    kept = dict(content)
    for name, operations in content.items():
        if name.casefold() == "operations" and isinstance(operations, list):
            reduced = [_reduce_operation(one, kind) if isinstance(one, Mapping) else one for one in operations]
            kept[name] = [one for one in reduced if one is not None]
    return kept


def _reduce_operation(operation: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """Return the operation, or None if it is about nothing that this site has."""
    lower = {name.casefold(): value for name, value in operation.items()}
    path, value = lower.get("path"), lower.get("value")
    if not isinstance(path, str) or not path:
        if not isinstance(value, Mapping):
            return dict(operation)
        reduced = reduce_resource(value, kind)
        return {"op": lower.get("op"), "value": reduced} if reduced else None
    path = _strip(path, kind)
    match = _ATTRIBUTE.match(path)
    attribute = match.group().casefold() if match else ""
    if attribute not in KNOWN[kind]:
        return None
    if attribute == "emails":
        return _reduce_address_operation(path, str(lower.get("op")).casefold(), value)
    if attribute == "members" and isinstance(value, list):
        value = _reduce_members(value)
        if str(lower.get("op")).casefold() == "remove" and path.casefold() == "members" and value:
            return {"op": "remove", "path": _name_members(value)}  # Entra ID; by the standard all would be removed
    return {"op": lower.get("op"), "path": path, **({"value": value} if "value" in lower else {})}


def _reduce_address_operation(path: str, operation: str, value: Any) -> dict[str, Any] | None:
    """Return an operation that replaces the one address; None if it is about another part, or removes the address."""
    tail = path.rpartition("]")[2] if "]" in path else path[len("emails") :]
    if operation == "remove" or tail.casefold() not in ("", ".value"):
        return None
    items = value if isinstance(value, list) else [value if isinstance(value, Mapping) else {"value": value}]
    return {"op": "replace", "path": "emails", "value": _choose_address(items)}


def _choose_address(emails: list[Any]) -> list[Any]:
    """Return the primary address alone, else the one of work, else the first."""
    found = [{str(name).casefold(): value for name, value in one.items()} for one in emails if isinstance(one, Mapping)]
    if len(found) < len(emails):
        return emails  # malformed: the validation says why
    by_rank = sorted(
        found, key=lambda one: (one.get("primary") not in (True, "true", "True"), one.get("type") != "work")
    )
    return [{"value": by_rank[0].get("value")}] if by_rank else []


def _reduce_members(members: list[Any]) -> list[Any]:
    """Return the members as ids alone, without groups inside of the group."""
    return [
        {"value": one["value"]} if isinstance(one, Mapping) and "value" in one else one
        for one in members
        if not (isinstance(one, Mapping) and str(one.get("type", "")).casefold() == "group")
    ]


def _name_members(members: list[Any]) -> str:
    """Return the path of these members."""
    ids = [str(one.get("value")) if isinstance(one, Mapping) else str(one) for one in members]
    return f"members[{' or '.join(f'value eq {json.dumps(one)}' for one in ids)}]"


def _join_name(name: Mapping[str, Any]) -> str:
    parts = {str(key).casefold(): value for key, value in name.items() if isinstance(value, str)}
    return parts.get("formatted") or " ".join(filter(None, (parts.get("givenname"), parts.get("familyname"))))


def _strip(name: str, kind: str) -> str:
    """Return the name or path without the schema in front of it."""
    urn = f"{CORE}{kind}:"
    return name[len(urn) :] if name.casefold().startswith(urn.casefold()) else name
