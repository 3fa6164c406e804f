"""Invoices as French software, offices and craftsmen lay them out, with what stands on them. All of it is invented."""

from typing import NamedTuple


class Paper(NamedTuple):
    """One page, and the values that it shows."""

    page: str
    shown: dict[str, str]


ACCOUNTING_SOFTWARE = Paper(
    """
SARL DUBOIS PLOMBERIE                                   Facture
12 rue des Lilas
31000 TOULOUSE                                          MAIRIE DE COLOMIERS
Tél : 05 61 00 00 01                                    Service technique
Siret : 999 000 011 00018                               1 place de l'hôtel de ville
N° TVA : FR66999000011                                  31770 COLOMIERS

Numéro          Date           Code client    Date échéance    Mode de règlement
FA00001254      12/03/2026     C00045         11/04/2026       Virement

Réf. commande : 2026-BC-118

Code         Description                      Qté      P.U. HT     Montant HT    TVA
ART01        Robinet thermostatique           4,00       45,00         180,00    20,00
MO           Main d'oeuvre                    6,00       52,00         312,00    10,00

Taux         Base HT        Montant TVA                 Total HT               492,00
20,00         180,00              36,00                 Total TVA               67,20
10,00         312,00              31,20                 Total TTC              559,20
                                                        Acompte versé          100,00
                                                        Net à payer            459,20 €

SARL au capital de 7 622,45 € - RCS Toulouse 999 000 011 - APE 4322A
""",
    {
        "invoice_number": "FA00001254",
        "issue_date": "2026-03-12",
        "due_date": "2026-04-11",
        "payment_mode": "VIREMENT",
        "engagement": "2026-BC-118",
        "total_excl_tax": "492.00",
        "tax": "67.20",
        "total_incl_tax": "559.20",
        "prepaid": "100.00",
        "payable": "459.20",
        "vat_breakdown": "20.00 180.00 36.00; 10.00 312.00 31.20",
        "supplier_siret": "99900001100018",
        "supplier_siren": "999000011",
        "type_code": "380",
        "currency": "EUR",
    },
)

OPEN_SOURCE_ERP = Paper(
    """
ACME SERVICES                                              Facture FA2603-0012
                                                           Réf. client : CMD-7788
                                                           Date facturation : 05/03/2026
                                                           Date échéance : 04/04/2026
                                                           Code client : CU2101-00012

Émetteur                                  Adressé à
ACME SERVICES                             DEPARTEMENT DU GERS
3 chemin du Port                          81 route de Pessan
32000 Auch                                32000 Auch
Téléphone : 0562000001                    SIRET : 22060001900016
Email : contact@acme.example

                                                               Montants exprimés en Euros
Désignation                               TVA       P.U. HT     Qté      Total HT
Location nacelle                          20%        100,00       3        300,00
Transport                                 20%         50,00       1         50,00

Conditions de règlement : 30 jours                         Total HT              350,00
                                                           Total TVA 20%          70,00
Règlement par virement sur le compte bancaire suivant:     Total TTC             420,00
Code IBAN : FR76 3000 1007 9412 3456 7890 185
Code BIC/SWIFT : BDFEFRPPCCT

Société à responsabilité limitée (SARL) - Capital de 10 000 € - SIRET: 99900001100018
NAF-APE: 7732Z - RCS/RM: Auch 999000011 - Numéro TVA: FR66999000011      1/1
""",
    {
        "invoice_number": "FA2603-0012",
        "issue_date": "2026-03-05",
        "due_date": "2026-04-04",
        "total_excl_tax": "350.00",
        "tax": "70.00",
        "total_incl_tax": "420.00",
        "vat_breakdown": "20.00 350.00 70.00",
        "supplier_siret": "99900001100018",
        "recipient_siret": "22060001900016",
        "supplier_iban": "FR7630001007941234567890185",
        "payment_mode": "VIREMENT",
        "supplier_siren": "999000011",
        "currency": "EUR",
        "type_code": "380",
    },
)

ERP_WITH_A_REFERENCE_TABLE = Paper(
    """
Ma Société SAS
10 avenue de la Gare
69003 Lyon

                                                  Région Occitanie
                                                  22 boulevard du Maréchal Juin
                                                  31400 Toulouse
                                                  N° TVA : FR12345678900

Facture INV/2026/00042

Date de la facture:    Date d'échéance:     Origine:      Référence:
14/02/2026             16/03/2026           S00123        CP2026/X123456/1

Description                  Quantité     Prix unitaire     Taxes          Montant
[SRV] Prestation conseil     5,00 Jours        600,00       TVA 20,0%      3 000,00 €

                                              Montant hors taxes        3 000,00 €
                                              TVA 20%                     600,00 €
                                              Total                     3 600,00 €

Veuillez utiliser la référence suivante pour votre paiement : INV/2026/00042
Conditions de paiement: 30 jours
IBAN: FR7630001007941234567890185

masociete.example | TVA: FR66999000011 | SIRET 999 000 011 00018           Page: 1 / 1
""",
    {
        "invoice_number": "INV/2026/00042",
        "issue_date": "2026-02-14",
        "due_date": "2026-03-16",
        "total_excl_tax": "3000.00",
        "tax": "600.00",
        "total_incl_tax": "3600.00",
        "vat_breakdown": "20.00 3000.00 600.00",
        "supplier_siret": "99900001100018",
        "supplier_iban": "FR7630001007941234567890185",
    },
)

