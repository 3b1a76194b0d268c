# SPDX-License-Identifier: EUPL-1.2
"""The professional finds a patient and declares a consent."""
