# SPDX-License-Identifier: EUPL-1.2
"""What the database knows of those who act for somebody; the acts are beside this folder."""
