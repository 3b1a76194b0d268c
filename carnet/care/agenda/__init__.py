# SPDX-License-Identifier: EUPL-1.2
"""Agendas: what an organisation offers (Schedule, Slot), and what is taken of it (Appointment)."""
