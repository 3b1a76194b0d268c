# SPDX-License-Identifier: EUPL-1.2
"""Accounts that another provider opens, and the sessions it opened."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_demonstration")]

    operations = [
        migrations.CreateModel(
            name="Linked",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=40)),
                ("sub", models.CharField(max_length=255)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="linked",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["provider", "sub"], name="linked_once"),
                    models.UniqueConstraint(fields=["provider", "account"], name="linked_to_one"),
                ]
            },
        ),
        migrations.CreateModel(
            name="UpstreamSession",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=40)),
                ("sub", models.CharField(max_length=255)),
                ("sid", models.CharField(max_length=255)),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={
                "indexes": [models.Index(fields=["provider", "sub"], name="upstream_session_of")]
            },
        ),
    ]
