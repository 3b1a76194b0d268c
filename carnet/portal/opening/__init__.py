# SPDX-License-Identifier: EUPL-1.2
"""The pages of a private instance: its passphrase, whom the documents name, what was read of the files."""
