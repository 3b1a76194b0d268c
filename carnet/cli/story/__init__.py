# SPDX-License-Identifier: EUPL-1.2
"""One story through every service, told from outside: each step is a message that a program or a person
would send, over its own protocol, to the running demonstration."""
