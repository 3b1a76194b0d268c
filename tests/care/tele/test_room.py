# SPDX-License-Identifier: EUPL-1.2
"""A room between two browsers with made-up cameras, and the doors of its signalling."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from importlib import resources
from itertools import count

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.sync_api import BrowserContext, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection

from carnet.care.tele import signalling
from carnet.care.tele.signalling import Signals
from carnet.care.tele.ticket import Ticket, made
from tests.absent import absent
from tests.browser_fixture import ARGUMENTS, chromium

KEY = b"k" * 32
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; media-src 'self' blob:"
BODY = """<!doctype html><meta charset="utf-8"><title>Salle</title>
<div id="room" data-socket="{socket}" data-ticket="{ticket}"></div>
<button data-admit="patient" hidden>Faire entrer</button>
<script src="/room.js" defer></script>"""


@dataclass
class Place:
    """A served room: its address, and what has ended."""

    port: int
    ended: set[str] = field(default_factory=set)
    used: set[bytes] = field(default_factory=set)
    nonces: Iterator[int] = field(default_factory=count)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def once(self, digest: bytes, until: int) -> bool:
        fresh = digest not in self.used
        self.used.add(digest)
        return fresh

    async def stands(self, ticket: Ticket) -> bool:
        return ticket.session not in self.ended

    def ticket(self, room: str, seat: str, session: str = "s", late: int = 0) -> str:
        nonce = next(self.nonces).to_bytes(16)
        return made(KEY, Ticket(room, seat, session), int(time.time()) - late, nonce)  # type: ignore[arg-type]

    def socket(self, room: str, origin: str | None = None) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/tele/{room}", origin=origin or self.origin)  # type: ignore[arg-type]

    def enter(self, room: str, seat: str, session: str = "s") -> ClientConnection:
        line = self.socket(room)
        line.send(json.dumps({"ticket": self.ticket(room, seat, session)}))
        return line


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        here = Place(free.getsockname()[1])
    script = resources.files("carnet.care.tele").joinpath("room.js").read_text("utf-8")
    signals = Signals(KEY, here.origin, lambda: int(time.time()), here.once, here.stands)

    async def page(request: Request) -> Response:
        room, seat = request.path_params["room"], request.path_params["seat"]
        address = f"ws://127.0.0.1:{here.port}/tele/{room}"
        text = BODY.format(socket=address, ticket=here.ticket(room, seat))
        return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})

    async def served(request: Request) -> Response:
        return Response(script, media_type="text/javascript")

    routes = [
        Route("/room.js", served),
        Route("/{room}/{seat}", page),
        WebSocketRoute("/tele/{room}", signals.__call__),
    ]
    server = Server(
        Starlette(routes=routes), port=here.port, interface=Interfaces.ASGI, log_enabled=False
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),), daemon=True)
    thread.start()
    for _ in range(200):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", here.port)) == 0:
                break
        time.sleep(0.05)
    yield here
    loop.call_soon_threadsafe(server.stop)
    thread.join(10)


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    """A Chromium with a made-up camera and microphone."""
    path = chromium()
    if path is None:
        absent("Chromium is not here: install it, or name it in CARNET_CHROMIUM")
    faked = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *faked])
        made = browser.new_context(locale="fr-FR")
        yield made
        made.close()
        browser.close()


SEEN = """seat => {
    const video = document.getElementById(`video-${seat}`);
    return Boolean(video && video.videoWidth > 0 && video.currentTime > 0.2);
}"""


def sees(page: Page, seat: str) -> None:
    """Frames of that seat arrive: the picture has a width and its time moves."""
    for _ in range(200):  # asked again from here: the page's policy lets no string be run there
        if page.evaluate(SEEN, seat):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"nothing is seen of the {seat}")


def heard(line: Connection) -> dict[str, object]:
    said = json.loads(line.recv(timeout=10))
    assert isinstance(said, dict)
    return said


def closed(line: Connection) -> int:
    """Why the server closed, whatever it said before."""
    with pytest.raises(ConnectionClosed) as refusal:
        while True:
            line.recv(timeout=10)
    assert refusal.value.rcvd is not None
    return refusal.value.rcvd.code


def test_two_browsers_see_one_another_once_the_patient_is_let_in_and_again_after_a_drop(
    place: Place, context: BrowserContext
) -> None:
    doctor, patient = context.new_page(), context.new_page()
    doctor.goto(f"{place.origin}/media/professional")
    patient.goto(f"{place.origin}/media/patient")
    patient.wait_for_selector("#room[data-state=waiting]", state="attached")
    assert patient.locator("video").count() == 0
    doctor.get_by_role("button", name="Faire entrer").click()
    sees(doctor, "patient")
    sees(patient, "professional")
    patient.reload()  # a drop: back without being let in again
    patient.wait_for_selector("#room[data-state=inside]", state="attached")
    sees(doctor, "patient")
    sees(patient, "professional")


def test_a_drop_goes_on_in_the_same_act_and_time(place: Place) -> None:
    with place.enter("drop", "professional") as doctor:
        heard(doctor)
        with place.enter("drop", "patient") as patient:
            assert heard(patient) == {"type": "waiting"}
            assert heard(doctor)["waiting"] == ["patient"]
            doctor.send(json.dumps({"type": "admit", "seat": "patient"}))
            begun = heard(patient)["begun"]
            assert isinstance(begun, int)
        with place.enter("drop", "patient") as patient:
            assert heard(patient)["begun"] == begun


@pytest.mark.parametrize(
    "said",
    [
        {"type": "signal", "seat": "professional", "data": 1},  # waits
        {"type": "admit", "seat": "patient"},  # lets themselves in
        {"type": "admit", "seat": "nobody"},
        {"type": "signal", "seat": "professional", "data": "x" * signalling.MOST},
        [],
    ],
)
def test_who_waits_says_nothing_and_lets_nobody_in(place: Place, said: object) -> None:
    with place.enter("waits", "professional") as doctor, place.enter("waits", "patient") as patient:
        heard(doctor)
        assert heard(patient) == {"type": "waiting"}
        patient.send(json.dumps(said))
        assert closed(patient) == signalling.REFUSED


def test_a_ticket_opens_its_room_once_and_in_its_time(place: Place) -> None:
    text = place.ticket("mine", "professional")
    late, other = place.ticket("mine", "professional", late=30), place.ticket("other", "patient")
    place.ended.add("over")
    over = place.ticket("mine", "patient", session="over")
    with place.socket("mine") as line:
        line.send(json.dumps({"ticket": text}))
        assert heard(line)["type"] == "inside"
    for wrong in (text, late, other, over, "", "é", 3, text[:-2]):
        with place.socket("mine") as line:
            line.send(json.dumps({"ticket": wrong}))
            assert closed(line) == signalling.REFUSED


def test_a_page_of_another_place_is_refused_before_it_connects(place: Place) -> None:
    with pytest.raises(InvalidStatus):
        place.socket("mine", origin="https://ailleurs.example")


def test_a_connection_ends_with_its_session_and_with_a_newer_one(place: Place) -> None:
    with place.enter("ends", "professional", "one") as old:
        heard(old)
        with place.enter("ends", "professional", "two") as new:
            assert closed(old) == signalling.REPLACED
            place.ended.add("two")
            assert closed(new) == signalling.ENDED


def test_too_many_messages_end_a_connection(place: Place) -> None:
    with place.enter("much", "professional") as line:
        heard(line)
        said = json.dumps({"type": "signal", "seat": "patient", "data": 1})
        place_let = json.dumps({"type": "admit", "seat": "patient"})
        line.send(place_let)
        for _ in range(signalling.RATE):
            line.send(said)
        assert closed(line) == signalling.REFUSED
