# SPDX-License-Identifier: EUPL-1.2
"""Who: numbers and traits that name people, professionals and places. Rules only."""
