# SPDX-License-Identifier: EUPL-1.2
"""Pages of log-ins through another provider."""
