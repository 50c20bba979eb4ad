"""`manage.py safety_replay --policy 7 --since 30d`: backtest a policy version.

Evaluates all verdicts of that time that are still stored, and prints each change without its text. The result is stored
with the version, which may then be approved.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.safety.analytics import policy_changes
from apps.safety.models import PolicyVersion
from apps.safety.policy.schema import PolicyError
from apps.safety.policy_admin import backtest
from apps.safety.policy_admin.backtest import BacktestChange
from apps.safety.verdict_log import recorder

_HOURS = {"h": 1, "d": 24, "w": 168}


class Command(BaseCommand):
    help = "Prints which verdicts a version of the policy would have changed, and saves the result with the version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--policy", required=True, help="number of the version, or 'draft' for the latest draft")
        parser.add_argument("--since", default=f"{settings.VERDICT_DAYS or 30}d", help="such as 12h, 30d or 4w")

    def handle(self, *args: Any, policy: str, since: str, **options: Any) -> None:
        row, begin = _version(policy), _since(since)
        try:
            result = backtest.run_backtest(None, row, begin, recorder.MAX_RECORDS, self._print_change)
        except PolicyError as error:
            raise CommandError(f"{row} cannot be read: {error}") from error
        row.refresh_from_db()
        table = policy_changes.count_backtest_changes(row)
        for line in table.rows if table else ():
            low, high = line.share.interval
            self.stdout.write(
                f"{line.change} ({line.before or 'allow'} -> {line.after or 'allow'}): {line.clause} at {line.stage}:"
                f" {line.share.part} of {line.share.whole} ({low:.2%} to {high:.2%})"
            )
        self.stdout.write(
            f"{row}: {result['changed']} of {result['judged']} verdicts since {begin:%Y-%m-%d %H:%M} would change;"
            f" {result['recorded']} of them were recorded without text."
        )
        for name in result["lists"]:
            self.stdout.write(f"The list “{name}” could not be tested on verdicts recorded without text.")

    def _print_change(self, change: BacktestChange) -> None:
        before, after = change.before or "allow", change.after or "allow"
        self.stdout.write(
            f"{change.at:%Y-%m-%d %H:%M} {change.stage} {change.clause} {change.change}:"
            f" {before} -> {after} ({change.score:.2f})"
        )


def _version(named: str) -> PolicyVersion:
    drafts = (PolicyVersion.Status.DRAFT, PolicyVersion.Status.SHADOW)
    rows = PolicyVersion.objects.all()
    if named == "draft":
        row = rows.filter(status__in=drafts).first()
    else:
        row = rows.filter(number=int(named)).first() if named.isascii() and named.isdigit() else None
    if row is None:
        there = ", ".join(str(number) for number in rows.filter(status__in=drafts).values_list("number", flat=True))
        raise CommandError(f"There is no policy “{named}”. Drafts: {there or 'none'}.")
    return row


def _since(text: str) -> datetime:
    found = re.fullmatch(r"(\d{1,4})([hdw])", text)
    if found is None:
        raise CommandError(f"“{text}” is not a period: write 12h, 30d or 4w.")
    return timezone.now() - timedelta(hours=int(found[1]) * _HOURS[found[2]])
