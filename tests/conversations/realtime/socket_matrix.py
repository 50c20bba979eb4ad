"""Ids that each message of the socket may name, read by `test_foreign_ids.py`, which fails for messages without a row.

Ids of other users must be answered like ids that do not exist.
"""

from __future__ import annotations

ASKED = ("conversation", "after", "reworded_question", "assistant", "collections", "attached", "files")
MATRIX: dict[str, tuple[str, ...]] = {
    "ask": ASKED,
    "typing": ASKED,
    "queue": ASKED,
    "retry": ("turn", "assistant"),
    "continue": ("turn",),
    "answer_without_documents": ("turn",),
    "let_model_write": ("turn",),
    "resume": ("turn",),
    "answer_now": ("turn",),
    "stop": ("turn",),
    "decide": ("turn",),
    "reword": ("question",),
    "queue_now": ("queued",),
    "unqueue": ("queued",),
    "look": ("conversation",),
    "watch": ("secret",),
    "seen": ("conversation",),
    "stay": ("conversation",),
}
SILENT = {"typing", "seen", "answer_now"}  # messages that are never answered
# Things that a field can name: rows of Alice in `test_foreign_ids.py`.
THINGS: dict[str, tuple[str, ...]] = {
    "conversation": ("conversation", "temporary chat", "withheld"),
    "secret": ("conversation",),  # only the secret of the link itself opens it
    "turn": ("running", "finished", "temporary answer"),
    "after": ("finished",),
    "reworded_question": ("question",),
    "question": ("question",),
    "queued": ("queued",),
    "assistant": ("assistant",),
    "collections": ("collection",),
    "attached": ("picture",),
    "files": ("files",),
}
