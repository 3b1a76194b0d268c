# SPDX-License-Identifier: EUPL-1.2
"""Acts on identity: finding, registering and qualifying persons."""
