# SPDX-License-Identifier: EUPL-1.2
"""Many records at once: $export for those who may read them, $import for an operator.

Source: HL7 FHIR Bulk Data Access 2.0.
"""
