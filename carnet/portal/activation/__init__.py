# SPDX-License-Identifier: EUPL-1.2
"""How somebody gets an account, and gets back in: the counter, and the page of the code."""
