"""Show an error that refuses an action as a message of the page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest


class show_refusals:
    """Context manager that shows the text of any of `errors` raised in its block as an error message of the next page.

    Execution continues after the block, where a view returns its answer to a refused action.
    """

    def __init__(self, request: HttpRequest, *errors: type[Exception]):
        self._request, self._errors = request, errors

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, self._errors):
            return False
        messages.error(self._request, str(error))
        return True
