"""Every page: its name, its address, who looks at it. A page that is not here fails a test.

``who`` is a name of :func:`tests.browser.people.furnish`, None for nobody. ``status``: of pages about a refusal.
A new area adds its rows here; ``address`` may ask the platform for what only it knows (an invoice's id).
A table: it stays in one file.
"""

import html
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from deploy.demo.desk import Desk
from services.portal.pages import help_texts
from services.portal.pages.words import Language
from tests.browser import acts, deposits, factors, faults, lives, offices, parked
from tests.browser.visit import Visit
from tests.browser.world import TOWN, Platform
from tests.integration.account_world import SIRET, new_address


@dataclass(frozen=True)
class Row:
    """One page."""

    name: str
    path: str
    who: str | None = None
    status: int = 200
    #: The route that it is a page of, where its path has parts of its own.
    route: str | None = None
    address: Callable[[Platform], str] | None = None
    language: Language = "fr"
    #: What is pressed on the page of that address, and leads to the one that is looked at.
    act: Callable[[Platform, Visit], None] | None = None
    #: What is wrong meanwhile.
    amid: faults.Meanwhile | None = None
    #: Left out of the short run: looked at takes seconds.
    long: bool = False

    def where(self, platform: Platform) -> str:
        """Its address."""
        return self.address(platform) if self.address else self.path

    def look(self, platform: Platform, seen: Visit, where: str) -> None:
        """Come to it; ``where``: what :meth:`where` has found."""
        with self.amid(platform) if self.amid else nullcontext():
            if self.act is None:
                seen.open(where, self.status)
            else:
                act = self.act
                seen.open(where)
                seen.follow(lambda own: act(platform, own), self.status)


def solicitation(platform: Platform) -> str:
    """The page of a question to support."""
    given = {
        "category": "COMPTES",
        "subcategory": "CONNEXION",
        "title": "Second facteur perdu",
        "text": "Bonjour, j'ai changé de téléphone : que faire ?",
    }
    made = platform.ask("claire", "POST", "/api/v1/solicitations", given, once="every-page")
    return f"/sollicitations/{made['id']}"


def invitation(platform: Platform) -> str:
    """The page of an invitation that can still be accepted, as its mail leads to it."""
    email = new_address()
    given = {"email": email, "roles": [{"role": "AGENT", "service": "DRH"}]}
    platform.ask("agnes", "POST", f"/api/v1/accounts/structures/{TOWN}/invitations", given)
    with Desk(platform.stack) as desk:
        return f"/invitation?token={desk.word(email, 'invité')}"


def webhook(platform: Platform) -> str:
    """The page of a webhook that was called, in vain."""
    at = "/api/v1/webhooks"
    known = platform.ask("claire", "GET", at)
    made = known[0] if known else platform.ask("claire", "POST", at, {"url": "https://erp.example/in"})
    if not known:
        platform.ask("claire", "POST", f"{at}/{made['id']}/test")  # its log has an entry
    return f"/webhooks/{made['id']}"


def _draft(under: str = "", name: str = "brouillon") -> Callable[[Platform], str]:
    return lambda platform: f"/brouillons/{deposits.draft(platform, name)}{under}"


def _asks_of(page: Callable[[Platform], str]) -> Callable[[Platform], str]:
    """Where the link of a page leads that asks a person about it."""

    def address(platform: Platform) -> str:
        cookie = {"Cookie": f"chorale={platform.cookie('claire')['value']}"}
        answer = platform.http.get(f"{platform.url}{page(platform)}", headers=cookie)
        main = answer.raise_for_status().text.partition("<main")[2].partition("</main>")[0]
        asked = main.partition('href="/sollicitations/nouvelle?')[2].partition('"')[0]
        assert f"siret={TOWN}&" in html.unescape(asked), asked
        return f"/sollicitations/nouvelle?{html.unescape(asked)}"

    return address


def _invoice(make: Callable[[Platform], str], under: str = "") -> Callable[[Platform], str]:
    return lambda platform: f"/factures/{make(platform)}{under}"


def _available(platform: Platform) -> str:
    return lives.available(platform, "page")


def _space(make: Callable[[Platform], str], path: str) -> Callable[[Platform], str]:
    """A space of invoices in which there is something."""
    return lambda platform: make(platform) and path


def _chosen(platform: Platform) -> str:
    chosen = "&".join(f"id={lives.available(platform, name)}" for name in ("page", "page-2"))
    return f"/factures/actions?{chosen}&dans=/factures/recues"


def _workshop(under: str = "") -> Callable[[Platform], str]:
    return lambda platform: f"/structures/{offices.workshop(platform)}{under}"


