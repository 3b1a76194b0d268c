# SPDX-License-Identifier: EUPL-1.2
"""What is told back of a mail: to who asked, by who may, once, and never of a notice."""

import email
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest

from carnet.messaging.answer import Answers
from carnet.messaging.deliver import Out, deliver
from carnet.messaging.file import file
from tests.messaging.conftest import BIOLOGIST_BOX, CABINET, GP_BOX, OURS, Post, letter, report, xdm
from tests.messaging.test_send import COLLEAGUE, Away, away, sent

__all__ = ["away"]

pytestmark = pytest.mark.anyio
ASKED = {"Disposition_Notification_To": BIOLOGIST_BOX}


async def told(post: Post, mail: EmailMessage, away: Away) -> list[EmailMessage]:
    """The notices that leave for one mail."""
    assert await post.send(mail.as_bytes()) == 250
    await file(post.door, post.filing, Answers(post.door, OURS))
    await deliver(post.door, Out(away.trust, OURS, away.out.tls))
    return [email.message_from_bytes(data, policy=default) for _, data in away.peer.given]


async def test_who_asks_is_told_that_it_is_filed(post: Post, away: Away) -> None:
    (notice,) = await told(post, letter(xdm(report()), **ASKED), away)
    assert notice.get_content_type() == "multipart/report"
    text = notice.as_string()
    for line in (
        "Disposition: automatic-action/MDN-sent-automatically; processed",
        f"Final-Recipient: rfc822; {GP_BOX}",
        "Original-Message-ID: <1@cabinet.test.mssante.fr>",
    ):
        assert line in text


async def test_who_does_not_ask_is_told_nothing(post: Post, away: Away) -> None:
    assert await told(post, letter(xdm(report())), away) == []


async def test_a_notice_goes_to_nobody_but_the_sender(post: Post, away: Away) -> None:
    other = {"Disposition_Notification_To": f"victime@{CABINET}"}
    assert await told(post, letter(xdm(report()), **other), away) == []


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "not-asked"])
async def test_a_software_s_mailbox_tells_what_it_could_not_file(
    post: Post, away: Away, asked: bool
) -> None:
    await post.space.rows(
        "UPDATE messaging.mailbox SET kind = 'APP', rpps = NULL, org = 1 WHERE address = %s", GP_BOX
    )
    headers = dict(ASKED) if asked else {}
    mail = letter(xdm(report()), X_MSS_INS="279035121518989", **headers)
    (notice,) = await told(post, mail, away)
    assert notice["Subject"].startswith("[KO Intégration système !][IDENTITE] XDM/1.0/DDM+")
    assert (notice.get_content_type() == "multipart/report") is asked
    assert "IHE_XDM.ZIP" in notice.as_string()  # the mail comes back whole


async def test_what_comes_back_is_believed_of_who_it_went_to(post: Post, away: Away) -> None:
    answer = await sent(post, COLLEAGUE)
    number = answer.json["parameter"][0]["valueString"]
    await deliver(post.door, away.out)

    async def seen() -> bool:
        (found,) = await post.space.rows(
            "SELECT seen_at IS NOT NULL FROM messaging.delivery WHERE address = %s", COLLEAGUE
        )
        return bool(found[0])

    for at, (sender, recipient, believed) in enumerate((
        (COLLEAGUE, f"autre@{CABINET}", False),
        (COLLEAGUE, COLLEAGUE, True),
    )):  # fmt: skip
        notice = EmailMessage(policy=SMTP)
        notice["From"], notice["To"] = sender, GP_BOX
        notice["Subject"], notice["Message-ID"] = "Lu", f"<lu{at}@{CABINET}>"
        notice["Date"] = "Tue, 24 Nov 2026 08:00:00 +0000"
        notice.set_content("Lu.\n")
        notice.make_mixed()
        fields = (
            f"Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; {recipient}\n"
            f"Original-Message-ID: {number}\n"
            "Disposition: manual-action/MDN-sent-manually; displayed\n"
        )
        notice.attach(email.message_from_string(fields, policy=SMTP))
        notice.replace_header("Content-Type", "multipart/report")
        notice.set_param("report-type", "disposition-notification")
        notice.set_boundary("=_x")
        assert await post.send(notice.as_bytes(policy=SMTP), sender="") == 250
        await file(post.door, post.filing, Answers(post.door, OURS))
        assert await seen() is believed
