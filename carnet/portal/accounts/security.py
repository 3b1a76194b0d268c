# SPDX-License-Identifier: EUPL-1.2
"""Pages of second factors: those one has, adding and removing one, a printed sheet, proving it is you."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.views import LoginView
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.flows import begin_registration
from allauth.mfa.webauthn.views import AddWebAuthnView, LoginWebAuthnView, RemoveWebAuthnView
from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.access import factors, stepup
from carnet.portal import bridge, desk
from carnet.portal.accounts import others, proofs
from carnet.portal.accounts.actors import actor
from carnet.portal.accounts.models import Account
from carnet.portal.accounts.refusing import NeedsFactor, NeedsSituation
from carnet.portal.accounts.stages import FactorStage
from carnet.portal.headers import POLICY

CODE_SECONDS = 180  # longer than any code of an application is right
FEW = 3  # codes left on a sheet when a page says so
# Of a passkey, which is a script's; each of these pages has another way.
# Of a passkey; each of these pages has another way in.
SCRIPT = f"{POLICY}; script-src 'self'; connect-src 'self'"


class NoFactorYet(errors.Forbidden):
    """A first second factor is set with a code of the counter."""


@dataclass(frozen=True, slots=True)
class Held:
    """The second factors of an account, and those it may have."""

    totp: bool
    passkeys: tuple[Authenticator, ...]
    left: int | None  # codes of the sheet that were not used; None without a sheet
    may: tuple[str, ...]
    enough: bool
    adds: bool  # whether one may be added now
    nobodys: bool  # an account of the demonstration: its password is enough

    @property
    def few(self) -> bool:
        """Whether the sheet is nearly used up."""
        return self.left is not None and self.left <= FEW


def kind(request: HttpRequest) -> str:
    """What kind of account it is, before it has any right."""
    return str(bridge.run(desk.parts().actor(_account(request).subject)).kind)


def _account(request: HttpRequest) -> Account:
    found = Account.objects.filter(user_id=request.user.pk).first()
    if found is None:
        raise errors.Forbidden("This account is nobody in the record.")
    return found


def held(request: HttpRequest) -> Held:
    """Those of who is logged in."""
    of, every = kind(request), list(Authenticator.objects.filter(user_id=request.user.pk))
    sheet = next((one for one in every if one.type == Authenticator.Type.RECOVERY_CODES), None)
    return Held(
        totp=any(one.type == Authenticator.Type.TOTP for one in every),
        passkeys=tuple(one for one in every if one.type == Authenticator.Type.WEBAUTHN),
        left=None if sheet is None else len(sheet.wrap().get_unused_codes()),
        may=tuple(name for name in ("passkey", "totp", "paper") if factors.open_to(name, of)),
        enough=factors.enough(proofs.proof(request, of).acr, of),
        adds=adds(request),
        nobodys=desk.config().demo and _account(request).demonstration,
    )


def adds(request: HttpRequest) -> bool:
    """Whether a factor may be added: to those one has, or the first of who was given a code for it."""
    account = Account.objects.filter(user_id=request.user.pk).first()
    if account is None:
        return False
    nobodys = account.demonstration and desk.config().demo
    return account.enrols or nobodys or is_mfa_enabled(request.user)


def adding(request: HttpRequest) -> None:
    """Refuse a factor to who has a password alone; a counter gives a code."""
    if not adds(request):
        raise NoFactorYet


@require_http_methods(["GET", "HEAD"])
def index(request: HttpRequest) -> HttpResponse:
    """Ma sécurité: which second factors one has, and what is missing."""
    with suppress(NeedsFactor, NeedsSituation):  # the frame says who is logged in, once they are
        actor(request)
    linked = {each.key for each in others.linked(request.user)}
    context = {"held": held(request), "providers": others.shown(kind(request), linked)}
    return others.allowed(render(request, "account/security.html", context))


def _scripted(response: Any) -> HttpResponse:
    """A page where a passkey may be used: the connection it needs is to this site."""
    response.headers["Content-Security-Policy"] = SCRIPT
    return response


@method_decorator(
    login_stage_required(stage=FactorStage.key, redirect_urlname="account_login"), name="dispatch"
)
class Second(AuthenticateView):
    """The second step of a log-in: a code of the application or of the sheet, or a passkey."""

    template_name = "account/second.html"

    def dispatch(self, request: HttpRequest, *given: Any, **more: Any) -> HttpResponse:
        """allauth's own sends away who has a sheet alone."""
        self.stage = getattr(request, "_login_stage")  # noqa: B009 - allauth hangs it there
        if request.method == "POST":
            once(request, self.stage.login.user)
        self.form = self._build_forms()
        for field in self.auth_form.fields.values():
            _ours(field)
        return _scripted(super(AuthenticateView, self).dispatch(request, *given, **more))

    def post(self, request: HttpRequest, *given: Any, **more: Any) -> HttpResponse:
        """Codes are not guessed: the tries of a subject are counted, wherever they come from."""
        tried(self.stage.login.user)
        answer: HttpResponse = super().post(request, *given, **more)
        return answer

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**more)
        user = self.stage.login.user
        found["passkey"] = is_mfa_enabled(user, [Authenticator.Type.WEBAUTHN])
        found["options"] = json.dumps(found["js_data"]["request_options"])
        return found


