# SPDX-License-Identifier: EUPL-1.2
"""Accounts: who is proven at a counter, the code they leave with, and the account they make by it."""
