# SPDX-License-Identifier: EUPL-1.2
"""Log in through another OpenID provider: a hospital's, Pro Santé Connect, FranceConnect."""
