# SPDX-License-Identifier: EUPL-1.2
"""Accounts of a demonstration are said to be so, and those that may set their first second factor."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField("account", "demonstration", models.BooleanField(default=False)),
        migrations.AddField("account", "enrols", models.BooleanField(default=False)),
    ]
