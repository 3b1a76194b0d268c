# SPDX-License-Identifier: EUPL-1.2
"""Whether a resource is what it says: structure first; invariants, profiles and terminology follow."""
