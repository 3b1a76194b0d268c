# SPDX-License-Identifier: EUPL-1.2
"""PostgreSQL: the embedded server, connections, migrations, and the checks made before serving."""
