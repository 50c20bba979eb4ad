"""App configuration of golden questions, their runs, and feedback."""

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "apps.evaluation"

    def ready(self) -> None:
        from apps.documents.moderation import document_redaction
        from apps.evaluation.golden_questions import (
            quote_redaction as golden_question_redaction,  # models cannot be imported before ready()
        )

        document_redaction.redaction_hooks[golden_question_redaction.BESIDE] = document_redaction.RedactionHook(
            golden_question_redaction.redact_questions, golden_question_redaction.restore_questions
        )
