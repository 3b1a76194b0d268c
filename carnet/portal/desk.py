# SPDX-License-Identifier: EUPL-1.2
"""What `setup` was given, for the views."""

from carnet.portal.acts import Parts
from carnet.portal.config import Config

_config: Config | None = None
_parts: Parts | None = None


def install(config: Config, parts: Parts | None) -> None:
    """Keep what the pages call; a second call replaces the parts."""
    global _config, _parts
    _config = config
    _parts = parts


def config() -> Config:
    """The values of the installation."""
    if _config is None:
        raise RuntimeError("carnet.portal.setup has not been called")
    return _config


def parts() -> Parts:
    """The acts behind the pages."""
    if _parts is None:
        raise RuntimeError("carnet.portal.setup was called without parts: no page can be served")
    return _parts
