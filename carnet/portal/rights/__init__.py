# SPDX-License-Identifier: EUPL-1.2
"""Who may read my record, what I choose of it, and why a professional does not see."""
