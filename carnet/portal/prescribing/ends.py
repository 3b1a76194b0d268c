# SPDX-License-Identifier: EUPL-1.2
"""What a prescriber says of lines that end: which ones, whether they had begun, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from carnet.composing.prescription import Group, Reason, Written, WrongReason, rules
from carnet.portal.components.fields import one_of, text_field

OTHER = "other"  # the reason that words say
# The reasons of rules.toml, for the translation.
REASONS = (
    gettext_noop("intolérance supposée"),
    gettext_noop("allergie"),
    gettext_noop("interaction avec un autre médicament"),
    gettext_noop("traitement en double"),
    gettext_noop("grossesse ou allaitement"),
    gettext_noop("intervention chirurgicale prévue"),
    gettext_noop("hospitalisation"),
    gettext_noop("autre raison"),
)


def _reasons() -> list[tuple[str, Any]]:
    said = ((code or OTHER, _(text)) for code, text in rules()["reasons"].items())
    return [("", gettext_lazy("Choisissez")), *said]


class EndForm(forms.Form):
    """Why; `reason` once it is valid."""

    begun = one_of(
        gettext_lazy("Le traitement a-t-il commencé ?"),
        {
            "yes": gettext_lazy("Oui : il est arrêté"),
            "no": gettext_lazy("Non : il est annulé avant d’avoir commencé"),
        },
        gettext_lazy("Dites si le traitement a commencé."),
    )
    why = forms.ChoiceField(
        label=gettext_lazy("Raison"),
        choices=_reasons,
        error_messages={"required": gettext_lazy("Choisissez la raison.")},
    )
    said = text_field(gettext_lazy("Précisions sur la raison"), required=False)

    def clean(self) -> dict[str, Any]:
        """The reason, as a value that cannot be wrong."""
        given = self.cleaned_data
        if self.errors:
            return given
        code = "" if given["why"] == OTHER else given["why"]
        try:
            self.reason = Reason(code, given["begun"] == "yes", " ".join(given["said"].split()))
        except WrongReason:
            self.add_error("said", _("Écrivez la raison, sur une ligne."))
        return given


class StopForm(EndForm):
    """Which lines of a prescription end; `chosen` once it is valid."""

    field_order = ("lines",)

    def __init__(self, *args: Any, group: Group, **more: Any) -> None:
        super().__init__(*args, **more)
        self.group = group
        self.chosen: list[str] = []
        for rank, each in enumerate(group.going):
            self.fields[f"line_{rank}"] = forms.BooleanField(label=each.medicine, required=False)

    def lines(self) -> Iterator[tuple[forms.BoundField, Written]]:
        """The box of each line that goes on."""
        for rank, each in enumerate(self.group.going):
            yield self[f"line_{rank}"], each

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        self.chosen = [
            each.id for rank, each in enumerate(self.group.going) if given.get(f"line_{rank}")
        ]
        if not self.chosen:
            raise forms.ValidationError(_("Choisissez au moins une ligne."))
        return given
