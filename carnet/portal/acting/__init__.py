# SPDX-License-Identifier: EUPL-1.2
"""Those who act for somebody: choose whose record, give and end mandates, a helper's session."""
