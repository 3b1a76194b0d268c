# SPDX-License-Identifier: EUPL-1.2
"""Code lists as people read them."""

import pytest

from carnet.documents import nomenclature


@pytest.mark.parametrize(
    ("code", "read"),
    [("umol/L", "µmol/L"), ("10*9/L", "10⁹/L"), ("m[IU]/L", "mUI/L"), ("g/L", "g/L"), ("", "")],
)
def test_a_unit_is_printed_as_people_read_it(code: str, read: str) -> None:
    assert nomenclature.unit(code) == read
