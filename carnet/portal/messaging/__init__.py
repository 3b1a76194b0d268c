# SPDX-License-Identifier: EUPL-1.2
"""Secure mail: a professional's mailboxes and tray, a citizen's conversations."""
