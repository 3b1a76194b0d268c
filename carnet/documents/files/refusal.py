# SPDX-License-Identifier: EUPL-1.2
"""What a job of the confined process raises; `refused.py` gives it its sentence."""


class Refusal(Exception):
    """The file is refused for this rule of words.toml."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule
