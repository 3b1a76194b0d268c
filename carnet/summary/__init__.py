# SPDX-License-Identifier: EUPL-1.2
"""One page of health: what matters of a record, reconciled, each line with where it comes from.

- `gather.py` reads, through the door: a bounded number of searches, nothing the viewer may not see.
- `problems.py`, `allergies.py`, `treatments.py`, `results.py`, `vaccinations.py`, `stays.py`,
  `directives.py`, `contacts.py` are the rules, pure: from facts to lines. What they compare with is
  data (`rules.toml`, `results.toml`), with its source, or said to be ours and unverified.
- `doses.py` says coded doses in words, `words.py` the words of the page itself: data too.
- `said.py` finds the section of the document where a line was said.
- `patient_summary.py` writes the same page as an International Patient Summary.

Nothing is decided here: two sources that disagree are both shown, and said to disagree.
"""

from carnet.summary.gather import health
from carnet.summary.pages import Health
from carnet.summary.words import Language

__all__ = ["Health", "Language", "health"]
