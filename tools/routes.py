# SPDX-License-Identifier: EUPL-1.2
"""Every address this program answers, and docs/reference/routes.md from docs/reference/routes.toml.

`.venv/bin/python -m tools.routes` adds a line for each address that has none, to be decided and written
by whoever added it (`who = "?"` makes the test red), and writes the page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from starlette.routing import Route

from carnet import portal
from carnet.access import factors
from carnet.app import parts
from carnet.app.guard import rate_of
from carnet.imaging import routes as dicomweb
from carnet.oauth import routes as oauth
from carnet.rest import routes as rest
from carnet.rest import scoping
from tools import again as fresh

REFERENCE = Path(__file__).resolve().parents[1] / "docs/reference"
DATA, PAGE = REFERENCE / "routes.toml", REFERENCE / "routes.md"
NOWHERE = "postgresql://carnet_portal@127.0.0.1:1/none"
HEAD = """\
# Addresses

Every address Carnet answers, who may ask it, and what they need. `tools/routes.py` writes this page from
`docs/reference/routes.toml`; a test walks the application and compares, then asks each address as
nobody.

- **who**: `public`; `token` (a bearer token, of any kind of account: the door decides of each record);
  `client` (an application or a software that proves who it is); `account` (whoever is logged in);
  or the kinds of accounts.
- **scope**: letters of a SMART scope on the type of the address; `entries`: each resource within is asked
  by itself; `whole`: a token that nothing narrows.
- **factor**: the least level of `carnet/access/factors.toml` a person logged in with, there or where their
  token was allowed; software proves itself by its key, and accounts of a demonstration by a password.
- **again**: an act that needs a proof of who one is less than ten minutes old.
- **rate**: sections of `carnet/access/limits/limits.toml`, of the address and of the account.

