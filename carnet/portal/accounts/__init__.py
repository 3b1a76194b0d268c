# SPDX-License-Identifier: EUPL-1.2
"""Log-in: who holds an account, and which subject of the record it is."""
