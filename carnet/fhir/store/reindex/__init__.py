# SPDX-License-Identifier: EUPL-1.2
"""Index rows made anew from the bodies, and compared with what is there."""
