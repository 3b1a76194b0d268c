# SPDX-License-Identifier: EUPL-1.2
"""What a professional writes themselves in a document: its free fields, and the days of a stay."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from carnet.portal.components.fields import day_field

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
    "events": (_("Évènements indésirables"), _("Laissé vide, le document dira : aucun.")),
    "expected": (_("Résultats et informations attendus"), ""),
    "follow": (_("Suites à donner"), _("Rendez-vous, examens, surveillance, consignes.")),
}
NEEDED = frozenset({"reason", "story"})  # a letter without them says nothing


class WriteForm(forms.Form):
    """Made of the fields a kind of document has."""

    def __init__(
        self,
        names: Sequence[str],
        stay: bool,
        data: Any = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        if stay:
            self.fields["start"] = day_field(_("Entrée"), _("Saisissez le jour de l’entrée."))
            self.fields["end"] = day_field(_("Sortie"), _("Saisissez le jour de la sortie."))
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
