# SPDX-License-Identifier: EUPL-1.2
"""An application asks; what was allowed; an application opened on a patient."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.access.actor import Actor
from carnet.oauth import kinds
from carnet.oauth.allowances import AllowedRow
from carnet.oauth.allowing import WrongEnd
from carnet.oauth.asking import LogInAgain
from carnet.portal import bridge, desk
from carnet.portal.accounts import proofs
from carnet.portal.accounts.actors import actor
from carnet.portal.acting.words import until as until_words
from carnet.portal.apps import choosing, words
from carnet.portal.apps.acts import AppActs, Records
from carnet.portal.apps.forms import WRONG_END, AllowForm, ShortenForm
from carnet.portal.headers import POLICY
from carnet.portal.record.words import moment

HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]+)?|\[[0-9A-Fa-f:]+\](:[0-9]+)?")
SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*")


def acts() -> AppActs:
    """What these pages call."""
    return desk.parts().apps


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, secret: str) -> HttpResponse:
    """Who asks, for what, until when; both answers leave for the application."""
    who = actor(request)
    answer = request.POST.get("answer") if request.method == "POST" else None
    if answer == "refuse":
        return _sent(bridge.run(acts().refuse(who, secret)))
    if request.method == "POST" and answer not in ("allow", "find", "choose"):
        raise errors.Invalid
    proven = who.authenticated or getattr(request.user, "last_login", None)
    patient = choosing.chosen(request, who)
    try:
        asked = bridge.run(acts().question(who, secret, proven, patient))
    except LogInAgain:
        logout(request)
        return redirect(f"{reverse('account_login')}?{urlencode({'next': request.path})}")
    question = asked.question
    if question.needs_record:
        if answer in ("allow", "choose"):
            raise errors.Invalid
        search = choosing.search(request, who) if answer else choosing.nothing()
        return _asking(request, who, secret, asked, {"choosing": search})
    sent = answer == "allow"
    form = AllowForm(request.POST if sent else None, asked, datetime.now(UTC))
    if sent and form.is_valid():
        amr = proofs.proof(request, str(who.kind)).amr
        chosen = replace(form.answered(), amr=amr)
        if patient:
            chosen = replace(chosen, patient=patient)
        return _sent(bridge.run(acts().allow(who, secret, chosen, proven)))
    return _asking(
        request, who, secret, asked, {"form": form, "card": request.POST.get("card", "")}
    )


def _asking(
    request: HttpRequest, who: Actor, secret: str, asked: Records, more: dict[str, Any]
) -> HttpResponse:
    """The page."""
    question = asked.question
    said = {
        "asked": question,
        "secret": secret,
        **more,
        "own": asked.records[0][1] if len(asked.records) == 1 else "",
        "possible": question.reads or question.writes or question.identity,
        "patient": who.kind == "patient",
        "place": who.org_name,
        "homepage": _web(question.homepage),
        "privacy": _web(question.privacy),
    }
    page = render(request, "apps/ask.html", said)
    _goes_to(page, [question.asked.redirect_uri])
    return page


def _web(address: str) -> str:
    """An address a person may follow, "" when it is not one."""
    return address if address.startswith(("https://", "http://")) else ""


def _sent(address: str) -> HttpResponse:
    """To the application, which is told nothing of where from."""
    return HttpResponse(status=303, headers={"Location": address, "Referrer-Policy": "no-referrer"})


def _goes_to(page: HttpResponse, addresses: Iterable[str]) -> None:
    """A form whose answer leaves for these addresses: browsers ask that its page says so."""
    found = []
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https"):
            if HOST.fullmatch(parts.netloc):
                found.append(f"{parts.scheme}://{parts.netloc}")
        elif SCHEME.fullmatch(parts.scheme):
            found.append(f"{parts.scheme}:")
    said = " ".join(["form-action 'self'", *found])
    page.headers["Content-Security-Policy"] = POLICY.replace("form-action 'self'", said)


@dataclass(frozen=True, slots=True)
class Line:
    """What was allowed, in words."""

    id: str
    row: AllowedRow
    since: str
    until: str
    used: str
    ended: str
    why: str
    kinds: tuple[str, ...]
    other: str  # whose record, "" for one's own
    by: str  # who allowed it, "" for oneself
    form: ShortenForm | None


@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """What one allowed; each is ended by one button."""
    who = actor(request)
    if who.kind not in ("patient", "professional"):
        raise errors.NotFound
    now, wrong, sent = datetime.now(UTC), None, ""
    if request.method == "POST":
        sent, act = request.POST.get("id", ""), request.POST.get("act")
        if act == "end":
            bridge.run(acts().end(who, sent))
            return redirect(f"{reverse('apps')}?fait=fin")
        if act != "shorten":
            raise errors.Invalid
        wrong = ShortenForm(request.POST, now=now, auto_id=f"until-{sent}-%s")
        if wrong.is_valid():
            try:
                bridge.run(acts().shorten(who, sent, wrong.cleaned_data["day"]))
            except WrongEnd:
                wrong.add_error("day", WRONG_END)
            else:
                return redirect(f"{reverse('apps')}?fait=date")
    lines = [_line(one, who, now, wrong, sent) for one in bridge.run(acts().mine(who))]
    said = {
        "living": [one for one in lines if one.row.live],
        "ended": [one for one in lines if not one.row.live],
        "wrong": wrong,
        "done": request.GET.get("fait", ""),
        "patient": who.kind == "patient",
    }
    return render(request, "apps/mine.html", said)


def _line(row: AllowedRow, who: Actor, now: datetime, wrong: ShortenForm | None, sent: str) -> Line:
    id, form = str(row.id), None
    if row.live:
        form = wrong if id == sent and wrong else ShortenForm(now=now, auto_id=f"until-{id}-%s")
    ended = row.ended_at or (row.until if row.until and row.until <= now else None)
    why = words.WHY.get(row.ended_why or "", "")
    held = () if row.kinds is None else kinds.named(row.kinds)
    names = [name for name in kinds.asked(row.scope.split()) if name in held]
    return Line(
        id=id,
        row=row,
        since=moment(row.made_at),
        until=until_words(row.until),
        used=moment(row.used_at) if row.used_at else "",
        ended=moment(ended) if ended else "",
        why=str(why),
        kinds=tuple(str(words.KINDS[name]) for name in names),
        other=(row.person or "") if row.cid is not None and row.cid != who.patient else "",
        by=row.holder if row.sub != who.sub else "",
        form=form,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def launch(request: HttpRequest, patient: str) -> HttpResponse:
    """Applications that open on this patient."""
    who = actor(request)
    if who.kind != "professional":
        raise errors.NotFound
    if request.method == "POST":
        return _sent(bridge.run(acts().launch(who, patient, request.POST.get("client", ""))))
    offered = bridge.run(acts().offered(who, patient))
    person = bridge.run(desk.parts().acts.person(who, patient))
    said = {"offered": offered, "person": person, "patient": patient}
    page = render(request, "apps/launch.html", said)
    _goes_to(page, [one.launch for one in offered])
    return page
