# SPDX-License-Identifier: EUPL-1.2
"""An account: a log-in on one side, a subject of the record on the other."""

from django.conf import settings
from django.db import models


class Account(models.Model):
    """Says which subject (`access.subject.sub`) a log-in is. Names and rights are read there."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="account"
    )
    subject = models.CharField(max_length=200, unique=True)
    # Nobody's, in a demonstration: a password alone opens it there, and nowhere else.
    demonstration = models.BooleanField(default=False)
    # Activated by a code that was given to the person, and without a second factor yet: who stole a
    # password alone sets none.
    enrols = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.subject