def tried(user: object) -> None:
    """One try of a code; TooMany."""
    account = Account.objects.filter(user=user).first()
    if account is not None:
        bridge.run(desk.parts().tries.factor(account.subject))


def once(request: HttpRequest, user: Any) -> None:
    """A code that was sent is of no use a second time: allauth forgets it before the clocks do."""
    code = "".join(request.POST.get("code", "").split())
    if not code:
        return
    key = sha256(f"{user.pk} {code}".encode()).hexdigest()
    if not cache.add(f"carnet.code.{key}", 1, timeout=CODE_SECONDS):
        sent = request.POST.copy()
        sent["code"] = "-"  # which is nobody's
        request.POST = sent  # type: ignore[assignment]


def _ours(field: forms.Field) -> None:
    field.label = _("Code")
    field.error_messages["required"] = _("Saisissez le code.")
    field.widget.attrs = {
        "autocomplete": "one-time-code",
        "inputmode": "numeric",
        "autofocus": True,
    }


class AddApplication(ActivateTOTPView):
    """An application that gives codes, its key scanned or typed."""

    template_name = "account/totp.html"

    def dispatch(self, request: HttpRequest, *given: Any, **more: Any) -> HttpResponse:
        adding(request)
        answer: HttpResponse = super().dispatch(request, *given, **more)
        return answer

    def get_form(self, *given: Any, **more: Any) -> forms.Form:
        form: forms.Form = super().get_form(*given, **more)
        _ours(form.fields["code"])
        del form.fields["code"].widget.attrs["autofocus"]  # what to do is read first
        return form

    def form_valid(self, form: forms.Form) -> HttpResponse:
        """The code they typed is the proof."""
        answer: HttpResponse = super().form_valid(form)
        once(self.request, self.request.user)
        _used(self.request, Authenticator.Type.TOTP)
        _no_sheet(self)
        return answer

    def get_success_url(self) -> str:
        return reverse("mfa_index")


class RemoveApplication(DeactivateTOTPView):
    """No more codes of an application."""

    template_name = "account/remove_factor.html"


class AddPasskey(AddWebAuthnView):
    """A passkey: of the device, or a key one holds."""

    template_name = "account/passkey.html"

    def dispatch(self, request: HttpRequest, *given: Any, **more: Any) -> HttpResponse:
        adding(request)
        return _scripted(super().dispatch(request, *given, **more))

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """A passkey that is enough by itself: who holds it proves they are there."""
        found: dict[str, Any] = super().get_context_data(**more)
        options = begin_registration(self.request, self.request.user, True, signup=False)
        found["options"] = json.dumps(options)
        return found

    def form_valid(self, form: forms.Form) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        _used(self.request, Authenticator.Type.WEBAUTHN)
        _no_sheet(self)
        return answer

    def get_success_url(self) -> str:
        return reverse("mfa_index")


class RemovePasskey(RemoveWebAuthnView):
    """A passkey is lost, or of no use any more."""

    template_name = "account/remove_factor.html"

    def form_valid(self, form: forms.Form) -> HttpResponse:
        found = self.get_object()
        last = Authenticator.objects.filter(user_id=found.user_id).exclude(pk=found.pk)
        if not last.exists():
            return redirect(reverse("mfa_index") + "?seul=1")
        answer: HttpResponse = super().form_valid(form)
        return answer

    def get_success_url(self) -> str:
        return reverse("mfa_index")


class LogIn(LoginView):
    """The page of log-in."""

    def dispatch(self, request: HttpRequest, *given: Any, **more: Any) -> HttpResponse:
        return others.allowed(_scripted(super().dispatch(request, *given, **more)))

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**more)
        return {**found, "providers": others.shown()}


class ByPasskey(LoginWebAuthnView):
    """A log-in by a passkey alone."""


def _used(request: HttpRequest, type_: Authenticator.Type) -> None:
    Account.objects.filter(user_id=request.user.pk).update(enrols=False)
    found = (
        Authenticator.objects.filter(user_id=request.user.pk, type=type_).order_by("-pk").first()
    )
    if found is not None:
        found.user = request.user
        post_authentication(request, found, reauthenticated=True)


def _no_sheet(view: Any) -> None:
    """allauth makes codes nobody asked for: whoever wants a sheet asks for it."""
    if view.did_generate_recovery_codes:
        every = Authenticator.objects.filter(user_id=view.request.user.pk)
        every.filter(type=Authenticator.Type.RECOVERY_CODES).delete()


