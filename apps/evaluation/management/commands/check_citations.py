"""`manage.py check_citations`: let the model answer golden questions, and report how many citations are wrong."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.engines.types import EngineError
from apps.evaluation.golden_questions.citation_check import CitationCheck, check_citations
from apps.evaluation.models import GoldenQuestion
from apps.safety.gate.gate import Withheld
from apps.users.rate_limits import RateLimited


class Command(BaseCommand):
    help = "Answers golden questions and counts sentences whose source is not the expected passage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--collection", metavar="NAME", default="", help="only of this collection")
        parser.add_argument("--first", type=int, default=0, metavar="N", help="at most N questions; 0: all (0)")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = GoldenQuestion.objects.select_related("collection__owner")
        if options["collection"]:
            rows = rows.filter(collection__name=options["collection"])
        questions = [question for question in rows if not question.is_void][: options["first"] or None]
        if not questions:
            raise CommandError("There are no golden questions to ask. Add some under Test in a collection.")
        checks = [check for question in questions if (check := self._check(question)) is not None]
        self._summarise(checks, len(questions))

    def _check(self, question: GoldenQuestion) -> CitationCheck | None:
        """Return the check of one question after printing its faults; None if the answer was withheld."""
        while True:
            try:
                check = check_citations(question)
                break
            except RateLimited as error:
                time.sleep(error.retry_s)
            except Withheld:
                self.stdout.write(f"withheld: {question}")
                return None
            except EngineError as error:
                raise CommandError(f"No model answers: {error}") from error
        for citation in check.wrong:
            self.stdout.write(f"wrong source: {question}\n  {citation.sentence}")
        if check.missing:
            self.stdout.write(f"without {', '.join(check.missing)}: {question}")
        return check

    def _summarise(self, checks: list[CitationCheck], question_count: int) -> None:
        sentences, wrong = sum(len(check.sentences) for check in checks), sum(len(check.wrong) for check in checks)
        with_source = [check for check in checks if check.sentences]
        share = f" ({wrong / sentences:.1%})" if sentences else ""
        self.stdout.write(
            f"{len(checks)} of {question_count} questions answered, {len(with_source)} with a source on some sentence."
        )
        self.stdout.write(f"{sentences} sentences with a source, {wrong} of them wrong{share}.")
        missing = sum(bool(check.missing) for check in with_source)
        self.stdout.write(f"{missing} of the answers with a source lack expected words.")
