# SPDX-License-Identifier: EUPL-1.2
"""Images: DICOM in by the network, kept in the record behind a manifest, found and shown as documents are."""
