"""Errors that any module of safety may raise."""

from __future__ import annotations


class ActionRefused(Exception):
    """Action that is not permitted or not possible now; the message is a sentence for the user."""
