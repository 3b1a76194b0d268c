# SPDX-License-Identifier: EUPL-1.2
"""A real demonstration, started as a newcomer starts it, and the people who use it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from carnet.cli.demo import PASSWORD
from tests.browser_fixture import browser, follow, leave

__all__ = ["browser"]

PATIENCE = 180  # seconds for a demonstration to serve, on a busy machine


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One running `carnet demo`."""

    data: Path
    address: str

    def token(self, persona: str) -> str:
        """What `./run token --as` prints on its last line."""
        command = [sys.executable, "-m", "carnet", "token", "--as", persona]
        said = subprocess.run(
            [*command, "--data", str(self.data)], capture_output=True, text=True, check=True
        )
        return said.stdout.strip().splitlines()[-1]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def demonstrated(folder: Path, port: int, **settings: str) -> Iterator[Demonstration]:
    """`carnet demo` in a folder of its own, until its pages answer; settings: CARNET_… by their names."""
    data, log = folder / "data", folder / "demo.log"
    command = [sys.executable, "-m", "carnet", "demo", "--data", str(data), "--port", str(port)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CARNET_")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--people", "7"], stdout=out, stderr=out, env=clean | settings
        )
    try:
        wait(f"http://127.0.0.1:{port}/", process, log)
        yield Demonstration(data, f"http://localhost:{port}")
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """One for the tests of a module."""
    with demonstrated(tmp_path_factory.mktemp("demo"), free_port()) as one:
        yield one


def wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers; the log when it does not."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"the demonstration does not answer:\n{log.read_text('utf-8', 'replace')[-4000:]}")


class LogIn(Protocol):
    """Logs a persona in, by the form; the page they land on."""

    def __call__(self, persona: str, *, script: bool = True) -> Page: ...


@pytest.fixture
def logged_in(browser: Browser, demonstration: Demonstration) -> Iterator[LogIn]:
    """A function: a page where a persona has logged in, by the form."""
    contexts: list[BrowserContext] = []

    def log_in(persona: str, *, script: bool = True) -> Page:
        context = browser.new_context(
            locale="fr-FR",
            base_url=demonstration.address,
            java_script_enabled=script,
            viewport={"width": 390, "height": 844},
        )
        contexts.append(context)
        page = context.new_page()
        page.goto("/")
        follow(page.locator("main >> text=Se connecter").first)
        page.fill("[name=login]", persona)
        page.fill("[name=password]", PASSWORD)
        follow(page.locator("main button").first)
        return page

    yield log_in
    for context in contexts:
        leave(context)
