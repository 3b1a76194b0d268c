# SPDX-License-Identifier: EUPL-1.2
"""Tags of our templates."""

from datetime import date, datetime

from django import template

from carnet.portal.record import words
from carnet.portal.record.places import Place

register = template.Library()


@register.simple_tag
def page_url(place: Place, page: str, *args: str) -> str:
    """The address of a page of the record shown."""
    return place.url(page, *args)


@register.filter
def day(at: datetime | date) -> str:
    """12 mars 2026."""
    return words.day(at)
