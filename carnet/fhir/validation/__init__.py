# SPDX-License-Identifier: EUPL-1.2
"""Whether a resource is what it says: structure first, then R4's rules, extensions and profiles.

`structure.check` is what every write passes; `validator.Validator` is the whole, for some packages.
"""
