# SPDX-License-Identifier: EUPL-1.2
"""A person's appointments: seen, moved, cancelled, taken to one's own calendar."""
