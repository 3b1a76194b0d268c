# SPDX-License-Identifier: EUPL-1.2
"""Applications and software as an operator decides of them; what errors mean, for developers."""
