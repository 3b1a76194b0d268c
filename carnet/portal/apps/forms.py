# SPDX-License-Identifier: EUPL-1.2
"""What a person answers to an application: no data is chosen beforehand, and the end is near."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from carnet.oauth import kinds
from carnet.portal.apps import words
from carnet.portal.apps.acts import Answered, Records
from carnet.portal.components.fields import DAYS, one_of

WRONG_END = _("Choisissez un jour à venir, dans un an au plus tard.")
NO_KIND = _("Choisissez au moins une sorte de données, ou refusez.")


def end_of(days: int, now: datetime) -> datetime:
    """The midnight that ends a day so many days from today, for who lives here."""
    day = timezone.localtime(now).date() + timedelta(days=days + 1)
    return timezone.make_aware(datetime.combine(day, time())).astimezone(UTC)


def last_day(label: Any) -> forms.DateField:
    """A day something ends on."""
    return forms.DateField(
        label=label,
        required=False,
        input_formats=DAYS,
        help_text=_("Jour, mois, année, par exemple 27/03/2027. Un an au plus tard."),
        error_messages={"invalid": WRONG_END},
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )


def _days(form: forms.Form, now: datetime) -> int:
    """How many days from today the day typed is; ValidationError when it is past or too far."""
    day = form.cleaned_data.get("day")
    days = -1 if day is None else (day - timezone.localtime(now).date()).days
    if not 0 <= days <= kinds.table()["limits"]["longest"]:
        raise forms.ValidationError(WRONG_END)
    return days


class AllowForm(forms.Form):
    """The answer; the fields are those of what was asked."""

    def __init__(self, given: Any, asked: Records, now: datetime) -> None:
        super().__init__(given)
        self._now, self._question = now, asked.question
        if len(asked.records) > 1:
            self.fields["record"] = one_of(
                _("De quel dossier ?"),
                {one or "own": name for one, name in asked.records},
                _("Choisissez le dossier."),
            )
        question = asked.question
        if question.kinds:
            self.fields["kinds"] = forms.MultipleChoiceField(
                label=_("Quelles données pourra-t-elle lire ?"),
                choices=[(name, words.KINDS[name]) for name in question.kinds],
                required=not question.writes,
                widget=forms.CheckboxSelectMultiple,
                error_messages={"required": NO_KIND},
            )
        if question.writes and question.reads:
            self.fields["direction"] = one_of(
                _("Que pourra-t-elle faire ?"),
                words.DIRECTIONS,
                _("Choisissez ce qu’elle pourra faire."),
            )
        self.fields["until"] = one_of(
            _("Jusqu’à quand ?"), words.DAYS, _("Choisissez jusqu’à quand.")
        )
        self.fields["until"].initial = "month"
        self.fields["day"] = last_day(_("Le jour choisi"))
        if question.offline:
            self.fields["offline"] = forms.BooleanField(
                label=_("Elle pourra aussi lire quand je ne m’en sers pas"), required=False
            )

    def clean(self) -> dict[str, Any]:
        """A day to come; at least something is allowed."""
        said, question = self.cleaned_data, self._question
        days = kinds.table()["days"].get(said.get("until"))
        if said.get("until") == "date" and "day" not in self.errors:
            try:
                days = _days(self, self._now)
            except forms.ValidationError as error:
                self.add_error("day", error)
        if days is not None:
            said["end"] = end_of(days, self._now)
        only = question.writes and not question.reads
        said["writes"] = only or said.get("direction") == "both"
        none = question.kinds and not said.get("kinds") and not said["writes"]
        if none and "kinds" not in self.errors:
            self.add_error("kinds", NO_KIND)
        return said

    def answered(self) -> Answered:
        """What they chose."""
        said = self.cleaned_data
        record = said.get("record", "own")
        return Answered(
            patient="" if record == "own" else record,
            kinds=tuple(said.get("kinds", ())),
            writes=said["writes"],
            until=said["end"],
            offline=bool(said.get("offline")),
        )


class ShortenForm(forms.Form):
    """An earlier end."""

    day = last_day(_("Terminer plus tôt, à la fin du"))

    def __init__(self, given: Any = None, *, now: datetime, **more: Any) -> None:
        super().__init__(given, **more)
        self._now = now

    def clean_day(self) -> datetime:
        """The end of that day."""
        return end_of(_days(self, self._now), self._now)
