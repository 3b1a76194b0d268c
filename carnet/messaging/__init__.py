# SPDX-License-Identifier: EUPL-1.2
"""Secure mail (MSSanté): in and out between the domains of a trust list, filed on a verified identity."""
