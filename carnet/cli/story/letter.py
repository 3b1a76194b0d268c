# SPDX-License-Identifier: EUPL-1.2
"""A letter by secure mail: a doctor's own server sends it, it is filed, its patient reads it."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from carnet.app.demonstration import ELSEWHERE
from carnet.cli.story.call import window
from carnet.cli.story.stage import Refused, Stage
from carnet.cli.story.steps import Chapter, Step
from carnet.exchange import xdm_writing
from carnet.exchange.parts import Author, Code, Number, Part, Somebody, Told
from carnet.exchange.xdm_writing import Submission
from carnet.messaging import certificates
from carnet.messaging.submit import context_of
from carnet.population import pdf

NUMBER: Final = (
    "2.25.300110272026112400000000000002"  # of the document, of its submission set: for ever
)
IDENTIFIER: Final = f"urn:ietf:rfc:3986|urn:oid:{NUMBER}"
SET: Final = f"{NUMBER}.1"
SOURCE: Final = "2.25.300110272026112400000000000003"
MESSAGE: Final = f"<histoire.lettre@{ELSEWHERE}>"
TITLE: Final = "Compte rendu de consultation"
LOINC: Final = "2.16.840.1.113883.6.1"
LINES: Final = (
    "Chère consœur,",
    "Je vous adresse Madame Suzanne Delaunay, 85 ans, pour des palpitations depuis quelques semaines, "
    "sans malaise.",
    "Examen du jour : cœur irrégulier, pas de signe d'insuffisance cardiaque. Merci de votre avis.",
)


def letter(stage: Stage) -> bytes:
    """The mail, the same each time: an XDM with a PDF, of her."""
    day, _ = window(stage)
    wrote = day.astimezone(UTC)
    who = next(each for each in stage.population.people if each.key == "elder")
    gp = next(each for each in stage.population.professionals if each.key == "gp")
    author = Author(Number(gp.idnps, "1.2.250.1.71.4.2.1"), gp.family_name, gp.given_name)
    data = pdf.write(TITLE, [pdf.Paragraph(each) for each in LINES], gp.name)
    told = Told(
        title=TITLE,
        type=Code("11488-4", LOINC, "Compte rendu ou fiche de consultation ou de visite"),
        at=f"{wrote:%Y%m%d%H%M%S}",
        authors=(author,),
        authenticator=author,
        unique_id=NUMBER,
        person=Somebody(
            (Number(who.ins, who.ins_oid, "INS"),),
            who.birth_name,
            given_names=(who.birth_given_names[0],),
            birth_date=who.birth_date,
            sex=who.sex,
        ),
        format=Code("urn:ihe:iti:xds-sd:pdf:2008", "1.3.6.1.4.1.19376.1.2.3", "PDF"),
        language="fr-FR",
    )
    archive = xdm_writing.write(
        [Part("LETTRE.PDF", data, "application/pdf", told)],
        Submission(SET, SOURCE, TITLE, told.at, author),
    )
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"] = f"{mailbox(stage, 'gp')}@{ELSEWHERE}", hers(stage)
    made["Subject"] = f"XDM/1.0/DDM+{TITLE}"
    made["Date"], made["Message-ID"] = format_datetime(wrote), MESSAGE
    made["X-MSS-INS"] = who.ins
    made.set_content("Merci de votre avis.\n", cte="quoted-printable")
    made.add_attachment(archive, maintype="application", subtype="zip", filename="IHE_XDM.ZIP")
    made.set_boundary("=_histoire")
    return made.as_bytes()


def mailbox(stage: Stage, professional: str) -> str:
    """The local part of somebody's mailbox."""
    found = next(each for each in stage.population.professionals if each.key == professional)
    return found.email.partition("@")[0]


def hers(stage: Stage) -> str:
    """The mailbox of the doctor who is written to."""
    return f"{mailbox(stage, 'geriatrician')}@{stage.settings.mss_domain}"


def connection(stage: Stage) -> smtplib.SMTP:
    """As the server of the doctor's own domain, with the certificate of that domain."""
    settings = stage.settings
    held = certificates.simulate(settings.keys / "mss", "cabinet", [ELSEWHERE], datetime.now(UTC))
    tls = context_of(held, server=False)
    tls.check_hostname = False  # reached by its number on the loopback; its authority is checked
    client = smtplib.SMTP("127.0.0.1", settings.mss_port, timeout=20)
    client.starttls(context=tls)
    client.ehlo(ELSEWHERE)
    return client


def sends(stage: Stage) -> None:
    """The mail leaves the doctor's server; 250 is for done, and sent again it is the same mail."""

    def reached() -> smtplib.SMTP | None:
        try:
            return connection(stage)
        except (ConnectionError, smtplib.SMTPServerDisconnected):  # its port opens after the pages
            return None
        except (ssl.SSLError, smtplib.SMTPException) as refusal:
            raise Refused(f"SMTP: {type(refusal).__name__}") from None

    client = stage.until(reached, "the port of secure mail answers")
    try:
        with client:
            client.sendmail(f"{mailbox(stage, 'gp')}@{ELSEWHERE}", [hers(stage)], letter(stage))
    except (smtplib.SMTPException, ssl.SSLError) as refusal:
        raise Refused(f"SMTP: {type(refusal).__name__} {refusal}") from None


def filed(stage: Stage) -> None:
    """It is in her record: she reads it, and so does the doctor who wrote it."""
    path = f"DocumentReference?patient={stage.patient('elder')}&identifier={IDENTIFIER}"
    for persona in ("elder", "gp"):

        def there(persona: str = persona) -> bool:
            return len(stage.all(persona, path)) == 1

        stage.until(there, f"the letter is in her record, for {persona}")


CHAPTER: Final = Chapter(
    "Une lettre par messagerie sécurisée",
    (
        Step(
            "letter-sends",
            "gp",
            "Le Dr Lemoine écrit au Dr Ferrand depuis le serveur de son cabinet (MSSanté, SMTP, XDM).",
            sends,
        ),
        Step(
            "letter-filed",
            "elder",
            "La lettre nomme une seule identité qualifiée : elle est classée au dossier de Suzanne.",
            filed,
            [("carer", "/pour/{patient}/"), ("gp", "/patients/{patient}/")],
        ),
    ),
)
