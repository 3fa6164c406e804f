"""Facts written as a CPPFactureMixte."""

import base64

from tests.unit.invoice.syntax.facts import Facts, as_bytes, tag, wrap


def cpp(*invoices: Facts, namespace: str | None = None, cadre: str = "A1") -> bytes:
    """A CPPFactureMixte with one or more invoices."""
    units = "".join(
        wrap(
            "CPPFactureMixteUnitaire",
            wrap("Fournisseur", tag("TypeIdentifiant", "1"), tag("Identifiant", facts.supplier_siret)),
            wrap(
                "Debiteur",
                tag("TypeIdentifiant", "1"),
                tag("Identifiant", facts.recipient_siret),
                tag("CodeService", facts.service),
            ),
            wrap(
                "DonneesFacture",
                tag("Id", facts.number),
                tag("Type", facts.type_code),
                tag("Cadre", cadre),
                tag("DateEmissionFacture", facts.issue_date),
                wrap("ModePaiement", tag("Code", facts.means)),
                tag("Devise", facts.currency),
                wrap(
                    "Montants",
                    tag("MontantHT", facts.excl),
                    tag("MontantTTC", facts.incl),
                    tag("MontantNetAPayer", facts.payable),
                ),
                wrap(
                    "TVAS",
                    *(
                        wrap("TVA", tag("Taux", rate), tag("BaseHt", base), tag("MontantTVA", amount))
                        for _, rate, base, amount in facts.rows
                    ),
                ),
                wrap("Engagement", tag("NumeroMarche", facts.contract), tag("NumeroEngagement", facts.engagement)),
            ),
            *(
                wrap(
                    "PJ",
                    tag("Contenu", base64.b64encode(data).decode()),
                    tag("NomPJ", name),
                    tag("MimeTypePJ", kind),
                )
                for name, kind, data in facts.attachments
            ),
        )
        for facts in invoices
    )
    envelope = wrap(
        "Enveloppe",
        wrap(
            "EnveloppeUnitaire",
            wrap("Parametres", wrap("ParametreIndiv", tag("Code", "IdFlx"), tag("Valeurparametre", "FLUX-1"))),
            wrap("Partenaires", wrap("Emetteur", tag("Id", "E1")), wrap("Recepteur", tag("Id", "R1"))),
        ),
    )
    attribute = f' xmlns="{namespace}"' if namespace else ""
    flow = f'<CPPFactures Compteur="{len(invoices)}">{units}</CPPFactures>'
    return as_bytes(f"<CPPFactureMixte{attribute}>{envelope}{flow}</CPPFactureMixte>")
