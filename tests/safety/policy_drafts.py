"""Policy drafts for tests, with sample questions and recorded verdicts."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from apps.lib.concurrency.threads import in_db
from apps.safety.models import PolicyVersion
from apps.safety.policy import versions
from apps.safety.verdict_log import recorder, shadow
from apps.users.models import User

MAYBE = "Some [hate?] is in here"  # scores 0.6 for hate: noted and allowed
SURE = "All of this is [hate] to me"  # 0.99: withheld
PLAIN = "How is a lamp trimmed?"


@pytest.fixture(autouse=True)
def verdicts_kept(settings: LazySettings) -> Iterator[None]:
    """Record verdicts, and clear the caches of policy and verdicts before and after the test."""
    settings.VERDICT_DAYS = 30
    versions.clear_cache()
    recorder.clear_pending()
    yield
    versions.clear_cache()
    recorder.clear_pending()


def body(stage: str = "question", **steps: float) -> dict[str, Any]:
    """Return the live policy with these thresholds of hate, such as `withhold=0.5`."""
    found = copy.deepcopy(versions.get_live_version().body)
    clause = next(row for row in found["clauses"] if row["code"] == "hate")
    clause["steps"][stage] = [{"least": least, "action": action} for action, least in steps.items()]
    return found


def in_the_shadow(author: User, new: dict[str, Any], note: str = "") -> PolicyVersion:
    """Create a draft from `new` and run it in the shadow."""
    row = versions.create_draft(author, new, note)
    versions.start_shadow(author, row)
    return row


async def written() -> None:
    """Store the queued verdicts, as the gate does a moment later."""
    await in_db(shadow.write_verdicts)
