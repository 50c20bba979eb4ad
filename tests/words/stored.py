"""Sentences that are written down in English, by a worker or for a log, and translated when they are shown.

They stand in these modules as plain constants: `said` in templates and `str()` of a refusal look them up.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from apps.reading.parsing.formats import ACCEPTED_DESCRIPTION, FORMATS, REMOVED_FORMATS

MODULES = (
    "apps/conversations/assistants/assistant_choice.py",
    "apps/conversations/core/requests.py",
    "apps/conversations/attachments/*.py",
    "apps/conversations/realtime/consumer.py",
    "apps/conversations/turns/model_queue.py",
    "apps/conversations/transfer/formats/*.py",
    "apps/conversations/transfer/import_job.py",
    "apps/conversations/turns/preparation.py",
    "apps/conversations/core/picture_request.py",
    "apps/conversations/transfer/conversation_import.py",
    "apps/conversations/turns/question_queue.py",
    "apps/conversations/moderation/message_cases.py",
    "apps/conversations/assistants/collection_choice.py",
    "apps/conversations/turns/recovery.py",
    "apps/conversations/turns/temporary*.py",
    "apps/conversations/history/temporary_chat_views.py",
    "apps/conversations/tools/*.py",
    "apps/conversations/tools/builtin/*.py",
    "apps/conversations/tools/mcp/*.py",
    "apps/conversations/turns/trace.py",
    "apps/conversations/turns/runner.py",
    "apps/conversations/turns/generation.py",
    "apps/documents/library/folder_sync.py",
    "apps/documents/ingestion/pipeline.py",
    "apps/documents/jobs/ingest_job.py",
    "apps/reading/parsing/**/*.py",
    "apps/reading/sandbox/child_process.py",
    "apps/documents/moderation/review.py",
    "apps/reading/sandbox/runner.py",
    "apps/documents/ingestion/ocr.py",
    "apps/reading/parsing/detection.py",
    "apps/engines/caption/[bls]*.py",
    "apps/engines/chat/http_errors.py",
    "apps/engines/image/*.py",
    "apps/engines/image/pictogram/engine.py",
    "apps/engines/turnlog/*.py",
    "apps/evaluation/golden_questions/runs.py",
    "apps/images/requests/submission.py",
    "apps/images/generation/model_info.py",
    "apps/images/generation/worker.py",
    "apps/images/generation/scheduler.py",
    "apps/images/moderation/picture_cases.py",
    "apps/images/generation/source_pictures.py",
    "apps/lib/text/message_templates.py",
    "apps/privacy/erasure.py",
    "apps/privacy/data_requests.py",
    "apps/safety/gate/web_addresses.py",
    "apps/safety/policy/verdicts.py",
    "apps/safety/gate/default_check.py",
    "apps/safety/policy/defaults.py",
    "apps/documents/library/web_fetcher.py",
    "apps/safety/gate/gate.py",
    "apps/safety/gate/pictures.py",
    "apps/safety/policy/strictness.py",
    "apps/safety/policy/versions.py",
    "apps/safety/detectors/rules/engine.py",
    "apps/safety/policy/user_messages.py",
)
# Modules whose sentences are shown, or stored in the language of the asker: no row holds them in English.
NOT_STORED = {
    "apps/conversations/assistants/assistant_choice.py",
    "apps/conversations/assistants/collection_choice.py",
    "apps/conversations/attachments/prompt_content.py",
    "apps/conversations/core/picture_request.py",
    "apps/conversations/history/temporary_chat_views.py",
    "apps/conversations/tools/approvals.py",
    "apps/conversations/tools/argument_schema.py",
    "apps/conversations/tools/builtin/calculator.py",
    "apps/conversations/tools/builtin/dates.py",
    "apps/conversations/tools/builtin/draw_picture.py",
    "apps/conversations/tools/builtin/read_document.py",
    "apps/conversations/tools/builtin/search_documents.py",
    "apps/conversations/tools/call_cards.py",
    "apps/conversations/tools/executor.py",
    "apps/conversations/tools/server_forms.py",
    "apps/conversations/turns/preparation.py",
    "apps/conversations/turns/question_queue.py",
    "apps/conversations/turns/temporary_chats.py",
    "apps/conversations/turns/temporary_turn.py",
    "apps/documents/library/folder_sync.py",
    "apps/reading/parsing/formats.py",
    "apps/reading/parsing/page_rendering.py",
}
LABELS = {
    "apps/conversations/attachments/review.py",
    "apps/conversations/moderation/message_cases.py",
    "apps/conversations/tools/builtin/calculator.py",
    "apps/conversations/tools/builtin/dates.py",
    "apps/conversations/tools/builtin/draw_picture.py",
    "apps/conversations/tools/builtin/read_document.py",
    "apps/conversations/tools/builtin/search_documents.py",
    "apps/conversations/turns/trace.py",
    "apps/documents/moderation/review.py",
    "apps/images/moderation/picture_cases.py",
    "apps/safety/policy/defaults.py",
}  # here titles without a full stop too
_SENTENCE = re.compile(r"[A-Z].* .*[.!?]", re.DOTALL)
_LABEL = re.compile(r"[A-Z][a-z-]+( [^_]*)?")


def sentences(root: Path) -> Iterator[tuple[str, Path]]:
    for pattern in MODULES:
        found = sorted(root.glob(pattern))
        assert found, f"{pattern} of tests/words/stored.py names no file"
        for path in found:
            shape = _LABEL if str(path.relative_to(root)) in LABELS else _SENTENCE
            for text in constants(ast.parse(path.read_text())):
                if shape.fullmatch(text) or _SENTENCE.fullmatch(text):
                    yield text, path
    for item in (*FORMATS.values(), *REMOVED_FORMATS.values()):
        yield item.label, root / "apps/reading/parsing/formats.py"
    yield ACCEPTED_DESCRIPTION, root / "apps/reading/parsing/formats.py"


def stored_lines(root: Path) -> Iterator[tuple[str, Path]]:
    """Lines of sentences that rows can hold; what has places for values is of `message_templates`, or never stored."""
    for text, path in sentences(root):
        if str(path.relative_to(root)) not in NOT_STORED and "%(" not in text and _SENTENCE.fullmatch(text):
            yield from ((line, path) for line in text.split("\n"))


def constants(tree: ast.Module) -> Iterator[str]:
    """Strings that are neither documentation nor part of a longer one nor marked already."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.JoinedStr):
            left_out |= {id(inner) for inner in ast.walk(node) if not isinstance(node, ast.Expr) or inner is node.value}
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("gettext", "ngettext", "log.", "re.")):
            left_out |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value
