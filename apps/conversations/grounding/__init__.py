"""Compare the sentences of an answer with the passages of its sources. Knows no database and no page."""
