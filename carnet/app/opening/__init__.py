# SPDX-License-Identifier: EUPL-1.2
"""A private instance: one owner, who reads the documents they hold, on their own machine.

`lock` keeps the installation's keys under a passphrase, `owner` makes who reads and who loads, `run` loads
files, `report` tells what came of them, `pages` is what the pages call.
"""
