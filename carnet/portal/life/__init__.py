# SPDX-License-Identifier: EUPL-1.2
"""Pages of the life of a record, of emergencies, and of what leaves by mail."""
