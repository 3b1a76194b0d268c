# SPDX-License-Identifier: EUPL-1.2
"""For who writes software: what each error means and what to do. It is for anybody."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from carnet.oauth import catalogue
from carnet.oauth.catalogue import Entry


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry in one language."""

    entry: Entry
    means: str
    remedy: str


def shown(entries: tuple[Entry, ...]) -> list[Shown]:
    """In the language of the page."""
    n = 0 if (get_language() or "fr")[:2] == "fr" else 1
    return [Shown(each, each.means[n], each.remedy[n]) for each in entries]


@login_not_required
@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """The catalogue."""
    page = {"families": shown(catalogue.families()), "protocol": shown(catalogue.protocol())}
    return render(request, "clients/errors.html", page)
