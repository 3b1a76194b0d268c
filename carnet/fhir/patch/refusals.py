# SPDX-License-Identifier: EUPL-1.2
"""What can be wrong with a patch. A sentence names the operation by its place, never what it says."""

from carnet import errors


class WrongPatch(errors.Invalid):
    """A patch is a JSON Patch (RFC 6902), or a FHIRPath Patch in a Parameters resource."""


class NotApplied(errors.CarnetError):
    """An operation of the patch cannot be applied to the resource as it is."""

    status = 422


class TestFailed(errors.Conflict):
    """What the patch tests is not so: the resource is left as it was."""

    __test__ = False  # not one of pytest's
