# SPDX-License-Identifier: EUPL-1.2
"""Care as it is organised: agendas and appointments."""
