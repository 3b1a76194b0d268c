# SPDX-License-Identifier: EUPL-1.2
"""What the record already holds: the same examination, done some days ago.

- `examinations.toml`: which codes ask for the same examination, and for how long one still holds.
- `already.py`: the last same examination, among those a viewer sees. Pure.
- `copies.py`: which documents are one and the same, and which only look alike. Pure.
- `reading.py`: what a document is recognised by. Pure. `keep.py` keeps it, and compares through the door.
"""
