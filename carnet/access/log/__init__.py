# SPDX-License-Identifier: EUPL-1.2
"""The audit as a log that shows its own rewriting (docs/decisions/0017).

`tree` is RFC 6962; `rows` says what a leaf is; `heads` signs; `sealing` adds what was written since;
`verify` finds what differs; `proofs` show one line, or that one head continues another.
"""
