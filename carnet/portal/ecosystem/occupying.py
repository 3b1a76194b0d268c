# SPDX-License-Identifier: EUPL-1.2
"""How much of a day the rooms and devices of one's organisation are taken."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from carnet.ecosystem import occupancy as days
from carnet.ecosystem.indicators import HERE
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor


@require_safe
def occupancy(request: HttpRequest) -> HttpResponse:
    """One day; today when none is asked for."""
    acts = desk.parts().ecosystem
    today = acts.now().astimezone(HERE).date()
    day = days.read(request.GET.get("jour", ""), today)
    page = {
        "day": day,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "found": bridge.run(acts.occupancy(actor(request), day)),
    }
    return render(request, "ecosystem/occupancy.html", page)
