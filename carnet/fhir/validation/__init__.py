# SPDX-License-Identifier: EUPL-1.2
"""Whether a resource is what it says: structure first, other passes later."""
