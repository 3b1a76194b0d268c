# SPDX-License-Identifier: EUPL-1.2
"""Taking a record away: the page that says what is in it, and the file."""
