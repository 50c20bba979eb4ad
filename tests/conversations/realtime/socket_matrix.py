"""What a page may name in each thing that it asks of the socket: read by `test_socket_matrix.py`, which fails for what
has no row here. Whatever is named is its owner's alone; to everybody else it is like one that never was."""

from __future__ import annotations

ASKED = ("conversation", "after", "beside", "assistant", "collections", "attached")
MATRIX: dict[str, tuple[str, ...]] = {
    "ask": ASKED,
    "typing": ASKED,
    "queue": ASKED,
    "retry": ("turn",),
    "continue": ("turn",),
    "answer_without_documents": ("turn",),
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
SILENT = {"typing", "seen", "answer_now"}  # nothing is said to these, whatever happens
# What a field can hold, by the names of the rows of Alice's in `test_socket_matrix.py`.
THINGS: dict[str, tuple[str, ...]] = {
    "conversation": ("conversation", "temporary chat", "withheld"),
    "secret": ("conversation",),  # only the link's own opens it
    "turn": ("running", "finished", "temporary answer"),
    "after": ("finished",),
    "beside": ("question",),
    "question": ("question",),
    "queued": ("queued",),
    "assistant": ("assistant",),
    "collections": ("collection",),
    "attached": ("picture",),
}