SELF_EMPLOYED = Paper(
    """
Julie Martin - Graphiste                                         FACTURE
5 rue du Four                                                    N° 2026-014
81000 Albi                                                       Le 02/04/2026
SIRET 999 000 011 00018
                                            Commune de Lavaur
                                            Hôtel de ville
                                            81500 Lavaur

Objet : création du bulletin municipal - BC n° 4512

Prestation                                  Quantité      Prix           Total
Mise en page 24 pages                       1             650,00 €       650,00 €
Corrections auteur                          2              45,00 €        90,00 €

                                                          TOTAL          740,00 €

TVA non applicable, art. 293 B du CGI
Règlement par chèque ou par virement à réception de facture
Échéance : 02/05/2026
""",
    {
        "invoice_number": "2026-014",
        "issue_date": "2026-04-02",
        "due_date": "2026-05-02",
        "vat_regime": "FRANCHISE",
        "payable": "740.00",
        "engagement": "4512",
        "total_excl_tax": "740.00",
        "tax": "0.00",
        "total_incl_tax": "740.00",
        "supplier_siret": "99900001100018",
    },
)

ENERGY = Paper(
    """
Énergie du Sud                                     MAIRIE DE SAINT-LYS
Service Clients Collectivités                      1 PLACE NATIONALE
TSA 12345                                          31470 SAINT-LYS
Tél. 09 69 00 00 00

Votre contrat                                      Facture du 10/01/2026
Référence client : 5 042 001 122                   n° 10123456789
Compte commercial : 1-AB23C                        Service exécutant : EAU01
Point de livraison : 30001234567890                N° d'engagement : 2026-44

                              Montant à payer
                              1 284,36 € TTC
                              à régler avant le 25/02/2026

Détail de votre facture
                                      Montant HT        Taux TVA       Montant TVA
Abonnement                               120,00 €          5,50 %            6,60 €
Consommation                             964,80 €         20,00 %          192,96 €
Total                                  1 084,80 €                          199,56 €

Total hors TVA                         1 084,80 €
TVA                                      199,56 €
Total TTC de la facture                1 284,36 €

Montant prélevé : néant. Mode de paiement : mandat administratif
Énergie du Sud, SA au capital de 2 084 994 070 € - 999 000 011 R.C.S. Paris - N° TVA FR 66 999 000 011
""",
    {
        "invoice_number": "10123456789",
        "issue_date": "2026-01-10",
        "due_date": "2026-02-25",
        "total_excl_tax": "1084.80",
        "tax": "199.56",
        "total_incl_tax": "1284.36",
        "payable": "1284.36",
        "service_code": "EAU01",
        "engagement": "2026-44",
        "supplier_siren": "999000011",
        "supplier_vat": "FR66999000011",
        "vat_breakdown": "20.00 964.80 192.96; 5.50 120.00 6.60",
    },
)

GARAGE = Paper(
    """
GARAGE DU CANAL                    FACTURE N°     26/00341         Date    17-03-26
Route de Paris
82000 MONTAUBAN                    Client : C.D. 82 - PARC ROUTIER
SIRET 99900001100018               100 boulevard Hubert Gouze
RCS MONTAUBAN                      82000 MONTAUBAN

Immatriculation   Marque     Modèle        Kilométrage    OR n°      Votre bon
AB-123-CD         Renault    Kangoo        124 558        55874      BC-2026-778

Référence      Désignation                Qté      P.U. H.T.   Rem %    Montant H.T.
7701478021     Filtre à huile             1,00     12,40       10,0      11,16
MO             Vidange                    0,80     62,00                 49,60

Total pièces H.T.   Total M.O. H.T.   Total H.T.   T.V.A. 20,00%   Total T.T.C.
       11,16             49,60           60,76         12,15            72,91

Arrêté la présente facture à la somme de soixante-douze euros et 91 centimes
Echéance : 16-04-26    Mode de règlement : Prélèvement
""",
    {
        "invoice_number": "26/00341",
        "issue_date": "2026-03-17",
        "due_date": "2026-04-16",
        "total_excl_tax": "60.76",
        "tax": "12.15",
        "total_incl_tax": "72.91",
        "payment_mode": "PRELEVEMENT",
        "vat_breakdown": "20.00 60.76 12.15",
        "supplier_siret": "99900001100018",
    },
)

CREDIT_NOTE = Paper(
    """
IMPRIMERIE LECLERC                                        AVOIR N° AV-2026-007
ZI Nord - 31200 Toulouse                                  Date : 20 mars 2026
SIRET : 999 000 011 00018
                                          Facturé à :
                                          CONSEIL DEPARTEMENTAL DE LA HAUTE-GARONNE
                                          1 boulevard de la Marquette
                                          31090 TOULOUSE CEDEX 9
                                          SIRET : 22310001700423

Avoir sur facture n° F-2026-118 du 02/03/2026
Marché n° 19M001        Engagement n° CP2026/X12/1

Désignation                      Qté        PU HT         Total HT
Retour cartons défectueux         -2        40,00           -80,00

                                      Total HT              -80,00 €
                                      TVA 20 %              -16,00 €
                                      Total TTC             -96,00 €
                                      Net à votre crédit    -96,00 €
""",
    {
        "invoice_number": "AV-2026-007",
        "issue_date": "2026-03-20",
        "type_code": "381",
        "preceding_invoice": "F-2026-118",
        "contract": "19M001",
        "engagement": "CP2026/X12/1",
        "total_excl_tax": "-80.00",
        "tax": "-16.00",
        "total_incl_tax": "-96.00",
        "payable": "-96.00",
        "recipient_siret": "22310001700423",
        "supplier_siret": "99900001100018",
        "vat_breakdown": "20.00 -80.00 -16.00",
    },
)