Every form of a page carries a token against other sites.
"""


def api() -> Iterator[tuple[str, Any]]:
    """`METHOD path`, under /fhir and, the same, under /pdsm; and what answers."""
    acts = parts.acts()
    for route in [*acts.routes, *rest.ROUTES]:
        assert isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield f"{method} {route.path}", route.endpoint
    for (method, rtype, name), operation in acts._operations.items():
        yield f"{method} /{rtype}/{{id}}/${name}", operation
    for (of_type, rtype, name), asking in acts._asking.items():
        yield f"POST /{rtype}/{'' if of_type else '{id}/'}${name}", asking.run
    for (rtype, name), forms in acts._forms.items():
        for method in ("GET", "POST"):
            yield f"{method} /{rtype}/{{id}}/${name}", list(forms.run.values())


def again() -> dict[str, set[str]]:
    """The acts that need a fresh log-in each address leads to, as the code says."""
    found: dict[str, set[str]] = {}
    for address, view in [*api(), *((each, view) for each, _, view in pages())]:
        found.setdefault(address, set()).update(fresh.led_to(view))
    return found


def factor(line: dict[str, Any]) -> str:
    """The least level of who asks; software shows its key instead."""
    who = line["who"]
    if who in ("public", "client"):
        return ""
    least = factors.table()["least"]
    kinds = (
        who if isinstance(who, list) else [each for each in least if each != factors.DEMONSTRATION]
    )
    return str(max((least[each] for each in kinds), key=factors.rank))


def server() -> Iterator[str]:
    """Outside the API and the pages."""
    nothing: Any = SimpleNamespace(max_size=1, tokens=SimpleNamespace(keys=None))
    routes = [("", each) for each in oauth.documents("http://carnet.test")]
    routes += [("/oauth", each) for each in oauth.application(nothing, nothing, nothing).routes]
    routes += [("/dicom-web", each) for each in dicomweb.ROUTES]
    yield "GET /health"
    for prefix, route in routes:
        assert isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield f"{method} {prefix}{route.path}"


def pages() -> Iterator[tuple[str, str, Any]]:
    """Address, name and view of each page."""
    from django.conf import settings
    from django.urls import get_resolver
    from django.urls.resolvers import URLResolver

    if not settings.configured:
        portal.setup(
            database_url=NOWHERE, secret_key="x", base_url="http://x", demo=True, parts=None
        )  # fmt: skip

    def walk(patterns: Any, before: str, space: str) -> Iterator[tuple[str, str, Any]]:
        for each in patterns:
            path = before + str(each.pattern)
            if isinstance(each, URLResolver):
                inner = f"{space}{each.namespace}:" if each.namespace else space
                yield from walk(each.url_patterns, path, inner)
            else:
                yield (
                    "/" + path.replace("^", "").replace("$", ""),
                    f"{space}{each.name}",
                    each.callback,
                )

    yield from walk(get_resolver().url_patterns, "", "")


def known() -> dict[str, dict[str, dict[str, Any]]]:
    """The lines, by section."""
    return tomllib.loads(DATA.read_text("utf-8"))


def walked() -> dict[str, list[str]]:
    """What the application answers, by section."""
    return {
        "api": list(dict.fromkeys(address for address, _ in api())),
        "server": list(dict.fromkeys(server())),
        "pages": sorted({address for address, _, _ in pages()}),
    }


def letters() -> dict[str, str]:
    """The scope each address of the API needs, as carnet/rest/scopes.toml says it."""
    table, found = scoping.table(), {}
    acts = parts.acts()
    for route in [*acts.routes, *rest.ROUTES]:
        assert isinstance(route, Route)
        view: Any = route.endpoint
        name = f"{view.__module__.rpartition('.')[2]}.{view.__name__}"
        said = table["interactions"].get(name)
        if said is None and name in table["apart"]:
            said = ", ".join(f"{rtype}.{one}" for rtype, one in table["apart"][name].items())
        if said is None:
            said = "entries" if name in table["open"] else "whole"
        for method in (route.methods or set()) - {"HEAD"}:
            found[f"{method} {route.path}"] = said
    for address, _ in api():
        if address not in found:  # by its name, behind a route of all of them
            _, rtype, *_, name = address.split("/")
            needed = table["operations"].get(f"{rtype}/{name}", {"whole": ""})
            found[address] = ", ".join(f"{each}.{one}".rstrip(".") for each, one in needed.items())
    return found


def page() -> str:
    """The whole page."""
    text, scopes = HEAD, letters()
    for section, title in (
        ("api", "The API, under `/fhir` and `/pdsm`"), ("server", "Authorization server"), ("pages", "Pages"),
    ):  # fmt: skip
        columns = ["address", "who", "factor", "again", "rate"]
        if section == "api":
            columns.insert(2, "scope")
        text += f"\n## {title}\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
        for address, line in sorted(known()[section].items()):
            who = line["who"] if isinstance(line["who"], str) else ", ".join(line["who"])
            path = address.rpartition(" ")[2]
            rate = rate_of("/fhir" + path if section == "api" else path)
            cells = [
                f"`{address}`".replace("|", "\\|"),
                who,
                factor(line),
                "yes" if line.get("again") else "",
                rate,
            ]
            if section == "api":
                cells.insert(2, "" if who == "public" else scopes.get(address, ""))
            text += f"| {' | '.join(cells)} |\n"
    return text


def add() -> None:
    """A line for each address that has none."""
    lines = known() if DATA.exists() else {"api": {}, "server": {}, "pages": {}}
    new = {
        name: [each for each in found if each not in lines[name]]
        for name, found in walked().items()
    }
    text = DATA.read_text("utf-8")
    for name, found in new.items():
        made = "".join(f"'{each}' = {{ who = \"?\" }}\n" for each in found)
        text = text.replace(f"[{name}]\n", f"[{name}]\n{made}")
    DATA.write_text(text, "utf-8")


if __name__ == "__main__":
    add()
    PAGE.write_text(page(), "utf-8")
