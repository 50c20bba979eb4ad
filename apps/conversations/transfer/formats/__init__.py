"""Parsers of chat exports of other programs. They run in the child process that parses documents, without Django."""
