"""Words that say the contrary of each other: a passage in which prices rose does not support that they fell."""

from __future__ import annotations

from apps.conversations.grounding.lexicons import LEXICONS, iter_opposite_forms, merge_forms
from apps.lib.text.analyzer import stem_word

OPPOSITE_STEMS = {  # code of the language -> stem -> stems of its contraries
    code: merge_forms(
        (stem_word(form), frozenset(map(stem_word, others))) for form, others in iter_opposite_forms(lexicon)
    )
    for code, lexicon in LEXICONS.items()
}
