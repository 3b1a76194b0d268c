# SPDX-License-Identifier: EUPL-1.2
"""One's identity and its sheet; the officers' queue, comparisons and merges."""
