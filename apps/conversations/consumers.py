"""The one socket of a page, `/ws/chat/`: JSON objects in text frames, both ways.

A page asks:

    {"do": "ask", "client_id": "…", "conversation": uuid or null, "text": "…", "collections": [uuid, …],
     "without_documents": false}                    client_id: up to 40 characters, made by the client; a repeated ask posts once
                                                    collections: [] searches all that are visible; left out: as the conversation has it
    {"do": "resume", "turn": uuid, "after": seq}    replays what came after that number, then follows to the end
    {"do": "stop", "turn": uuid}                    from any tab; the turn ends with a `closed` of status "stopped"
    {"do": "retry", "turn": uuid, "client_id": "…"}                    the same question again: a new answer beside it
    {"do": "answer_without_documents", "turn": uuid, "client_id": "…"} likewise, and marked as not from the documents

and is told, besides the events of `events.py`:

    {"type": "accepted", "client_id", "turn", "conversation", "question"}   ask, retry, answer_without_documents: the turn runs, and
                                                                            its events follow on this socket by themselves
    {"type": "refused", "client_id", "words"}     nothing was kept; words for the person (client_id "" where none could be read)
    {"type": "unknown", "turn"}                   not a turn that can be followed (over for long, not yours, never was): fetch the page again
    {"type": "hint", "conversation"}              something changed in this conversation (a turn began or ended, in any tab): refresh lists

Close codes: 4401 signed out, 4429 too many sockets, 1009 a frame too large, 1012 the server restarts (connect again and resume).
A turn runs in a task of its own (`turns.py`); a socket only reads its log.
"""

from __future__ import annotations

from typing import Any

websocket_urlpatterns: list[Any] = []
