"""Fields by which a search can be narrowed, for the menu of the composer and the Test tab."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.documents.retrieval import facets
from apps.documents.retrieval.filters import SearchFilters, parse_stored_filters
from apps.users.permissions import get_signed_in_user


@login_required
@require_safe
@never_cache
def show_filters(request: HttpRequest) -> HttpResponse:
    """Render the filter fields for the collections `in`, none: all, as far as the user may read them."""
    context = make_filter_context(request, [pk for value in request.GET.getlist("in") if (pk := _identifier(value))])
    return render(request, "documents/_filters.html", context)


def make_filter_context(request: HttpRequest, collections: list[UUID]) -> dict[str, Any]:
    """Return the context of `_filters.html`.

    `choices` are the facets, chosen as the URL says. `chips` has one entry per chosen condition: its `words`, and the
    `query` of the same page without it.
    """
    chosen = parse_query_filters(request.GET)
    parts = chosen.parts()
    question = {"q": request.GET["q"]} if "q" in request.GET else {}
    chips = [
        {"words": part.words, "query": urlencode([*question.items(), *((p.name, p.value) for p in parts if p != part)])}
        for part in parts
    ]
    return {"choices": facets.list_facets(get_signed_in_user(request), collections, chosen), "chips": chips}


def parse_query_filters(query: QueryDict) -> SearchFilters:
    """Return the filters of a query string; NO_FILTERS if they are malformed."""
    lists = {name: query.getlist(name) for name in ("kinds", "languages")}
    return parse_stored_filters(lists | {name: query.get(name, "") for name in ("path", "since", "until")})


def _identifier(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None
