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


class Linked(models.Model):
    """Somebody of another provider, whose log-in there opens an account here."""

    id = models.BigAutoField(primary_key=True)
    provider = models.CharField(max_length=40)  # section of the operator's file
    sub = models.CharField(max_length=255)  # as that provider calls them
    at = models.DateTimeField(auto_now_add=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="linked")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "sub"], name="linked_once"),
            models.UniqueConstraint(fields=["provider", "account"], name="linked_to_one"),
        ]


class UpstreamSession(models.Model):
    """A session another provider opened; without its line the session is over."""

    id = models.UUIDField(primary_key=True)
    provider = models.CharField(max_length=40)
    sub = models.CharField(max_length=255)
    sid = models.CharField(max_length=255)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["provider", "sub"], name="upstream_session_of")]
