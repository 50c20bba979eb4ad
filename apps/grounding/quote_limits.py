"""Limits and weights of quotes: unit, meaning and, where measured, the figure.

Modules of this package import them as `limits`. Figures are of `./run bench trust --parts search` (`answerable_quoted`,
`irrelevant_quotes`, `found_by_word`) and of the trial's quotes (`--parts trial --no-model`);
`docs/develop/changing-a-constant.md` says which must hold after a change. Values without a figure were set by reason.
"""

from __future__ import annotations

# --- Chance that a sentence answers (`quote_selection.py`): `reading.first_quote_right`, `trial.quotes_hold`

# Log-odds that a sentence or row answers: bias, and weights of what is known of it. `./run train reader_calibration`
# fits the first four to half of the questions of the open sets' dev part, so that the likeliest sentence's chance is
# that of being right. The last two hold for codes and years by rule, since these sets have none.
BIAS = -0.8
WEIGHTS = {"passage": 0.172, "sentence": 0.209, "words": 0.694, "relevance": 0.357, "code": 2.0, "rival": -4.0}
# Log-odds of one feature, at most: beyond it a model is no surer, only louder.
MAX_LOG_ODDS = 6.0
# Share of the weight of a question's word that counts where the sentence itself holds it, and not only its context (its
# lead, or the sentence that it points back to).
OWN_WORD_SHARE = 0.2
# Weight of a question's word that the index does not know, in units of inverse document frequency.
UNKNOWN_WORD_WEIGHT = 1.0
# Letters that two forms of a word share, and the weight of such a form in the name of a column.
FORM_LETTERS, OTHER_FORM_WEIGHT = 5, 0.5

# --- Whether anything is quoted: `answerable_quoted`, `irrelevant_quotes`, `found_by_word`

# Chance of the best sentence from which quotes are shown, 0 to 1. On 240 questions of ClapNQ, which nothing was fitted
# to, .92 of the answerable are quoted and .44 of the others (.94 and .44 by the rules before, which were fitted there);
# on the held-out half of the open sets' dev part some .86 and .54 (.78 and .53 before).
MIN_ANSWERED_PROBABILITY = 0.3
# Chance from which the nearest quotes are shown as such, where none is likely to answer: .95 of the answerable there.
MIN_NEAREST_PROBABILITY = 0.15
# Chance from which no further passage is read before the model is asked.
SURE_PROBABILITY = 0.7

# Fields and lines of a question that the reader also reads alone, at most; a page of a form has some 40. A line among
# others is rated by what stands around it: alone, the reader tells "Total" from "Subtotal".
MAX_READ_ALONE = 60

# --- How many and how long

# Quotes of a turn, where none is likely right. 3 held 4 answers of 81 and 9 of 150 (COVID-QA) less.
MAX_QUOTES = 5
# Probability that all quotes are wrong, below which no further one is added.
MAX_ALL_WRONG_PROBABILITY = 0.1
# Share of the best quote's chance below which further quotes are left out, 0 to 1.
MIN_SHARE_OF_BEST_PROBABILITY = 0.45
# Quotes that are shown as the nearest where none is likely to answer.
MAX_NEAREST_QUOTES = 2
# Words of the shortest sentence that is quoted.
MIN_SENTENCE_WORDS = 3
# Characters; a longer "sentence" is a table or a list that nobody wants quoted.
MAX_SENTENCE_CHARACTERS = 700
# Sentences of one quote; items of a list in one, with the line that introduces them.
MAX_QUOTE_SENTENCES, MAX_QUOTE_ITEMS = 3, 12
# Words of the first quote with its neighbours, and of other quotes.
MAX_FIRST_QUOTE_WORDS, MAX_OTHER_QUOTE_WORDS = 90, 80
# Sentences after the one that names a code.
MAX_CODE_SENTENCES = 4

# --- Runs that can be quoted (`quotable_runs.py`): `trial.quotes_hold`

# Sentences of a definition that its term is read with.
TERM_REACH = 4
# Words and characters of a line that names what the next one explains, at most.
MAX_TERM_WORDS, MAX_TERM_CHARACTERS = 8, 80
# Letters of words that titles need not write large, at most.
SMALL_TITLE_WORD_LETTERS = 3
# Share of the line below it that a line reaches at most where it was not wrapped, 0 to 1.
MAX_UNWRAPPED_SHARE = 0.7
# Characters of a running head, at most.
MAX_RUNNING_HEAD_CHARACTERS = 100
