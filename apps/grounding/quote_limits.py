"""Limits and weights of quotes: unit, meaning and, where measured, the figure.

Modules of this package import them as `limits`. Figures are of `./run bench trust --parts search` (`answerable_quoted`,
`irrelevant_quotes`, `found_by_word`) and of the trial's quotes (`--parts trial --no-model`);
`docs/develop/changing-a-constant.md` says which must hold after a change. Values without a figure were set by reason.
"""

from __future__ import annotations

# --- Order of the candidates (`quote_selection.py`): `trial.quotes_hold`

# Weight of each feature of a candidate sentence. Set by reason, then compared on ClapNQ and COVID-QA: each weight
# between half and double of these does as well there, a regression on either set does worse on the other.
WEIGHTS = {
    "words": 3.0, "rare": 0.5, "pairs": 1.5, "near": 0.6, "akin": 1.5, "meaning": 2.5, "passage": 1.0, "first": 0.3,
    "kind": 0.6, "short": -0.5, "long": -0.3, "question": -0.5, "goes on": 1.5, "other": -4.0,
    "foreign": -1.2,
}  # fmt: skip
# Weight of a question's word that the index does not know, in units of inverse document frequency.
UNKNOWN_WORD_WEIGHT = 1.0
# Letters that two forms of a word share, and the weight of such a form in the name of a column.
FORM_LETTERS, OTHER_FORM_WEIGHT = 5, 0.5
# Letters that stems of one family share: founder and founded, Normandy and Norman.
FAMILY_LETTERS = 5
# Candidate sentences that are embedded, the best by words: as good as all of them; each costs 6 ms of one core.
MAX_EMBEDDED_CANDIDATES = 8

# --- Whether anything is quoted: `answerable_quoted`, `irrelevant_quotes`, `found_by_word`

# Bias, weight of the score, weight of the passage's relevance (0 to 1) of the log-odds that a quote holds the answer.
# Fitted to 294 questions of ClapNQ and 250 of COVID-QA, and to questions of each, and of PubMedQA, asked of another's
# texts.
RIGHT_LOG_ODDS = (-4.37, 0.255, 3.11)
# Bias, weight of the best sentence's cosine, weight of the log-odds of the best passage's relevance, of the log-odds
# that the passages answer the question. On ClapNQ's questions an area of .88 under ROC; .86 by the relevance alone.
ANSWERED_LOG_ODDS = (-3.92, 6.26, 0.494)
# Probability from which the passages count as answering. Keeps 93 % of the answerable questions of ClapNQ and 41 % of
# the others (86 % before).
MIN_ANSWERED_PROBABILITY = 0.35
# Share of the question's weight in one sentence from which it is quoted whatever the vectors say, 0 to 1.
QUOTED_BY_WORDS_SHARE = 0.55
# The same of a question of up to SHORT_QUESTION_WORDS content words, of which vectors tell little.
QUOTED_BY_WORDS_SHARE_SHORT, SHORT_QUESTION_WORDS = 0.4, 2
# The same of a question in another language than English, of which the packaged embedder knows none.
QUOTED_BY_WORDS_SHARE_FOREIGN = 0.32

# --- How many and how long

# Quotes of a turn, where none is likely right. 3 held 4 answers of 81 and 9 of 150 (COVID-QA) less.
MAX_QUOTES = 5
# Probability that all quotes are wrong, below which no further one is added.
MAX_ALL_WRONG_PROBABILITY = 0.1
# Share of the best quote's score below which further quotes are left out, 0 to 1.
MIN_SHARE_OF_BEST_SCORE = 0.45
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