def _structure(name: str, path: str, who: str = "bruno") -> Row:
    """A page of a structure: Bruno's own, or Claire's, who has proved nothing there."""
    route = f"/structures/{{structure}}{path}"
    if who == "bruno":
        return Row(name, "", who, route=route, address=_workshop(path))
    return Row(name, f"/structures/{SIRET}{path}", who, route=route)


_ONE = "/factures/{invoice}"
_ATTACHMENT = "/structures/{structure}/rattachement"
_PEOPLE = "/structures/{structure}/personnes"
_PROGRAMS = "/structures/{structure}/logiciels"
ROWS: tuple[Row, ...] = (
    Row("accueil-public", "/"),
    Row("accueil", "/", "claire"),
    Row("accueil-organisme", "/", "agnes"),
    Row("accueil-exploitant", "/", "otto"),
    Row("connexion", "/connexion"),
    Row("inscription", "/inscription"),
    Row("inscription-message", "/inscription/message"),
    Row("mot-de-passe", "/mot-de-passe"),
    Row("mot-de-passe-message", "/mot-de-passe/message"),
    Row("lien", "/lien", address=lambda platform: platform.reset_link()),
    Row("lien-fini", "/lien?token=faux", status=410),
    Row("invitation", "", route="/invitation", address=invitation),
    Row("invitation-finie", "/invitation?token=faux", status=410, route="/invitation"),
    Row("compte", "/compte", "claire"),
    Row("compte-preuve", "/compte/preuve", "claire"),
    Row("compte-mot-de-passe", "/compte/mot-de-passe", "claire"),
    Row("compte-adresse", "/compte/adresse", "claire"),
    Row("compte-code", "", "wilma", address=factors.without, act=factors.begins),
    Row("compte-securite-code", "", "paco", address=factors.held),
    Row("compte-codes-de-secours", "", "paco", address=factors.held, act=factors.renews_codes),
    Row(
        "compte-preuve-code",
        "",
        "paco",
        route="/compte/preuve",
        address=lambda p: f"/compte/preuve?suite={factors.held(p)}",
    ),
    Row("connexion-second", "", address=factors.signing_in, act=factors.signs_in),
    Row("session-finie", "/compte/securite"),
    Row("session-finie-formulaire", "/connexion", status=401, act=acts.sends_after_the_night),
    Row("formulaire-perime", "/compte/adresse", "wilma", 403, act=acts.sends_an_old_form),
    Row("compte-donnees", "/compte/donnees", "claire"),
    Row("compte-fermeture", "/compte/fermeture", "claire"),
    Row("compte-securite", "/compte/securite", "claire"),
    Row("annuaire", "/annuaire"),
    Row("annuaire-reponses", "/annuaire?q=departement"),
    Row("annuaire-rien", "/annuaire?q=zzzzzz"),
    Row("annuaire-fiche", f"/annuaire/{TOWN}", route="/annuaire/{siret}"),
    Row("annuaire-fiche-connecte", f"/annuaire/{TOWN}", "claire", route="/annuaire/{siret}"),
    Row("sollicitations", "/sollicitations", "claire"),
    Row("sollicitations-filtrees", "/sollicitations?etat=close&q=rien", "claire"),
    Row("sollicitation-nouvelle", "/sollicitations/nouvelle?page=/compte", "claire"),
    Row("sollicitation-organisme", f"/sollicitations/nouvelle?siret={TOWN}&page=/annuaire/{TOWN}", "claire"),
    Row("sollicitation-brouillon", "", "claire", route="/sollicitations/nouvelle", address=_asks_of(_draft())),
    Row("sollicitation-refus", "", "claire", address=_asks_of(lambda p: f"/depots/{deposits.refused(p)}")),
    Row(
        "sollicitation-facture-partie",
        "/sollicitations/nouvelle?facture=0190e8a0-0000-7000-8000-000000000042",
        "claire",
    ),
    Row("sollicitation", "", "claire", route="/sollicitations/{solicitation}", address=solicitation),
    Row("messages", "/messages", "claire"),
    Row("messages-reglages", "/messages/reglages", "claire"),
    Row("webhooks", "/webhooks", "claire"),
    Row("webhook", "", "claire", route="/webhooks/{webhook}", address=webhook),
    Row("annonces", "/annonces"),
    Row("annonces-exploitant", "/annonces", "otto"),
    *(
        Row(f"factures-{name}-{view or 'synthese'}", f"/factures/{name}{'/' + view if view else ''}", who)
        for name, who in (("emises", "claire"), ("recues", "agnes"))
        for view in ("", "tableau", "recherche")
    ),
    *(
        Row(f"factures-{name}-{view[1:] or 'synthese'}", "", "bruno", route=f"/factures/{name}{view}", address=address)
        for name, make in (("a-valider", lives.to_validate), ("travaux", lives.works))
        for view in ("", "/tableau", "/recherche")
        for address in [_space(make, f"/factures/{name}{view}")]
    ),
    Row("factures-recherche-refusee", "/factures/recues/recherche?amount_from=beaucoup", "agnes", status=422),
    Row("factures-recherches", "/factures/recherches", "agnes"),
    Row("factures-recherches-gardees", "", "claire", address=acts.keeps_a_search),
    Row("factures-motif", "/factures/motif", "otto"),
    Row(
        "facture-inconnue",
        "/factures/0190e8a0-0000-7000-8000-000000000042?dans=/supervision/lettres",
        "agnes",
        404,
        route=_ONE,
    ),
    Row("facture", "", "claire", route=_ONE, address=_invoice(_available)),
    Row("facture-organisme", "", "agnes", route=_ONE, address=_invoice(_available)),
    Row("facture-suspendue", "", "claire", route=_ONE, address=_invoice(lives.suspended)),
    Row("facture-rejetee", "", "claire", route=_ONE, address=_invoice(lives.rejected)),
    Row("facture-a-recycler", "", "claire", route=_ONE, address=_invoice(lives.returned)),
    Row("facture-travaux", "", "bruno", route=_ONE, address=_invoice(lives.works)),
    Row("facture-a-valider", "", "bruno", route=_ONE, address=_invoice(lives.to_validate)),
    Row(
        "facture-suspendre",
        "",
        "agnes",
        route="/factures/{identity}/agir/{action}",
        address=_invoice(_available, "/agir/suspend"),
    ),
    Row("facture-completer", "", "claire", address=_invoice(lives.suspended, "/agir/complete")),
    Row("facture-recycler", "", "claire", address=_invoice(lives.returned, "/agir/recycle")),
    Row("factures-actions", "", "agnes", route="/factures/actions", address=_chosen),
    Row(
        "travaux-dossier",
        "",
        "bruno",
        route="/factures/travaux/dossiers/{file}",
        address=lambda p: f"/factures/travaux/dossiers/{lives.works(p)}",
    ),
    Row("archives", "/archives", "claire"),
    Row("archives-annee", "/archives/2026", "claire", route="/archives/{year}"),
    Row("etat", "/etat"),
    Row("accessibilite", "/accessibilite"),
    Row("mentions-legales", "/mentions-legales"),
    Row("donnees-personnelles", "/donnees-personnelles"),
    Row("supervision", "/supervision", "otto"),
    Row("supervision-collectivite", "/supervision", "agnes"),
    Row("supervision-courbe", "/supervision/courbes/rates", "otto", route="/supervision/courbes/{name}"),
    Row("supervision-barres", "/supervision/courbes/risks", "agnes", route="/supervision/courbes/{name}"),
    Row("supervision-lecture", "/supervision/lecture", "otto"),
    Row("supervision-flux", "/supervision/flux", "otto", address=deposits.rejected_flows),
    Row("supervision-lettres", "/supervision/lettres", "otto"),
    Row(
        "supervision-lettre",
        "/supervision/lettres",
        "otto",
        route="/supervision/lettres/{service}/{letter}",
        address=parked.shown,
    ),
    Row(
        "supervision-motif",
        "/supervision/lettres/status/ensemble?reason=STATUS_ORDER",
        "otto",
        route="/supervision/lettres/{service}/ensemble",
    ),
    Row("deposer", "/deposer", "claire"),
    Row("deposer-pour", f"/deposer?siret={TOWN}&service=DRH", "claire"),
    Row("deposer-sans-droit", "/deposer", "agnes"),
    Row("deposer-suivi", "/deposer/suivi", "claire"),
    Row("depot-envoye", "", "claire", route="/depots/{deposit}", address=lambda p: f"/depots/{deposits.sent(p)}"),
    Row("depot-refuse", "", "claire", route="/depots/{deposit}", address=lambda p: f"/depots/{deposits.refused(p)}"),
    Row("depot-illisible", "", "claire", address=lambda p: f"/depots/{deposits.unreadable(p)}"),
    Row("depot-doublon", "", "claire", address=lambda p: f"/depots/{deposits.again(p)}"),
    Row("brouillons", "/brouillons", "claire"),
    Row("brouillon", "", "claire", route="/brouillons/{draft_id}", address=_draft()),
    Row("brouillon-controle", "", "claire", address=_draft("?vue=controle")),
    Row("brouillon-numerise", "", "claire", address=lambda p: f"/brouillons/{deposits.scan(p)}?vue=controle"),
    Row("brouillon-saisi", "", "claire", address=lambda p: f"/brouillons/{deposits.typed(p)}"),
    Row("brouillon-lignes", "", "claire", address=lambda p: f"/brouillons/{deposits.lined(p)}"),
    Row(
        "brouillon-a-corriger",
        "",
        "claire",
        422,
        address=lambda p: f"/brouillons/{deposits.typed(p)}",
        act=acts.sends_too_early,
    ),
    Row("brouillon-cadre", "", "claire", route="/brouillons/{draft_id}/cadre", address=_draft("/cadre")),
    Row("brouillon-pieces", "", "claire", route="/brouillons/{draft_id}/pieces", address=_draft("/pieces")),
    Row(
        "brouillon-suppression",
        "",
        "claire",
        route="/brouillons/{draft_id}/suppression",
        address=_draft("/suppression"),
    ),
    Row("saisir", "/saisir", "claire"),
    Row("saisir-pour", f"/saisir?siret={TOWN}&service=DRH", "claire"),
    Row("flux", "/flux", "claire"),
    Row("accueil-vide", "/", "wilma"),
    Row("brouillons-vides", "/brouillons", "wilma"),
    Row("flux-vide", "/flux", "wilma"),
    Row("factures-emises-vides", "/factures/emises/recherche", "wilma"),
    Row("flux-un", "", "claire", route="/flux/{flow}", address=lambda p: f"/flux/{deposits.flow(p)}"),
    Row("certificats-verifier", "/certificats/verifier"),
    Row("essayer", "/essayer"),
    Row("structures", "/structures", "claire"),
    Row("structures-gestionnaire", "", "bruno", address=lambda p: offices.workshop(p) and "/structures"),
    Row("structures-trouvees", "/structures?q=99900001100018", "oscar"),
    Row("structures-rien", "/structures?q=zzzzzz", "oscar"),
    Row("structure-ajouter", "/structures/ajouter", "claire"),
    _structure("structure", "", "claire"),
    _structure("structure-gestionnaire", ""),
    Row("structure-organisme", f"/structures/{TOWN}", "agnes"),
    Row("structure-rattachement", f"/structures/{offices.SIRET}/rattachement", "claire", route=_ATTACHMENT),
    Row("structure-rattachement-public", f"/structures/{TOWN}/rattachement", "claire"),
    _structure("structure-modifier", "/modifier"),
    _structure("structure-banque", "/banque"),
    _structure("structure-succession", "/succession"),
    _structure("structure-quitter", "/quitter", "claire"),
    _structure("structure-justificatif", "/justificatif", "claire"),
    _structure("structure-personnes", "/personnes"),
    Row("structure-personnes-organisme", f"/structures/{TOWN}/personnes", "agnes"),
    Row("structure-personne", "", "bruno", route=f"{_PEOPLE}/{{subject}}", address=offices.person),
    _structure("structure-invitations", "/invitations"),
    Row("structure-invitations-organisme", f"/structures/{TOWN}/invitations", "agnes"),
    _structure("structure-delegations", "/delegations"),
    _structure("structure-logiciels", "/logiciels"),
    Row("structure-logiciel", "", "bruno", route=f"{_PROGRAMS}/{{client}}", address=offices.program),
    Row("gestion", "/gestion", "agnes"),
    Row("gestion-atelier", "", "bruno", address=lambda p: offices.request(p) and "/gestion"),
    Row("gestion-exploitant", "", "otto", address=lambda p: offices.succession(p) and "/gestion"),
    Row(
        "gestion-demande",
        "",
        "bruno",
        route="/gestion/demandes/{request}",
        address=lambda p: f"/gestion/demandes/{offices.request(p)}",
    ),
    Row(
        "gestion-justificatif",
        "",
        "bruno",
        route="/gestion/justificatifs/{proof}",
        address=lambda p: f"/gestion/justificatifs/{offices.paper(p)}",
    ),
    Row(
        "gestion-succession",
        "",
        "otto",
        route="/gestion/successions/{succession}",
        address=lambda p: f"/gestion/successions/{offices.succession(p)}",
    ),
    Row("gestion-journal", "/gestion/journal", "agnes"),
    Row("gestion-consultations", "/gestion/consultations", "agnes"),
    Row("gestion-annuaire", "/gestion/annuaire", "agnes"),
    Row("gestion-annuaire-organismes", "", "paco", address=acts.manages_a_body),
    Row("gestion-annuaire-fiche", f"/gestion/annuaire/{TOWN}", "agnes", route="/gestion/annuaire/{siret}"),
    Row("gestion-import", "/gestion/import", "agnes"),
    Row("accueil-anglais", "/", "agnes", language="en"),
    Row("factures-recues-recherche-anglais", "/factures/recues/recherche", "agnes", language="en"),
    Row("facture-anglais", "", "agnes", route=_ONE, address=_invoice(_available), language="en"),
    Row("inscription-a-corriger", "/inscription", status=422, act=acts.joins_wrongly),
    Row("essai-resultat", "/essayer", act=acts.tries),
    Row("certificat-modifie", "/certificats/verifier", act=acts.verifies),
    Row("import-refuse", "/gestion/import", "agnes", 422, act=acts.import_refused),
    Row("import-essaye", "/gestion/import", "agnes", act=acts.import_tried),
    Row("import-charge", "/gestion/import", "agnes", act=acts.import_done),
    Row("essai-accepte", "/essayer", act=acts.tries_well),
    Row("certificat-authentique", "/certificats/verifier", act=acts.verifies_the_same),
    Row("webhook-secret", "/webhooks", "wilma", address=acts.few_webhooks, act=acts.makes_a_webhook),
    Row("logiciel-secret", "", "bruno", address=acts.without_secrets, act=acts.makes_a_secret),
    Row("brouillon-conflit", "", "claire", 412, address=_draft(name="conflit"), act=acts.saves_what_another_changed),
    Row("facture-changee", "", "agnes", 409, address=_invoice(_available, "/agir/suspend"), act=acts.acts_too_late),
    Row("factures-actions-resultat", "", "agnes", address=acts.new_ones, act=acts.suspends_both, long=True),
    Row("trop-de-demandes", "", "paco", 429, address=acts.too_many),
    Row("service-absent", f"/annuaire/{TOWN}", "claire", 503, amid=faults.stopped("routing"), long=True),
    Row("etat-panne", "/etat", amid=faults.stopped("notify"), long=True),
    Row("depot-attente", "/deposer", "claire", act=acts.deposits_one, amid=faults.stopped("ocr"), long=True),
    Row("en-panne", "/factures/recherches", "agnes", 500, amid=faults.failing),
    Row("aide", "/aide"),
    Row("aide-connecte", "/aide", "claire"),
    Row("aide-reponses", "/aide?q=mise+a+disposition"),
    Row("aide-rien", "/aide?q=zzzzzz"),
    *(Row(f"aide-{name}", f"/aide/{name}", route="/aide/{name}") for name in help_texts.NAMES),
    Row("aide-statuts", "/aide/statuts"),
    Row("aide-motifs", "/aide/motifs"),
    Row("aide-refus", "/aide/refus"),
    Row("aide-refus-fichiers", "/aide/refus/fichiers", route="/aide/refus/{part}"),
    Row("aide-refus-norme", "/aide/refus/norme", route="/aide/refus/{part}"),
    Row("aide-refus-syntaxe", "/aide/refus/syntaxe", route="/aide/refus/{part}"),
    Row("aide-introuvable", "/aide/rien", status=404, route="/aide/{name}"),
    Row("introuvable", "/rien/ici", status=404),
    Row("introuvable-connecte", "/rien/ici", "claire", status=404),
)
#: Addresses that only lead on to another page.
WAYS = frozenset(
    {
        "/supervision/courbes/{name}.svg",
        *(
            f"/factures/{name}/{file}"
            for name in ("emises", "recues", "a-valider", "travaux")
            for file in ("export.csv", "archive.zip", "tableau/mois.svg")
        ),
        # The frame of an invoice's page, in which nothing runs, axe neither: it is looked at with its page.
        "/factures/{invoice}/document",
        "/factures/{invoice}/fichiers/{document}",
        "/factures/{invoice}/interets.pdf",
        "/factures/{invoice}/histoire.json",
        "/factures/direct",
        "/archives/{year}/export.csv",
        "/deposer/suivi/export.csv",
        "/depots/{deposit}/document",
        "/depots/{deposit}/certificat.pdf",
        "/depots/{deposit}/pages/{number}.png",
        "/flux/export.csv",
        "/flux/{flow}/compte-rendu.{form}",
        "/langue",
        "/aide/modeles/{name}",
        "/connexion/second",
        "/compte/securite/code",
        "/compte/securite/code/{act}",
        "/compte/securite/cle/retrait",
        "/compte/securite/codes-de-secours",
        "/brouillons/{draft_id}/pieces/{piece}",
        "/sollicitations/{solicitation}/pieces/{piece}",
        "/structures/{structure}/logiciels/{client}/secrets",
        "/gestion/justificatifs/{proof}/document",
    }
)
