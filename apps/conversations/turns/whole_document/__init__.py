"""Requests that concern a whole document: a summary, an outline, a list of all of something, a comparison."""
