# SPDX-License-Identifier: EUPL-1.2
"""The operator's file: what is wrong in it is said by section, before anything is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from carnet.upstream.providers import WrongProviders, load, shapes

GOOD = """
[hopital]
name.fr = "CHU"
issuer = "https://idp.example/realm"
client_id = "carnet"
secret_file = "secret"
organisation = "urn:x|1"
"""


def read(folder: Path, text: str, *, lenient: bool = False) -> str:
    """What is said of it; "" when it is right."""
    (folder / "secret").write_text("x")
    (folder / "empty").write_text("\n")
    (folder / "providers.toml").write_text(text)
    try:
        load(str(folder / "providers.toml"), lenient=lenient)
    except WrongProviders as error:
        return str(error)
    return ""


def test_a_right_file_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == ""
    one = load(str(tmp_path / "providers.toml"), lenient=False)["hopital"]
    assert (one.level("x"), one.level(None), one.level(["x"])) == (None, None, None)
    assert one.origins == {"https://idp.example:443"}
    assert load("", lenient=False) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[hopital]", "['Hôpital']"), "small letters"),
        (('name.fr = "CHU"', ""), "name is missing"),
        (('name.fr = "CHU"', 'name.de = "CHU"'), "name.fr is missing"),
        (("https://idp", "http://idp"), "whole https address"),
        (("https://idp", "http://127.0.0.1"), "whole https address"),
        (("realm", "realm?x=1"), "whole https address"),
        (('client_id = "carnet"', "client_id = 7"), "client_id is a text"),
        (('secret_file = "secret"', ""), "secret_file or key_file"),
        (('secret_file = "secret"', 'secret_file = "none"'), "no file"),
        (("organisation", "organization"), "not known"),
        (('organisation = "urn:x|1"', ""), "whose professionals"),
        (('client_id = "carnet"', 'client_id = "c"\nscopes = ["profile"]'), "scopes have openid"),
        (
            ('client_id = "carnet"', 'client_id = "c"\nalgorithms = ["none"]'),
            "algorithms are among",
        ),
        (
            ('client_id = "carnet"', 'client_id = "c"\nalgorithms = ["HS256"]'),
            "algorithms are among",
        ),
        (
            ('client_id = "carnet"', 'client_id = "c"\nlevels = {x = "loa3"}'),
            "a level that is not of",
        ),
        (
            ('client_id = "carnet"', 'client_id = "c"\nlevels = {x = "carnet:0"}'),
            "a level that is not of",
        ),
        (
            ('client_id = "carnet"', 'client_id = "c"\nopens = ["software"]'),
            "no account of kind software",
        ),
        (('client_id = "carnet"', 'client_id = "c"\nopens = ["patient"]'), "professionals alone"),
        (('client_id = "carnet"', 'client_id = "c"\nrecognise = "name"'), "recognise is one of"),
        (('client_id = "carnet"', 'client_id = "c"\nshape = "google"'), "shape is one of"),
        (('client_id = "carnet"', 'client_id = "c"\nscopes = "openid"'), "a list of texts"),
        (('client_id = "carnet"', 'client_id = "c"\nlevels = "carnet:3"'), "levels is a table"),
        (
            ('client_id = "carnet"', 'client_id = "c"\nlevels = {x = ["carnet:3"]}'),
            "levels is a table",
        ),
        (('client_id = "carnet"', 'client_id = "c"\nuserinfo = "no"'), "true or false"),
        (
            ('organisation = "urn:x|1"', 'organisation = "370000481"'),
            "organisation is system|value",
        ),
        (('secret_file = "secret"', "secret_file = 7"), "no file"),
        (('secret_file = "secret"', 'secret_file = "."'), "no file"),
        (('secret_file = "secret"', 'secret_file = "empty"'), "holds no secret"),
        (('secret_file = "secret"', 'key_file = "secret"'), "no private RSA key"),
    ],
    ids=repr,
)
def test_what_is_wrong_is_said_by_its_section(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    found = read(tmp_path, GOOD.replace(*change))
    assert said in found
    assert "section [" in found


def test_a_file_that_is_none_is_said_so(tmp_path: Path) -> None:
    assert "cannot be read" in read(tmp_path, "[hopital")
    with pytest.raises(WrongProviders, match="cannot be read"):
        load(str(tmp_path / "absent.toml"), lenient=False)


def test_plain_http_is_for_this_machine_where_nobody_is_real(tmp_path: Path) -> None:
    here = GOOD.replace("https://idp.example/realm", "http://127.0.0.1:9000")
    assert read(tmp_path, here, lenient=True) == ""
    assert "https" in read(tmp_path, here)
    assert "https" in read(tmp_path, here.replace("127.0.0.1", "10.0.0.1"), lenient=True)


def test_what_no_text_at_hand_says_is_marked(tmp_path: Path) -> None:
    for name, shape in shapes().items():
        assert shape["source"]
        assert shape["date"]
        assert shape.get("unverified") or name == "hospital"
