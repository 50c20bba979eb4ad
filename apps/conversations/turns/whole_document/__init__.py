"""Requests that concern a whole document: a summary, an outline, a list of all of something, a comparison."""

WHOLE_DOCUMENT_STEP = "read"  # the name of the step that says which document was read, and how far
