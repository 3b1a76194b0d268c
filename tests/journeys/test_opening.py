# SPDX-License-Identifier: EUPL-1.2
"""Documents one holds, read on one's own machine: the tutorial to the letter, and its pages in a browser."""

import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from carnet.cli.open import LOOPBACK
from tests.browser_fixture import browser, follow, leave
from tests.journeys.conftest import free_port, wait

__all__ = ["browser"]

pytestmark = [pytest.mark.db, pytest.mark.slow]

ROOT: Final = Path(__file__).parents[2]
TUTORIAL: Final = ROOT / "docs" / "tutorial" / "open-your-documents.md"
REPORT: Final = ROOT / "docs" / "tutorial" / "report.xml"
BLOCK: Final = re.compile(r"^```(sh|text)( demo)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
END: Final = "---- end of step ----"
WORDS: Final = "trois petits mots à moi"


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CARNET_")}


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "carnet", "open", *map(str, words)]


def test_every_command_of_the_tutorial_answers_what_it_says() -> None:
    told: list[tuple[str, str | None]] = []
    for kind, serves, text in BLOCK.findall(TUTORIAL.read_text("utf-8")):
        if kind == "sh" and not serves:
            told.append((text, None))
        elif kind == "text":
            told[-1] = (told[-1][0], text)
    assert len(told) >= 5
    script = "".join(f"{step}\necho '{END}'\n" for step, _ in told)
    script = script.replace("./run open", f"{sys.executable} -m carnet open")
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=ROOT, env=clean(), capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    for (step, shown), answer in zip(told, done.stdout.split(f"{END}\n"), strict=False):
        if shown is not None:
            assert answer == shown, step


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A private instance that reads one report, one archive and what names nobody."""
    folder = tmp_path_factory.mktemp("open")
    documents, port = folder / "documents", free_port()
    documents.mkdir()
    (documents / "bilan.xml").write_bytes(REPORT.read_bytes())
    (documents / "vide.xml").write_bytes(b"")
    (documents / "note\nde moi.txt").write_text("Rappel du vaccin.")
    (documents / "boucle").symlink_to(documents)
    (documents / "ailleurs").symlink_to(documents / "ailleurs")
    with (documents / "immense.pdf").open("wb") as sparse:
        sparse.truncate(2 << 30)
    with zipfile.ZipFile(documents / "envoi.zip", "w") as made:
        made.writestr("IHE_XDM/SUBSET01/DOC1.XML", REPORT.read_bytes())
    (folder / "words").write_text(WORDS + "\n")
    log = folder / "open.log"
    given = ("--data", folder / "space", "--port", str(port), "--passphrase-file", folder / "words")
    with log.open("wb") as out:
        process = subprocess.Popen(command(documents, *given), stdout=out, stderr=out, env=clean())
    try:
        wait(f"http://127.0.0.1:{port}/ouvrir/", process, log)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_owner_unlocks_chooses_a_person_reads_and_sees_the_report(
    browser: Browser, opened: str
) -> None:
    context = browser.new_context(
        locale="fr-FR", base_url=opened, java_script_enabled=False,
        viewport={"width": 390, "height": 844},
    )  # fmt: skip
    try:
        page = context.new_page()
        # given a page that opens nothing without the passphrase
        page.goto("/dossier/")
        assert page.url.startswith(f"{opened}/ouvrir/")
        page.fill("[name=passphrase]", "une autre phrase")
        follow(page.locator("main button").first)
        assert "Ce n’est pas la phrase secrète" in page.inner_text("main")
        page.fill("[name=passphrase]", WORDS)
        follow(page.locator("main button").first)
        # when all is read
        for _ in range(120):
            if (
                "Lecture des fichiers" not in page.inner_text("main")
                and page.locator("h2").count() > 1
            ):
                break
            page.wait_for_timeout(1000)
            page.goto("/personnes/")
        said = page.inner_text("main")
        assert "elles ne sont pas vérifiées" in said
        assert "Documents qui ne nomment personne" in said
        # then what names nobody is apart, and a person's documents are theirs alone
        follow(page.locator("li.card", has_text="ne nomment personne").locator("button"))
        page.goto("/dossier/")
        assert "note" in page.inner_text("main") and "glyc" not in page.inner_text("main").lower()
        page.goto("/personnes/")
        follow(page.locator("li.card").first.locator("button"))
        page.goto("/dossier/")
        assert "Rappel" not in page.inner_text("main")
        assert page.locator("main a[href*='/documents/']").count() >= 1
        # and the report tells each file, with its reason
        page.goto("/rapport/")
        text = page.inner_html("main")
        assert "vide.xml" in text and "Le fichier est vide." in text
        assert "immense.pdf" in text and "256 Mo" in text
        answer = page.request.get("/rapport/html/")
        assert answer.ok and "bilan" not in answer.text()
    finally:
        leave(context)


def test_another_visitor_sees_nothing(browser: Browser, opened: str) -> None:
    context = browser.new_context(base_url=opened)
    try:
        page = context.new_page()
        for address in ("/personnes/", "/rapport/", "/rapport/json/", "/dossier/"):
            page.goto(address)
            assert page.url.startswith(f"{opened}/ouvrir/"), address
        assert page.request.get("/fhir/Patient").status == 401
        assert page.request.get("/ouvrir/", headers={"Host": "evil.example"}).status == 400
    finally:
        leave(context)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org"])
def test_an_address_beyond_this_machine_is_refused(tmp_path: Path, host: str) -> None:
    done = subprocess.run(
        command(REPORT, "--data", tmp_path / "space"),
        env={**clean(), "CARNET_HOST": host}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert host not in LOOPBACK
    assert done.returncode == 2 and "this machine alone" in done.stderr
    assert not (tmp_path / "space").exists()


def test_a_closed_terminal_ends_it_and_its_folder_is_its_owners_alone(tmp_path: Path) -> None:
    """The keys are put away: neither a key, nor a link to one, nor a program is left."""
    space, port, log = tmp_path / "space", free_port(), tmp_path / "log"
    space.mkdir(mode=0o755)
    (tmp_path / "words").write_text(WORDS + "\n")
    given = ("--data", space, "--port", str(port), "--passphrase-file", tmp_path / "words")
    with log.open("wb") as out:
        process = subprocess.Popen(command(REPORT, *given), stdout=out, stderr=out, env=clean())
    try:
        wait(f"http://127.0.0.1:{port}/ouvrir/", process, log)
        keys = (space / "keys").resolve()
        assert keys.is_dir() and space.stat().st_mode & 0o077 == keys.stat().st_mode & 0o077 == 0
        process.send_signal(signal.SIGHUP)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
    assert not keys.exists() and not (space / "keys").is_symlink()


def test_a_folder_that_is_not_its_own_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    for words in ((REPORT,), ("--wipe",)):
        done = subprocess.run(
            command(*words, "--data", tmp_path),
            env=clean(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2 and "is not one that" in done.stderr
    assert (tmp_path / "precious").read_text() == "mine"
