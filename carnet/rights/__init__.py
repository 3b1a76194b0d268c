# SPDX-License-Identifier: EUPL-1.2
"""Life of a record and of the rights on it: consents, and who has read."""
