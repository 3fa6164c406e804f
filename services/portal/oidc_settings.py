"""Settings of the sign-in through an outside OpenID Connect provider."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings


class OidcSettings(BaseSettings):
    """One provider, shaped like ProConnect. Without ``oidc_issuer`` there is none.

    ``oidc_email_trusted``: the provider answers for the addresses it states, although it does not say
    ``email_verified``. ``oidc_acr``: the least level of assurance asked for, such as ``eidas1``.
    """

    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_scope: str = "openid email profile"
    oidc_label: str = "ProConnect"
    oidc_acr: str = ""
    oidc_email_trusted: bool = False
    oidc_seconds: float = 10.0
