# SPDX-License-Identifier: EUPL-1.2
"""The authorization server: what stands at /oauth. Today the public keys that verify its tokens."""
