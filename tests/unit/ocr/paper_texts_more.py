"""More invoices laid out as usual in France, with what stands on them. All of it is invented."""

from tests.unit.ocr.paper_texts import Paper

WORKS_WITH_RETENTION = Paper(
    """
VIAL TP SAS                              SITUATION N° 3
                                         FACTURE N° : 260087
                                         Date de facture : 31 mars 2026
Maître d'ouvrage :  Département du Tarn (SIRET 223 100 017 00423)
Marché : 2025-TRX-044      Lot n° 2 : terrassement     Code service : DGA-RT

Montant initial du marché                       250 000,00 € HT

Travaux cumulés à ce jour HT                    120 000,00
Situations précédentes HT                        80 000,00
Montant HT de la situation                       40 000,00
TVA 20,00 %                                       8 000,00
Montant TTC                                      48 000,00
Retenue de garantie 5 %                          -2 400,00
NET A PAYER                                      45 600,00 €

Autoliquidation pour les sous-traitants - TVA sur les encaissements
Virement à : IBAN FR76 3000 1007 9412 3456 7890 185
VIAL TP SAS - capital 152 449,02 € - SIRET 999 000 011 00018 - TVA intra FR66 999 000 011
""",
    {
        "invoice_number": "260087",
        "issue_date": "2026-03-31",
        "contract": "2025-TRX-044",
        "service_code": "DGA-RT",
        "total_excl_tax": "40000.00",
        "tax": "8000.00",
        "total_incl_tax": "48000.00",
        "payable": "45600.00",
        "recipient_siret": "22310001700423",
        "supplier_siret": "99900001100018",
        "supplier_vat": "FR66999000011",
        "vat_regime": "TVA_SUR_ENCAISSEMENT",
    },
)

HOTEL = Paper(
    """
HÔTEL DES ARTS ***
8 quai de Tounis, 31000 Toulouse
S.A.R.L. au capital de 8 000 euros - RCS Toulouse B 999 000 011 - SIRET 99900001100018

Note / Facture : 45871                                Chambre : 214
Arrivée : 03/02/2026    Départ : 05/02/2026           Imprimée le 05/02/2026 à 09:12
Nom : SDIS 31

Date         Libellé                       Débit          Crédit
03/02        Chambre simple                 89,00
04/02        Chambre simple                 89,00
04/02        Petit déjeuner                 11,00
05/02        Taxe de séjour                  3,20
05/02        Carte bancaire                               192,20

                              Total TTC         192,20
TVA 10,00 %   Base HT 171,82   TVA 17,18
Solde                             0,00 EUR
""",
    {
        "invoice_number": "45871",
        "total_incl_tax": "192.20",
        "supplier_siret": "99900001100018",
    },
)

HOSTING = Paper(
    """
                                        Facture n° FR64581237
                                        Date d'émission : 2026-03-01
                                        Date d'échéance : 2026-03-31
Hébergeur Roubaisien SAS                Adresse de facturation
2 rue Kellermann                        Communauté de communes du Volvestre
59100 Roubaix                           34 avenue de Toulouse
SIRET 99900001100018                    31390 Carbonne
TVA FR66999000011                       N° SIRET : 20002983300015

Produit                           Prix unitaire       Quantité       Montant HT
VPS comfort - mars 2026                 9,99 €              2          19,98 €
Nom de domaine .fr                      6,99 €              1           6,99 €

                                          Sous-total            26,97 €
                                          TVA 20 %               5,39 €
                                          Total TTC             32,36 €
                                          Montant payé         -32,36 €
                                          Reste à payer          0,00 €

Moyen de paiement : Carte bancaire
TVA acquittée d'après les débits
""",
    {
        "invoice_number": "FR64581237",
        "issue_date": "2026-03-01",
        "due_date": "2026-03-31",
        "total_excl_tax": "26.97",
        "tax": "5.39",
        "total_incl_tax": "32.36",
        "prepaid": "32.36",
        "payable": "0.00",
        "payment_mode": "AUTRE",
        "vat_regime": "TVA_SUR_DEBIT",
        "supplier_siret": "99900001100018",
        "recipient_siret": "20002983300015",
        "vat_breakdown": "20.00 26.97 5.39",
    },
)

