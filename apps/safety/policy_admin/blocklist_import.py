"""Adopt a blocklist from a setting into the live policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.safety.audit_log import audit
from apps.safety.models import PolicyVersion
from apps.safety.policy import blocklist_matcher, defaults, versions
from apps.safety.policy.schema import hash_policy, parse_policy
from apps.safety.policy.versions import Status


def adopt_blocklist(blocklist: Mapping[str, Any], note: str) -> PolicyVersion | None:
    """Make a new live version that contains the blocklist, without author or approver, and return it.

    An existing list of the same key keeps its settings and gains the missing entries. Return None if some version had
    all entries already, as administrators decide about them since. One transaction with the audit entry `policy.live`;
    no permission is checked. Raise PolicyError if the list is invalid.
    """
    with transaction.atomic():
        live = versions.get_live_version()
        for body in PolicyVersion.objects.values_list("body", flat=True):
            same_list = (row for row in body.get("lists", []) if row["key"] == blocklist["key"])
            if any(set(blocklist["entries"]) <= set(row["entries"]) for row in same_list):
                return None
        body = defaults.add_missing_clauses(live.body)
        lists = {row["key"]: row for row in body.get("lists", [])}
        existing = lists.get(blocklist["key"], {"entries": []})
        lists[blocklist["key"]] = {
            **blocklist,
            **existing,
            "entries": list(dict.fromkeys([*existing["entries"], *blocklist["entries"]])),
        }
        body = {**body, "lists": list(lists.values())}
        blocklist_matcher.validate_blocklists(parse_policy(body).blocklists.values())
        number = versions.next_version_number()
        PolicyVersion.objects.filter(pk=live.pk, status=Status.LIVE).update(status=Status.RETIRED)
        row = PolicyVersion.objects.create(
            number=number,
            body=body,
            sha256=hash_policy(body),
            status=Status.LIVE,
            note=note[:400],
            effective=timezone.now(),
        )
        audit.record_event("policy.live", subject=str(row), sha256=row.sha256)
    versions.refresh_policy()
    return row
