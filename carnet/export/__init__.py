# SPDX-License-Identifier: EUPL-1.2
"""A whole record to take away: documents, resources, rights, who read it, and how to check that.

`take` makes it; `archive` is the ZIP; `pages` and `words` are what people read in it; `journal` is the
log with its proofs (docs/decisions/0023).
"""
