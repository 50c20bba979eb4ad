"""Build the instructions in the system text: of the site, of the assistant with its examples, and of the user."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext

from apps.conversations.models.assistant import Assistant
from apps.users import user_memory
from apps.users.models import User
from apps.users.site_texts import load_site_texts


def build_instructions(assistant: Assistant, personal: str = "") -> str:
    """Return one text, identical while no part changes, so that the server's prefix cache applies. For `in_db`."""
    parts = [load_site_texts().instructions.strip(), assistant.instructions.strip()]
    if assistant.examples:
        shown = [f"Question: {item['question']}\nAnswer: {item['answer']}" for item in assistant.examples]
        parts.append("Answer in the manner of these examples:\n\n" + "\n\n".join(shown))
    if personal.strip():
        parts.append(personal.strip())
    return "\n\n".join(part for part in parts if part)


def get_personal_instructions(user: User) -> str:
    """Return the user's instructions and the enabled facts about them; "" if there are none. For `in_db`."""
    parts = []
    if own := user.instructions.strip():
        parts.append(f"The person who asks wants you to heed this: {own}")
    if facts := user_memory.list_facts(user):
        parts.append("What they have said about themselves:\n" + "\n".join(f"- {fact}" for fact in facts))
    return "\n\n".join(parts)


def describe_applied_instructions(user: User, instructions: str) -> str:
    """Return words about the personal parts that `instructions` hold; "" for none. For `in_db`."""
    about_user = get_personal_instructions(user)
    if not about_user or about_user not in instructions:
        return ""
    if not (count := len(user_memory.list_facts(user))):
        return gettext("Followed your instructions")
    if not user.instructions.strip():
        return ngettext("Used %(n)s fact about you", "Used %(n)s facts about you", count) % {"n": count}
    both = ngettext(
        "Followed your instructions and used %(n)s fact about you",
        ("Followed your instructions and used %(n)s facts about you"),
        count,
    )
    return both % {"n": count}
