# SPDX-License-Identifier: EUPL-1.2
"""The page where a prescriber writes a prescription."""
