"""Policies, blocklists and policy versions for tests, with sample questions and recorded verdicts."""

from __future__ import annotations

import copy
from typing import Any

from apps.lib.concurrency.threads import in_db
from apps.safety.gate import gate
from apps.safety.models import PolicyVersion
from apps.safety.policy import defaults, versions
from apps.safety.policy.schema import WORDS, Blocklist, parse_policy
from apps.safety.verdict_log import shadow
from apps.users.models import User

MAYBE = "Some [hate?] is in here"  # scores 0.6 for hate: noted and allowed
SURE = "All of this is [hate] to me"  # 0.99: withheld
PLAIN = "How is a lamp trimmed?"


def make_policy_body(stage: str = "question", **thresholds: float) -> dict[str, Any]:
    """Return the live policy with these thresholds of hate, such as `withhold=0.5`."""
    body = copy.deepcopy(versions.get_live_version().body)
    clause = next(row for row in body["clauses"] if row["code"] == "hate")
    clause["steps"][stage] = [{"least": score, "action": action} for action, score in thresholds.items()]
    return body


def make_shadow_version(author: User, body: dict[str, Any], note: str = "") -> PolicyVersion:
    """Create a draft from `body` and run it in the shadow."""
    row = versions.create_draft(author, body, note)
    versions.start_shadow(author, row)
    return row


def make_blocklist_row(*entries: str, kind: str = WORDS, **fields: Any) -> dict[str, Any]:
    """Return a blocklist as JSON of the policy, which withholds questions, answers and passages."""
    row = {"key": "list-a", "name": "Projects", "owner": 1, "code": "secrets", "kind": kind, "entries": list(entries)}
    return {**row, "action": "withhold", "stages": ["question", "answer", "passage"], "expires": "", **fields}


def make_blocklist(*entries: str, **fields: Any) -> Blocklist:
    body = {**defaults.make_default_policy({}), "lists": [make_blocklist_row(*entries, **fields)]}
    return parse_policy(body).blocklists["list-a"]


async def write_queued_verdicts() -> None:
    """Store the queued verdicts, as the gate does a moment later."""
    await in_db(shadow.write_verdicts)


async def check_questions(*texts: str) -> None:
    """Let the gate check the questions under the live policy of the database, and store the verdicts."""
    await in_db(versions.get_live_version)
    await in_db(versions.refresh_policy)
    for text in texts:
        await gate.check_question(text)
    await write_queued_verdicts()
