# SPDX-License-Identifier: EUPL-1.2
"""`python -m carnet` is the command `carnet`."""

from carnet.cli import main

main()
