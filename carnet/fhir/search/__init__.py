# SPDX-License-Identifier: EUPL-1.2
"""Search: what a resource is found by, and how a question becomes SQL."""
