"""A list that a setting asked for becomes one of the policy, as the product's own change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.safety import audit, clauses, listed, policies
from apps.safety.models import PolicyVersion
from apps.safety.policies import Status
from apps.safety.policy import digest, read


def adopt(own: Mapping[str, Any], note: str) -> PolicyVersion | None:
    """The version in force has that list, as the product's own change: what a setting asked for before it was a list.
    One with its key stays as people made it, with the entries that it lacks. None where some version had all of them
    already: people decide about it from then on. Raises PolicyError where it cannot be a list."""
    with transaction.atomic():
        now = policies.live()
        for body in PolicyVersion.objects.values_list("body", flat=True):
            had = (row for row in body.get("lists", []) if row["key"] == own["key"])
            if any(set(own["entries"]) <= set(row["entries"]) for row in had):
                return None
        body = clauses.completed(now.body)
        lists = {row["key"]: row for row in body.get("lists", [])}
        old = lists.get(own["key"], {"entries": []})
        lists[own["key"]] = {**own, **old, "entries": list(dict.fromkeys([*old["entries"], *own["entries"]]))}
        body = {**body, "lists": list(lists.values())}
        listed.check(read(body).lists.values())
        number = policies.next_number()
        PolicyVersion.objects.filter(pk=now.pk, status=Status.LIVE).update(status=Status.RETIRED)
        row = PolicyVersion.objects.create(
            number=number, body=body, sha256=digest(body), status=Status.LIVE, note=note[:400], effective=timezone.now()
        )
        audit.record("policy.live", subject=str(row), sha256=row.sha256)
    policies.refresh()
    return row
