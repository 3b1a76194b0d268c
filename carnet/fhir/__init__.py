# SPDX-License-Identifier: EUPL-1.2
"""The standard, alone: FHIR R4 as data and as rules, without web and without policy."""
