"""Who is asking, said by the test: for applications inside it, whose tokens are nobody's concern."""

from services.common.access import Development
from services.common.principal import Holder, Principal
from services.common.tokens import mint


class Fixed:
    """Every token is this principal's."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    async def principal(self, token: str) -> Principal:
        """His, whatever the token."""
        return self._principal

    async def still(self, principal: Principal) -> Principal | None:
        """Nothing changes."""
        return principal

    async def of(self, subject: str) -> Principal | None:
        """Nobody else is known."""
        return self._principal if subject == self._principal.subject else None

    async def holds(self, holder: Holder, given: float) -> bool:
        """Nothing changes."""
        return holder == self._principal.holder


class Named:
    """Development tokens, and beside them names of principals with rights at places."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._others = Development(secret)
        self._named: dict[str, Principal] = {}
        #: Subjects who have lost the rights that their links stood on.
        self.withdrawn: set[str] = set()

    def token(self, principal: Principal) -> str:
        """What stands for this principal."""
        if not principal.grants:
            return mint(self._secret, principal)
        name = f"named-{len(self._named)}"
        self._named[name] = principal
        return name

    async def principal(self, token: str) -> Principal:
        """Who was named so, or whose development token it is."""
        return self._named.get(token) or await self._others.principal(token)

    async def still(self, principal: Principal) -> Principal | None:
        """Nothing changes."""
        return principal

    async def of(self, subject: str) -> Principal | None:
        """Nothing is known of a subject without its token."""
        return None

    async def holds(self, holder: Holder, given: float) -> bool:
        """All but those of whom the test says otherwise."""
        return holder.subject not in self.withdrawn
