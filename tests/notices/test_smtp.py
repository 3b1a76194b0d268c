# SPDX-License-Identifier: EUPL-1.2
"""E-mails reach a real mail server, in TLS that is checked, and what it refuses is an OSError."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from carnet.config import MailTls, Settings
from carnet.notices.smtp import Server
from tests.accounts.server import PASSWORD, USER, served


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@carnet.test", "suzanne@example.org", "Été"
    made.set_content("Une ligne.\n.\nUne autre, après un point.\n")
    return made


def settings(folder: Path, port: int, tls: str, user: str = "") -> Settings:
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n", "utf-8")
    return Settings(
        mail_host="localhost", mail_port=port, mail_tls=MailTls(tls), mail_user=user,
        mail_password_file=str(secret) if user else "",
    )  # fmt: skip


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
def test_a_message_arrives_whole(tmp_path: Path, tls: str) -> None:
    log_in = tls == "starttls"
    with served(tmp_path, tls=tls, log_in=log_in) as (mailbox, port, trust):
        Server(settings(tmp_path, port, tls, USER if log_in else ""), trust).put(1, message())
    (got,) = mailbox.got
    assert (got["To"], got["Subject"]) == ("suzanne@example.org", "Été")
    body = got.get_body()
    assert body is not None
    assert body.get_content().replace("\r", "") == "Une ligne.\n.\nUne autre, après un point.\n"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_server_that_nobody_vouches_for_is_told_nothing(tmp_path: Path, tls: str) -> None:
    with (
        served(tmp_path, tls=tls) as (mailbox, port, _),
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        Server(settings(tmp_path, port, tls)).put(1, message())
    assert mailbox.got == []


def test_a_server_without_tls_gets_no_password(tmp_path: Path) -> None:
    """Whoever takes the offer of TLS out of the conversation learns nothing."""
    with served(tmp_path) as (mailbox, port, _), pytest.raises(smtplib.SMTPNotSupportedError):
        Server(settings(tmp_path, port, "starttls", USER)).put(1, message())
    assert mailbox.got == []


@pytest.mark.parametrize("answer", ["451 later", "550 no", "552 full"])
def test_what_a_server_refuses_has_not_left(tmp_path: Path, answer: str) -> None:
    with served(tmp_path) as (mailbox, port, _):
        mailbox.answer = answer
        with pytest.raises(OSError):
            Server(settings(tmp_path, port, "none")).put(1, message())


def test_a_server_that_is_away_and_a_wrong_password_are_refusals_too(tmp_path: Path) -> None:
    with served(tmp_path, tls="starttls", log_in=True) as (_, port, trust):
        said = replace(settings(tmp_path, port, "starttls", USER), mail_user="another")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            Server(said, trust).put(1, message())
    with pytest.raises(OSError):
        Server(settings(tmp_path, port, "tls"), trust).put(1, message())
