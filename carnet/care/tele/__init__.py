# SPDX-License-Identifier: EUPL-1.2
"""Teleconsultation: the act proposed, who pays what, the room and its signalling."""
