# SPDX-License-Identifier: EUPL-1.2
"""What a person allows to applications: the page that asks, the list of what was allowed, the opening."""
