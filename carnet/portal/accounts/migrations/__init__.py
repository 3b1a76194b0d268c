# SPDX-License-Identifier: EUPL-1.2
"""Changes of the account tables."""
