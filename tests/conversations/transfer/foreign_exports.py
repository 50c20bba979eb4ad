"""Chat exports in the formats of other programs. Their structure is real, their texts are invented."""

from __future__ import annotations

from typing import Any

NOTHING = "00000000-0000-0000-0000-000000000000"


def node(name: str, parent: str | None, role: str, text: str, **more: Any) -> dict[str, Any]:
    """Return a node of ChatGPT's mapping."""
    message = {
        "id": name, "author": {"role": role, "name": None, "metadata": {}}, "create_time": 1_756_000_001.5,
        "content": {"content_type": "text", "parts": [text]}, "status": "finished_successfully", "recipient": "all",
        "metadata": {"model_slug": "gpt-5"} if role == "assistant" else {}, "weight": 1.0,
    }  # fmt: skip
    return {"id": name, "parent": parent, "children": [], "message": message | more}


def chatgpt(*nodes: dict[str, Any], title: str = "Staging", name: str = "c-1", **more: Any) -> dict[str, Any]:
    """Return a ChatGPT conversation of these nodes below an empty root."""
    root = {"id": "root", "parent": None, "children": [], "message": None}
    return {
        "title": title, "create_time": 1_756_000_000.1, "update_time": 1_756_000_400.6, "conversation_id": name,
        "mapping": {one["id"]: one for one in (root, *nodes)}, "current_node": nodes[-1]["id"] if nodes else "root",
        "is_archived": False, "id": name,
    } | more  # fmt: skip


def roll_back() -> dict[str, Any]:
    """Return a ChatGPT conversation with a hidden message, a tool call within an answer, and two sibling answers."""
    hidden = {"is_visually_hidden_from_conversation": True}
    about = {"content_type": "user_editable_context", "user_profile": "An engineer."}
    picture = [{"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}, "What is this?"]
    return chatgpt(
        node("ctx", "root", "user", "", content=about, metadata=hidden),
        node("u1", "ctx", "user", "How do I roll back?"),
        node("a1", "u1", "assistant", "Let me look."),
        node("t1", "a1", "assistant", "search(…)", recipient="browser"),
        node("t2", "t1", "tool", "found it"),
        node("a2", "t2", "assistant", "Run `helm rollback`\ue200cite\ue202turn0search1\ue201.【4†source】"),
        node("b1", "u1", "assistant", "Ask somebody."),
        node("u2", "a2", "user", "", content={"content_type": "multimodal_text", "parts": picture}),
        node("a3", "u2", "assistant", "A chart."),
    )


def open_webui(**more: Any) -> dict[str, Any]:
    """Return an Open WebUI chat with reasoning in the answer."""
    thought = '<details type="reasoning" done="true"><summary>Thought</summary>15 times 17</details>255'
    said = {
        "q": {"id": "q", "parentId": None, "childrenIds": ["a"], "role": "user", "content": "What is 15 times 17?"},
        "a": {
            "id": "a", "parentId": "q", "childrenIds": [], "role": "assistant", "content": thought,
            "model": "deepseek-r1", "timestamp": 1_700_000_010, "done": True,
        },
    }  # fmt: skip
    chat = {"title": "Sums", "models": ["deepseek-r1"], "history": {"currentId": "a", "messages": said}}
    return {"id": "w-1", "title": "Sums", "chat": chat, "created_at": 1_700_000_000, "pinned": True} | more


def spoken(name: str, parent: str, text: str, *, asked: bool, **more: Any) -> dict[str, Any]:
    """Return a message of LibreChat."""
    return {
        "messageId": name, "parentMessageId": parent, "isCreatedByUser": asked, "text": text, "error": False,
        "model": None if asked else "gpt-4o", "createdAt": "2024-05-28T18:08:55.014Z", "unfinished": False,
    } | more  # fmt: skip


def librechat(*, nested: bool = False) -> dict[str, Any]:
    """Return a LibreChat conversation with two sibling answers, as a list or nested."""
    asked = spoken("m1", NOTHING, "Tell me a story", asked=True)
    one, two = (spoken(f"m{n}", "m1", text, asked=False) for n, text in ((2, "Once."), (3, "Twice upon a time")))
    two["unfinished"] = True
    messages = [asked | {"children": [one, two]}] if nested else [asked, one, two]
    return {"conversationId": "l-1", "title": "Stories", "recursive": nested, "branches": True, "messages": messages}


def claude(*, parents: bool = True, **more: Any) -> dict[str, Any]:
    """Return a Claude conversation with a long paste, reasoning, a tool call, a picture and a reworded question.

    Without `parents`, messages name no parents, as in older exports.
    """
    called = "This block is not supported on your current device yet."
    parts = [
        {"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "name": "search"}, {"type": "tool_result", "content": []},
        {"type": "text", "text": "Renew it in May."},
    ]  # fmt: skip
    pasted = {"file_name": "lease.txt", "file_type": "txt", "extracted_content": "The lease ends in May."}
    said = [
        _claude("m1", "human", "When does it end?", "00000000-0000-4000-8000-000000000000", attachments=[pasted]),
        _claude("m2", "assistant", f"Let me look. {called} Renew it in May.", "m1", content=parts),
        _claude("m3", "human", "And who signs?", "m2", files=[{"file_name": "page.png"}]),
        _claude("m4", "assistant", "Ann does.", "m3"),
    ]  # fmt: skip
    if parents:
        said.append(_claude("m5", "human", "Who pays?", "m2"))
        said.append(_claude("m6", "assistant", "Bob does.", "m5"))
    else:
        said = [{name: value for name, value in one.items() if name != "parent_message_uuid"} for one in said]
    return {
        "uuid": "a-1", "name": "Lease", "summary": "", "created_at": "2025-03-01T09:30:00.000000Z",
        "account": {"uuid": "x"}, "chat_messages": said,
    } | more  # fmt: skip


def _claude(name: str, sender: str, text: str, parent: str, **more: Any) -> dict[str, Any]:
    return {
        "uuid": name, "sender": sender, "text": text, "parent_message_uuid": parent, "attachments": [], "files": [],
        "content": [{"type": "text", "text": text, "citations": []}], "created_at": "2025-03-01T09:30:05.000000Z",
    } | more  # fmt: skip
