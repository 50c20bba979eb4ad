"""Clauses of the default policy in the words of former releases, each with today's words.

Stored policy versions never change, since the audit log holds their hashes. So `schema.parse_policy` shows their
clauses in words that have translations: today's, but for clauses that today's default words in another sense.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop

# Clauses that described an effect; today's default has rules in their place. Policies that hold these texts keep them.
_INSTRUCTIONS = gettext_noop("Text with instructions for the assistant is labelled. It is shown, but never followed.")
_LINKS = gettext_noop("Links that would send data to other servers are shown as plain text.")
_PASSWORDS = gettext_noop("Passwords and keys in documents are labelled.")
EARLIER_DEFAULTS = (_INSTRUCTIONS, _LINKS, _PASSWORDS)

FORMER_WORDING = {
    "A text that speaks to the assistant instead of to its reader is marked. It is shown, and never obeyed.": (
        _INSTRUCTIONS
    ),
    "Insults are counted, but not withheld.": "Nothing that insults or bullies people.",  # a reviewer can withhold them
    "Insults are noted; they are not withheld.": "Nothing that insults or bullies people.",
    "Leak of the system text": "Leak of the system prompt",
    "Links that would carry away what was read are shown as plain text.": _LINKS,
    "Matters for experts": "Professional advice",
    "No help with making or getting weapons that kill many, explosives or untraceable guns.": (
        "No help with making or getting weapons of mass destruction, explosives or untraceable guns."
    ),
    "No made-up accusations against people or companies that exist.": (
        "No made-up accusations against real people or companies."
    ),
    "Nothing that degrades people, or calls for harming them, for what they are.": (
        "Nothing that degrades people for who they are, or calls for harming them."
    ),
    "Nothing that passes for words or a picture of a person who exists.": (
        "Nothing that could be mistaken for words or a picture of a real person."
    ),
    "Passwords and keys in documents are marked.": _PASSWORDS,
    "Personal data of others is found, and can be hidden.": (
        "Personal data of other people is detected and can be hidden."
    ),
    "Protected works are not copied at length, and nothing passes for a product of a brand.": (
        "No long copies of protected works, and nothing that imitates a product of a brand."
    ),
    "The assistant writes nothing meant to arouse.": "The assistant writes no sexually explicit texts.",
    "What documents say of health, law and money is answered with its sources; it takes no expert's place.": (
        "Answers about health, law and money come from documents, with sources. They do not replace an expert."
    ),
    "What is said to the assistant alone is neither shown nor sent anywhere.": (
        "Confidential instructions of the assistant are never shown or sent."
    ),
    "Who speaks of hurting themselves gets words of support and help lines. It is never punished.": (
        "Users who talk about self-harm get words of support and help lines. They are never punished for it."
    ),
    "Works and brands of others": "Copyright and brands",
}
