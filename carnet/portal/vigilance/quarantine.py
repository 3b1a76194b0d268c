# SPDX-License-Identifier: EUPL-1.2
"""What an officer decides of an identity in quarantine that is in nobody's record."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor


@require_POST
def apart(request: HttpRequest, one: str) -> HttpResponse:
    """Search whose it is, or let it stand by itself once a document was seen."""
    what, proof = request.POST.get("what", ""), request.POST.get("proof", "")
    bridge.run(desk.parts().identity.apart(actor(request), one, what, proof))
    return redirect("vigilance")
