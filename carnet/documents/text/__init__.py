# SPDX-License-Identifier: EUPL-1.2
"""Full text in French over a record: titles, sections and files, looked for through the door.

- `words.py`: a text as words and stems, `stemmer.py` how a word is cut, `synonyms.toml` what means the same.
- `asking.py`: what is typed, as a question.
- `index.py`: what is kept of each document: keyed hashes of its stems, and its text, sealed.
- `find.py`: the documents that answer, their snippets, what may narrow them.
"""