ASSOCIATION = Paper(
    """
Association Les Amis du Livre
Maison des associations - 31300 Toulouse
SIRET : 999 000 011 00018 - APE 9499Z

Toulouse, le 15 janvier 2026

                             à Monsieur le Maire
                             Mairie de Blagnac
                             1 place des Arts
                             31700 Blagnac

FACTURE n° 2026/03

Animation de trois ateliers lecture        3 x 120 €        360,00 €
Frais de déplacement                                          24,50 €

Montant total à payer :                                      384,50 €

Association non assujettie à la TVA
Merci de libeller votre règlement par virement :
IBAN FR76 3000 1007 9412 3456 7890 185
""",
    {
        "invoice_number": "2026/03",
        "issue_date": "2026-01-15",
        "payable": "384.50",
        "total_incl_tax": "384.50",
        "supplier_siret": "99900001100018",
        "supplier_iban": "FR7630001007941234567890185",
    },
)

BOXED_FORMS = Paper(
    """
                                             FACTURE

     N° FACTURE        DATE          N° CLIENT         PAGE
       FC12874       28/02/2026      411MAI31          1/1

  TRANSPORTS BERNADAC                        MAIRIE DE TOURNEFEUILLE
  Siret : 99900001100018                     PLACE DE LA MAIRIE
  Code NAF : 4941A                           31170 TOURNEFEUILLE
  Id. CEE : FR66999000011                    Id. CEE :

  Vos références : demande du 12/02          Bon de livraison n° BL5587 du 20/02/2026
  Commande n° 26-0457 du 13/02/2026

  Référence    Désignation             Quantité     P.U. HT      Remise     Montant HT
  TR01         Transport mobilier         2,000       180,00                    360,00
  TR02         Manutention                4,000        35,00      10 %          126,00

  Base           Taux       TVA         Total HT        Port HT       Escompte
  486,00         20,00      97,20         486,00           0,00           0,00

  TOTAL TTC        ACOMPTE         NET A PAYER
     583,20           0,00              583,20 EUR
  Règlement : Chèque à 30 jours      Échéance au 30/03/2026
""",
    {
        "invoice_number": "FC12874",
        "issue_date": "2026-02-28",
        "due_date": "2026-03-30",
        "payment_mode": "CHEQUE",
        "engagement": "26-0457",
        "total_excl_tax": "486.00",
        "tax": "97.20",
        "total_incl_tax": "583.20",
        "payable": "583.20",
        "vat_breakdown": "20.00 486.00 97.20",
        "supplier_siret": "99900001100018",
        "supplier_vat": "FR66999000011",
    },
)

SEVERAL_ORDERS = Paper(
    """
FOURNITURES OUEST SAS                     FACTURE 2026-5501
SIRET 99900001100018                      Date : 04/05/2026
Client : Lycée Bellevue
Commande n° 4500012 :
  Ramettes A4              10      4,20      42,00
Commande n° 4500013 :
  Stylos                   20      0,50      10,00
Total HT                                     52,00
TVA 20%                                      10,40
Total TTC                                    62,40
""",
    {
        "invoice_number": "2026-5501",
        "issue_date": "2026-05-04",
        "total_excl_tax": "52.00",
        "tax": "10.40",
        "total_incl_tax": "62.40",
    },
)

TWO_LANGUAGES = Paper(
    """
Cloud Tools SAS                                     Facture / Invoice
12 rue Oberkampf, 75011 Paris                       Invoice number     CT-88412
VAT FR66999000011                                   Date of issue      March 1, 2026
                                                    Date due           01/04/2026
Bill to
Métropole de Lyon

Description                        Qty      Unit price     Tax      Amount
Plan Pro                           3        25,00 €        20%      75,00 €

                                            Subtotal                75,00 €
                                            TVA (20% sur 75,00 €)   15,00 €
                                            Total                   90,00 €
                                            Montant dû              90,00 €
""",
    {
        "invoice_number": "CT-88412",
        "due_date": "2026-04-01",
        "total_excl_tax": "75.00",
        "tax": "15.00",
        "total_incl_tax": "90.00",
        "payable": "90.00",
        "vat_breakdown": "20.00 75.00 15.00",
        "supplier_vat": "FR66999000011",
    },
)
