# SPDX-License-Identifier: EUPL-1.2
"""Nomenclatures come in: a module for each form of file, one that knows which it is, one that stores."""
