# SPDX-License-Identifier: EUPL-1.2
"""What a professional writes themselves in a document: its free fields, and the days of a stay."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from carnet.composing.kinds.stay import NO, UNKNOWN, YES, Question, questions
from carnet.portal.components.fields import day_field, one_of, text_field

LONGEST = 4000
WORDS: dict[str, tuple[Any, Any]] = {
    "problem": (_("Commentaire sur les problèmes"), ""),
    "lifestyle": (_("Mode de vie et facteurs de risque"), ""),
    "results": (_("Points de vigilance et résultats utiles"), ""),
    "treatment": (_("Commentaire sur les traitements"), ""),
    "reason": (_("Motif de l’hospitalisation"), ""),
    "story": (
        _("Synthèse médicale du séjour"),
        _("Ce qui a été trouvé et fait, l’état à la sortie."),
    ),
    "events": (
        _("Évènements indésirables pendant l’hospitalisation"),
        _("Laissé vide, le document n’en dira rien."),
    ),
    "germs": (_("Microorganismes multirésistants ou émergents identifiés"), ""),
    "accidents": (_("Accidents transfusionnels"), ""),
    "reactions": (_("Évènements indésirables après des dérivés du sang"), ""),
    "expected": (_("Résultats et informations attendus"), ""),
    "follow": (_("Suites à donner"), _("Rendez-vous, examens, surveillance, consignes.")),
}
NEEDED = frozenset({"reason", "story"})  # a letter without them says nothing


ANSWERS: dict[str, Any] = {
    "entry": _("Comment le patient est entré"),
    "exit": _("Où va le patient"),
    "searched": _("Recherche de microorganismes multirésistants ou émergents"),
    "transfused": _("Transfusion de produits sanguins"),
    "derived": _("Administration de dérivés du sang"),
}
SAID: dict[str, Any] = {
    "183452005": _("Hospitalisation en urgence"),
    "8715000": _("Hospitalisation programmée"),
    "107724000": _("Transfert"),
    "GEN-092.06.07": _("Autre modalité d’entrée"),
    "160849004": _("Retour au domicile"),
    "109": _("Soins de suite et de réadaptation (SSR)"),
    "127": _("Hospitalisation à domicile (HAD)"),
    "500": _("Établissement d’hébergement pour personnes âgées dépendantes (EHPAD)"),
    "GEN-092.06.01": _("Autre établissement de santé"),
    "GEN-092.06.03": _("Autre destination"),
}
DENIED = _("Vous n’avez pas répondu oui à la question\u00a0: effacez ce texte, ou répondez oui.")
# What an answer asks to be told, and only it.
DETAILS = {each.detail.name: each.name for each in questions() if each.detail}


def number_field(label: Any, hint: Any) -> forms.CharField:
    """The national number of professionals, which the directory has to know."""
    return text_field(label, help_text=hint, required=False)


def answer_field(question: Question) -> forms.ChoiceField:
    """One question of a letter: nothing is answered in the place of who signs."""
    said = (
        {YES: _("Oui"), NO: _("Non"), UNKNOWN: _("Non renseigné")}
        if question.closed
        else {each.code: SAID[each.code] for each in question.answers}
    )
    return one_of(ANSWERS[question.name], said, _("Répondez à cette question."))


class WriteForm(forms.Form):
    """Made of the fields a kind of document has."""

    def __init__(
        self,
        names: Sequence[str],
        answers: Sequence[str],
        stay: bool,
        data: Any = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        if stay:
            self.fields["start"] = day_field(_("Entrée"), _("Saisissez le jour de l’entrée."))
            self.fields["end"] = day_field(_("Sortie"), _("Saisissez le jour de la sortie."))
            self.fields["attending"] = number_field(
                _("Médecin traitant"), _("Son numéro RPPS, de onze chiffres.")
            )
            self.fields["others"] = number_field(
                _("Autres destinataires"), _("Leurs numéros RPPS, séparés par des virgules.")
            )
        for question in questions():
            if question.name in answers:
                self.fields[question.name] = answer_field(question)
        self.fields["replaces"] = forms.BooleanField(required=False)
        for name in names:
            label, hint = WORDS[name]
            self.fields[name] = forms.CharField(
                label=label,
                help_text=hint,
                required=name in NEEDED,
                max_length=LONGEST,
                error_messages={
                    "required": _("Remplissez ce champ."),
                    "max_length": _("Ce texte est trop long : 4 000 caractères au plus."),
                },
                widget=forms.Textarea(attrs={"rows": 3}),
            )

    def clean(self) -> dict[str, Any]:
        """What is told of an answer that is not yes would be lost: it is asked."""
        given: dict[str, Any] = super().clean() or {}
        for detail, name in DETAILS.items():
            if given.get(detail) and given.get(name) in (NO, UNKNOWN):
                self.add_error(detail, DENIED)
        return given
