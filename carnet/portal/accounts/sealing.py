# SPDX-License-Identifier: EUPL-1.2
"""What allauth asks of the house about second factors: their secrets rest sealed, and one always stays."""

import os
from base64 import b32encode, urlsafe_b64encode
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

from carnet.portal import desk


class MFAAdapter(DefaultMFAAdapter):
    """Secrets are sealed by a key of the installation; words are ours."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("Ce code n’est pas le bon, ou il a déjà servi."),
        "cannot_delete_authenticator": _(
            "C’est votre seul second facteur : ajoutez-en un autre avant de retirer celui-ci."
        ),
    }

    def encrypt(self, text: str) -> str:
        return _key().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _key().decrypt(encrypted_text.encode()).decode()
        except (
            InvalidToken
        ):  # the installation's key is another: nobody's code is right, and none is known
            return b32encode(os.urandom(20)).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        others = Authenticator.objects.filter(user_id=authenticator.user_id)
        others = others.exclude(pk=authenticator.pk)
        return others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return user.get_username()

    def get_totp_issuer(self) -> str:
        return "Carnet"

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Carnet tells people by its own notices."""


def _key() -> Fernet:
    secret = desk.config().secret_key.encode()
    derived = HKDF(SHA256(), 32, None, b"carnet second factors").derive(secret)
    return Fernet(urlsafe_b64encode(derived))
