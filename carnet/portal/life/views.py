# SPDX-License-Identifier: EUPL-1.2
"""The life of one's record; the notice's code; emergencies and their review; the tray of letters."""

from contextlib import suppress
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from carnet import errors
from carnet.access.actor import Actor
from carnet.notices.settings import Settings
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.life import forms, words
from carnet.portal.life.acts import LifeActs
from carnet.portal.life.rows import row
from carnet.portal.patients.views import card, known, professional
from carnet.portal.record import words as dates

SURE = ("close", "erase", "oppose")  # asked twice


def acts() -> LifeActs:
    """What these pages call."""
    return desk.parts().life


# -- one's record ------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def life(request: HttpRequest) -> HttpResponse:
    """The state of one's record, and what one may do with it."""
    who = actor(request)
    if who.kind != "patient" or who.patient is None:
        raise errors.NotFound
    sent = request.POST.get("act", "")
    form: forms.SureForm | forms.FeedingForm | None = None
    feeding, told = forms.FeedingForm(auto_id="feeding-%s"), None
    if request.method == "POST":
        if sent == "notices":
            told = forms.NoticesForm(request.POST, auto_id="notices-%s")
            if told.is_valid():
                muted = () if told.cleaned_data["updates"] else ("updated",)
                given = Settings(told.cleaned_data["email"], told.cleaned_data["language"], muted)
                bridge.run(acts().choose(who, given))
                return redirect("life")
        else:
            if sent in SURE:
                form = forms.SureForm(request.POST, auto_id=f"{sent}-%s")
            elif sent == "oppose-feeding":
                form = feeding = forms.FeedingForm(request.POST, auto_id="feeding-%s")
            if form is None or form.is_valid():
                motive = request.POST.get("motive", "")
                bridge.run(acts().decide(who, sent, motive))
                return redirect("life")
    if told is None:
        kept = bridge.run(acts().settings(who))
        initial = {"email": kept.email, "language": kept.language,
                   "updates": "updated" not in kept.muted}  # fmt: skip
        told = forms.NoticesForm(initial=initial, auto_id="notices-%s")
    whole = bridge.run(acts().life(who))
    said: dict[str, Any] = {
        "whole": whole,
        "state": words.STATES[whole.life.state],
        "opens": dates.day(whole.opens.date()) if whole.opens else "",
        "archived": dates.day(whole.life.archived_until.date())
        if whole.life.archived_until
        else "",
        "erased": dates.day(whole.life.erase_due.date()) if whole.life.erase_due else "",
        "events": [
            (dates.moment(each.at), words.ACTS.get(each.act, each.act), words.HOW[each.how])
            for each in whole.events
        ],
        "wrong": form if form is not None and form.errors else told,
        "sent": sent,
        "feeding": feeding,
        "notices": told,
    }
    for name in SURE:
        said[f"{name}_sure"] = form if sent == name else forms.SureForm(auto_id=f"{name}-%s")
    return render(request, "life/life.html", said)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def oppose(request: HttpRequest) -> HttpResponse:
    """Object with the code of the notice: nobody is logged in."""
    form = forms.CodeForm(request.POST if request.method == "POST" else None)
    done = False
    if form.is_bound and form.is_valid():
        try:
            bridge.run(acts().oppose(form.cleaned_data["code"], form.cleaned_data["born"]))
            done = True
        except errors.NotFound:
            form.add_error(
                "code",
                gettext(
                    "Ce code et cette date ne vont pas ensemble, ou le code a déjà servi. "
                    "Vous pouvez aussi vous opposer par courrier ou sur place."
                ),
            )
    return render(request, "life/oppose.html", {"form": form, "done": done})


# -- emergencies -------------------------------------------------------------------------------------


@require_POST
def emergency(request: HttpRequest) -> HttpResponse:
    """Say why; the record opens on success. A refusal reads like a person nobody knows."""
    who = professional(request)
    found = known(request)
    modes = bridge.run(acts().modes(who))
    form = forms.EmergencyForm(request.POST if "sent" in request.POST else None, modes=modes)
    if form.is_bound and form.is_valid():
        mode, _, reason = form.cleaned_data["reason"].partition("/")
        patient = bridge.run(acts().emergency(who, found.handle, mode, reason))
        return redirect("patient:documents", patient)
    return render(request, "life/emergency.html", {"card": card(found), "form": form})


@require_POST
def ended(request: HttpRequest, patient: str) -> HttpResponse:
    """End one's emergency opening; one that is over already is ended."""
    who = professional(request)
    with suppress(errors.NotFound):
        bridge.run(acts().end(who, patient))
    return redirect("find")


@require_http_methods(["GET", "HEAD", "POST"])
def reviews(request: HttpRequest) -> HttpResponse:
    """Emergency openings to be looked at, by the treating doctor or the officer."""
    who = actor(request)
    if request.method == "POST":
        form = forms.ReviewForm(request.POST)
        if not form.is_valid():
            raise errors.Invalid
        given = form.cleaned_data
        bridge.run(acts().review(who, given["number"], given["verdict"], given["comment"]))
        return redirect("reviews")
    rows = [row(each) for each in bridge.run(acts().queue(who))]
    late = sum(each.line.overdue for each in rows)
    return render(
        request, "life/reviews.html", {"rows": rows, "late": late, "comments": words.COMMENTS}
    )


# -- the tray ----------------------------------------------------------------------------------------


def postal(request: HttpRequest) -> Actor | None:
    """The operator who posts letters; a demonstration shows its tray to everybody: None."""
    if request.user.is_authenticated and (who := actor(request)).kind == "operator":
        return who
    if not desk.config().demo:
        raise errors.NotFound
    return None


@login_not_required
@require_safe
def tray(request: HttpRequest) -> HttpResponse:
    """What leaves; to the operator, the letters alone."""
    posts = postal(request) is not None
    letters = [
        (each, dates.moment(each.at), dates.moment(each.sent) if each.sent else "")
        for each in bridge.run(acts().tray())
        if each.channel == "letter" or not posts
    ]
    return render(request, "life/tray.html", {"letters": letters, "posts": posts})


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def letter(request: HttpRequest, number: int) -> HttpResponse:
    """One letter, to read or print; posting it is said here."""
    by = postal(request)
    one = bridge.run(acts().letter(number, by))
    if by is not None and one.channel != "letter":
        raise errors.NotFound
    if request.method == "POST":
        bridge.run(acts().posted(number, by))
        return redirect("tray")
    return render(request, "life/letter.html", {"letter": one, "posts": by is not None})


@login_not_required
@require_safe
def pdf(request: HttpRequest, number: int) -> HttpResponse:
    """The same as PDF."""
    by = postal(request)
    return HttpResponse(bridge.run(acts().pdf(number, by)), content_type="application/pdf")
