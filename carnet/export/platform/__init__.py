# SPDX-License-Identifier: EUPL-1.2
"""The whole platform taken away, and put back on an empty machine (docs/decisions/0052).

`ask` is who may; `take` writes and `restore` reads; `sealed` is the encryption, `parts` the files and the
manifest, `tables` what goes as rows. docs/reference/platform-archive.md says the format.
"""
