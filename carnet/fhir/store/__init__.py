# SPDX-License-Identifier: EUPL-1.2
"""The store: resources, versions and attachments, sealed per patient; reached through the door alone."""
