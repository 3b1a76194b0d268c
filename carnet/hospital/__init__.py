# SPDX-License-Identifier: EUPL-1.2
"""The hospital: what its software says of stays by HL7 v2, kept in the record of each person."""
