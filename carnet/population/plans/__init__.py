# SPDX-License-Identifier: EUPL-1.2
"""What happens to a person: each module plans documents of one part of their care."""
