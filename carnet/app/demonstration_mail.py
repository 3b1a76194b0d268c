# SPDX-License-Identifier: EUPL-1.2
"""Two mails of the demonstration: one a citizen may answer, one that waits to be attached."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from carnet.access import queries
from carnet.app.demonstration import ELSEWHERE
from carnet.app.parts import Built
from carnet.messaging import address, spool
from carnet.messaging.spool import Put
from carnet.population import Population, report

AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


async def load_mails(built: Built, population: Population) -> int:
    """Put them in the spool; those that are there are left alone."""
    domain = built.settings.mss_domain
    patient, gp = population.person("patient"), population.professional("gp")
    async with built.pool.connection() as conn:
        known = await queries.identities_by_ins(conn, patient.ins, [f"urn:oid:{patient.ins_oid}"])
    if not known:
        return 0
    doctor = f"{gp.email.partition('@')[0]}@{domain}"
    own = str(address.of_patient(patient.ins, domain))
    told = _mail(doctor, own, "Votre rendez-vous", "bonjour@", domain)
    told.set_content(
        "Bonjour,\n\nPensez à apporter vos derniers résultats à notre rendez-vous.\n\nBien à vous.\n",
        cte="quoted-printable",
    )
    sender = f"secretariat@{ELSEWHERE}"  # whose it is, nobody here knows
    brought = _mail(sender, doctor, "Compte rendu de biologie", "compte-rendu@", ELSEWHERE)
    brought.set_content(
        "Bonjour,\n\nVoici un compte rendu pour votre patiente.\n", cte="quoted-printable"
    )
    source = report(population, patient, AT)
    brought.add_attachment(source.xml, maintype="text", subtype="xml", filename="compte-rendu.xml")
    brought.set_boundary("=_demonstration")
    puts = (
        Put("in", doctor, str(told["Message-ID"]), told.as_bytes(), [(own, "kept")], known[0].cid),
        Put("in", sender, str(brought["Message-ID"]), brought.as_bytes(), [(doctor, "to-attach")]),
    )
    return sum([await spool.put(built.door, each) for each in puts])


def _mail(sender: str, to: str, subject: str, number: str, domain: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Date"] = AT
    made["Message-ID"] = f"<demonstration.{number}{domain}>"
    return made
