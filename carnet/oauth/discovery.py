# SPDX-License-Identifier: EUPL-1.2
"""What this server can do, as programs read it.

Sources: OpenID Connect Discovery 1.0; RFC 8414; SMART App Launch 2.2, .well-known/smart-configuration.
"""

from __future__ import annotations

from typing import Any, Final

from carnet.access.keyring import IDENTITY
from carnet.oauth.credentials import ALGORITHMS
from carnet.oauth.exchange import GRANT as EXCHANGE

AUTHENTICATION: Final = ["none", "private_key_jwt", "client_secret_basic", "client_secret_post"]
GRANTS: Final = ["authorization_code", "refresh_token", "client_credentials", EXCHANGE]
SCOPES: Final = [
    "openid", "fhirUser", "launch", "launch/patient", "offline_access", "online_access",
    "patient/*.cruds", "user/*.cruds", "system/*.cruds",
]  # fmt: skip
# Each is tested, or it is not announced.
CAPABILITIES: Final = [
    "launch-ehr", "launch-standalone", "authorize-post", "client-public",
    "client-confidential-symmetric", "client-confidential-asymmetric", "sso-openid-connect",
    "context-standalone-patient", "context-ehr-patient", "permission-patient", "permission-user",
    "permission-offline", "permission-online", "permission-v2",
]  # fmt: skip


def server(issuer: str) -> dict[str, Any]:
    """Metadata of the authorization server."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANTS,
        "code_challenge_methods_supported": ["S256"],
        **{
            f"{name}_endpoint_auth_{said}": value
            for name in ("token", "introspection", "revocation")
            for said, value in (
                ("methods_supported", AUTHENTICATION),
                ("signing_alg_values_supported", ALGORITHMS),
            )
        },
        "authorization_response_iss_parameter_supported": True,
    }


def openid(issuer: str) -> dict[str, Any]:
    """Metadata of the OpenID provider."""
    return server(issuer) | {
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [IDENTITY],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "acr", "amr", "name", "fhirUser",
        ],
        "prompt_values_supported": ["login", "consent", "select_account"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }  # fmt: skip


def smart(issuer: str) -> dict[str, Any]:
    """What an application reads first, beside the FHIR server."""
    return openid(issuer) | {"capabilities": CAPABILITIES}
