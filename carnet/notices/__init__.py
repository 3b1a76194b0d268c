# SPDX-License-Identifier: EUPL-1.2
"""E-mails and letters, without health content: `access.notices` writes them, here they leave."""
