"""A real OpenID Connect server (Canaille) as a process: ``python -m tests.integration.oidc_server PORT CALLBACK``.

Its own pages are left out: whoever the cookie ``who`` names is signed in there and has consented. The cookie ``shown``
says how many seconds from now he showed it who he is: ``5``, he does so as soon as he is asked.
"""

import datetime
import os
import sys
import uuid
import wsgiref.simple_server
from importlib import import_module
from typing import Any

CLIENT, SECRET = "chorale", "a secret between chorale and its provider"
#: Who has an account there, and whether the server answers for the address.
PEOPLE = {
    "ada": "Ada Lovelace",
    "grace": "Grace Hopper",
    "alan": "Alan Turing",
    "margaret": "Margaret Hamilton",
    "dorothy": "Dorothy Vaughan",
    "katherine": "Katherine Johnson",
}


def address_of(name: str) -> str:
    """The address that the server states of one of its people."""
    return f"{name}@ministere.example"


def _config(port: int, key: object) -> dict[str, Any]:
    return {
        "TESTING": True,
        "ENV_FILE": None,
        "SECRET_KEY": str(uuid.uuid4()),
        "WTF_CSRF_ENABLED": False,
        "PREFERRED_URL_SCHEME": "http",
        "SERVER_NAME": f"localhost:{port}",
        "CANAILLE": {
            "DATABASE": "memory",
            "JAVASCRIPT": False,
            "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}},
        },
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [key]},
    }


def main(port: int, callback: str) -> None:
    """Serve until killed."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    from flask import g, request
    from joserfc.jwk import JWKRegistry

    # Without types; and imported here, because it looks at the environment when it is.
    canaille: Any = import_module("canaille")
    models: Any = import_module("canaille.app.models")
    session: Any = import_module("canaille.app.session")
    backend: Any = import_module("canaille.backends").Backend
    key = JWKRegistry.generate_key("RSA", 2048)
    key.ensure_kid()
    app = canaille.create_app(config=_config(port, key.as_dict(private=True)))
    users: dict[str, Any] = {}
    with app.app_context():
        client = models.Client(
            client_id=CLIENT,
            client_secret=SECRET,
            client_name="Chorale",
            redirect_uris=[callback],
            post_logout_redirect_uris=[callback.partition("/api/")[0] + "/"],
            scope=["openid", "email", "profile"],
            grant_types=["authorization_code"],
            response_types=["code"],
            token_endpoint_auth_method="client_secret_post",
        )
        backend.instance.save(client)
        client.audience = [client]
        backend.instance.save(client)
        for name, whole in PEOPLE.items():
            given, _, family = whole.partition(" ")
            user = models.User(
                user_name=name,
                formatted_name=whole,
                given_name=given,
                family_name=family,
                emails=[address_of(name)],
                password="not used here",
            )
            backend.instance.save(user)
            users[name] = user
            consent = models.Consent(
                consent_id=str(uuid.uuid4()),
                client=client,
                subject=user,
                scope=client.scope,
                issue_date=datetime.datetime.now(datetime.UTC),
            )
            backend.instance.save(consent)

    def signed_in() -> None:
        user = users.get(request.cookies.get("who", ""))
        if user is not None:
            shown = datetime.timedelta(seconds=int(request.cookies.get("shown", "0")))
            when = datetime.datetime.now(datetime.UTC) + shown
            g.session = session.UserSession(user=user, last_login_datetime=when)

    app.before_request(signed_in)
    wsgiref.simple_server.make_server("localhost", port, app).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
