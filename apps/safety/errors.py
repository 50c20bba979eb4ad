"""Errors that any room of safety may raise."""

from __future__ import annotations


class ActionRefused(Exception):
    """That cannot be done now; the message is a sentence for the person who tried."""
