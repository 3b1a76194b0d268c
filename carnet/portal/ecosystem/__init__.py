# SPDX-License-Identifier: EUPL-1.2
"""What anybody may read without an account: the counter of rules, what was announced, what is counted."""
