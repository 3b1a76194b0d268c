# SPDX-License-Identifier: EUPL-1.2
"""Forms in which health documents travel: archives, mails, messages. Bytes in, parts and findings out.

Nothing here knows a record: what is read is a claim of who wrote it, and each reader keeps its bounds.
"""
