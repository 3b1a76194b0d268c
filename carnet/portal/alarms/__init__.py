# SPDX-License-Identifier: EUPL-1.2
"""Alarms: what an operator must look at, who took it, what it was. Nothing of health."""
