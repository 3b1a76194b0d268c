# SPDX-License-Identifier: EUPL-1.2
"""How often anybody may do anything, and what an operator is told of: data in limits.toml, alarms.toml."""
