# SPDX-License-Identifier: EUPL-1.2
"""The people's web: pages for citizens and professionals (Django)."""
