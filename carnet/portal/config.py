# SPDX-License-Identifier: EUPL-1.2
"""The values the portal is set up with."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the pages need to know of the installation."""

    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    base_url: str
    demo: bool
    private: bool = False  # one owner, on their own machine
