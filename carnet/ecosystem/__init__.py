# SPDX-License-Identifier: EUPL-1.2
"""What is around the services: which rules apply, what was announced, what is counted and learned."""
