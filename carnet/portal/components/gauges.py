# SPDX-License-Identifier: EUPL-1.2
"""Where a number stands beside its reference range, as a small drawing.

The words beside it say the same: assistive tools skip it.
"""

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

LENGTH, HEIGHT = 96, 14


def gauge(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> SafeString:
    """A bar whose middle half is the range; nothing when a number is missing."""
    if value is None or low is None or high is None or high <= low:
        return mark_safe("")
    share = float((value - low) / (high - low))  # 0 and 1 are the ends of the range
    x = LENGTH * (0.25 + 0.5 * share)
    side = "inside" if 0 <= share <= 1 else "outside"
    if not 5 <= x <= LENGTH - 5:  # far outside: a tip against the end of the bar
        tip = "6,7 14,1 14,13" if x < 5 else f"{LENGTH - 6},7 {LENGTH - 14},1 {LENGTH - 14},13"
        mark = format_html('<polygon class="gauge-{}" points="{}"/>', side, tip)
    else:
        mark = format_html('<circle class="gauge-{}" cx="{}" cy="7" r="5"/>', side, f"{x:.1f}")
    return format_html(
        '<svg class="gauge" viewBox="0 0 {} {}" width="{}" height="{}" aria-hidden="true"'
        ' focusable="false"><rect class="gauge-bar" x="0" y="5" width="{}" height="4" rx="2"/>'
        '<rect class="gauge-range" x="{}" y="4" width="{}" height="6" rx="1"/>{}</svg>',
        LENGTH, HEIGHT, LENGTH, HEIGHT, LENGTH, LENGTH // 4, LENGTH // 2, mark,
    )  # fmt: skip
