# SPDX-License-Identifier: EUPL-1.2
"""FHIR over HTTP: each module is one interaction; no rule lives here."""
