"""Settings that say who publishes and hosts the platform, which the law wants on its pages (LCEN, article 6)."""

from typing import Final

from pydantic_settings import BaseSettings

#: What must be said, by the name of the setting; a demonstration says it of nobody.
_INVENTED: Final = {
    "publisher_name": "Collectivité d'exemple (inventée)",
    "publisher_address": "1 rue de l'Exemple, 00000 Exempleville",
    "publisher_email": "contact@chorale.example",
    "publisher_director": "Camille Exemple (inventée)",
    "hosting": "Le poste de la personne qui essaie Chorale",
}


class PublisherSettings(BaseSettings):
    """Outside development each is required.

    ``publisher_director``: of the publication; ``hosting``: name and address.
    """

    publisher_name: str = ""
    publisher_address: str = ""
    publisher_email: str = ""
    publisher_director: str = ""
    hosting: str = ""

    @property
    def unsaid(self) -> list[str]:
        """The settings that are missing."""
        return [f"CHORALE_{name.upper()}" for name in _INVENTED if not getattr(self, name).strip()]

    @property
    def publisher(self) -> dict[str, str]:
        """What the pages say, by the name of the setting."""
        return {name: getattr(self, name).strip() or invented for name, invented in _INVENTED.items()}
