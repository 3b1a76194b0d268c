# SPDX-License-Identifier: EUPL-1.2
"""Professionals and places: resources of the directory, which everyone reads and loaders write."""