class SheetForm(forms.Form):
    """One code of the sheet, copied: it was printed."""

    code = forms.CharField(max_length=20)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        _ours(self.fields["code"])


@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest) -> HttpResponse:
    """A printed sheet of ten codes, each used once; a new one ends the one before."""
    if not factors.open_to("paper", kind(request)):
        raise errors.NotFound
    adding(request)
    if not proofs.lately(request, stepup.longest()):
        raise stepup.StepUp
    if request.method != "POST":
        return render(request, "account/sheet.html", {"held": held(request), "form": SheetForm()})
    if "code" in request.POST:
        return _copied(request)
    Authenticator.objects.filter(
        user_id=request.user.pk, type=Authenticator.Type.RECOVERY_CODES
    ).delete()
    made = RecoveryCodes.activate(request.user)
    context = {"codes": _spaced(made), "form": SheetForm(), "held": held(request)}
    return render(request, "account/sheet.html", context)


def _copied(request: HttpRequest) -> HttpResponse:
    form = SheetForm(request.POST)
    found = Authenticator.objects.filter(
        user_id=request.user.pk, type=Authenticator.Type.RECOVERY_CODES
    ).first()
    tried(request.user)
    if form.is_valid() and found is not None:
        check = ReauthenticateForm(user=request.user, data=request.POST)
        if check.is_valid():
            check.save()
            Account.objects.filter(user_id=request.user.pk).update(enrols=False)
            return redirect(reverse("mfa_index") + "?fait=1")
        form.add_error("code", _("Ce code n’est pas sur la feuille, ou il a déjà servi."))
    context = {"form": form, "held": held(request), "codes": ()}
    return render(request, "account/sheet.html", context, status=200)


def _spaced(made: RecoveryCodes) -> list[str]:
    return [f"{code[:4]} {code[4:]}" for code in made.generate_codes()]


class PasswordForm(forms.Form):
    """The password again."""

    password = forms.CharField(
        label=_("Mot de passe"),
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Saisissez votre mot de passe.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Prove again who one is, then go on: with the second factor, else with the password."""
    strong = is_mfa_enabled(request.user)
    make: Callable[..., forms.Form] = _code_form(request) if strong else PasswordForm
    form = make(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if strong:
            tried(request.user)
            once(request, request.user)
            form = make(request.POST)
        if strong and request.POST.get("credential"):
            passkey = ReauthenticateWebAuthnForm(user=request.user, data=request.POST)
            if passkey.is_valid():
                passkey.save()
                return _onwards(request)
            form.add_error(None, _("Cette clé n’a pas été reconnue."))
        elif form.is_valid() and (strong or _right_password(request, form)):
            if strong:
                cast(ReauthenticateForm, form).save()
            return _onwards(request)
    context: dict[str, Any] = {
        "form": form, "strong": strong, "next": next_of(request),
        "password": request.user.is_authenticated and request.user.has_usable_password(),
        "providers": others.linked(request.user),
    }  # fmt: skip
    if strong and is_mfa_enabled(request.user, [Authenticator.Type.WEBAUTHN]):
        from allauth.mfa.webauthn.internal.auth import begin_authentication

        context["options"] = json.dumps(begin_authentication(request.user))
        return others.allowed(_scripted(render(request, "account/confirm.html", context)))
    return others.allowed(render(request, "account/confirm.html", context))


def _code_form(request: HttpRequest) -> Callable[..., forms.Form]:
    def make(data: Any) -> forms.Form:
        form: forms.Form = ReauthenticateForm(data, user=request.user)
        _ours(form.fields["code"])
        return form

    return make


def _right_password(request: HttpRequest, form: forms.Form) -> bool:
    from carnet.portal.accounts import devices

    name = request.user.get_username()
    try:
        bridge.run(desk.parts().tries.password(name, *devices.place(request, name)))
    except errors.TooMany:
        form.add_error("password", _("Trop d’essais. Attendez quelques minutes, puis réessayez."))
        return False
    if not request.user.check_password(form.cleaned_data["password"]):
        form.add_error("password", _("Ce n’est pas votre mot de passe."))
        return False
    bridge.run(desk.parts().tries.right(name, *devices.place(request, name)))
    reauthenticate_by_password(request)
    return True


def next_of(request: HttpRequest) -> str:
    """Where one was; an address of another site is none."""
    asked = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, request.is_secure())
    return asked if safe and asked.startswith("/") else "/"


def _onwards(request: HttpRequest) -> HttpResponse:
    request.session.cycle_key()
    return redirect(next_of(request))


second = Second.as_view()
log_in = login_not_required(LogIn.as_view())
by_passkey = login_not_required(ByPasskey.as_view())
