"""Compare the sentences of an answer with the passages of its sources. Uses no database and renders no page."""
