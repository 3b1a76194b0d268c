# SPDX-License-Identifier: EUPL-1.2
"""The shared record of documents (DMP): what was written, and how it is read again."""
