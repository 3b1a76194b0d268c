# SPDX-License-Identifier: EUPL-1.2
"""Loading files: documents and resources somebody already has, one outcome a file.

`files` reads bytes, `sets` says what the FHIR files hold, `names` resolves their references to each other,
`order` says what goes in first, `write` writes, `people` makes the identities that are missing, `run` does
all of it, `reports` tells it.
"""
