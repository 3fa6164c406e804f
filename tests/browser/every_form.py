"""Every form of the portal: the address that it is sent to, and the test that presses it.

A route that is not here fails a test; and a test that does not send what is promised for it here fails as it ends
(:func:`promised`, asked by the fixture of its browsers). By file, then by test.
"""

import re
from collections.abc import Iterable

_DRAFT, _ONE = "/brouillons/{draft_id}", "/structures/{structure}"
_FACTORS, _PROGRAM = "/compte/securite", "/structures/{structure}/logiciels/{client}"
_LETTERS, _WEBHOOK = "/supervision/lettres/{service}", "/webhooks/{webhook}"
#: Where script sends the files of a form instead, one by one (`data-upload`).
_UPLOADED = {"/flux": "/deposer"}
PRESSED: dict[str, dict[str, tuple[str, ...]]] = {
    "test_accounts": {
        "test_a_craftsman_joins_on_his_telephone": ("/inscription",),
        "test_a_second_factor_is_set_up_asked_for_and_replaced_by_a_recovery_code": ("/connexion/second",),
        "test_a_forgotten_password_is_replaced_by_the_link_of_a_mail": ("/mot-de-passe", "/lien"),
        "test_what_takes_an_account_over_asks_for_the_password_first": ("/connexion", "/compte/fermeture"),
        "test_a_passkey_opens_the_account_without_a_password": ("/deconnexion",),
        "test_a_session_is_closed_from_another_one": ("/compte/connexions/fermer",),
    },
    "test_proofs": {
        "test_factors_are_changed_with_the_password_and_a_code": (
            "/compte/preuve",
            f"{_FACTORS}/code",
            f"{_FACTORS}/code/confirmation",
            f"{_FACTORS}/code/retrait",
            f"{_FACTORS}/codes-de-secours",
        ),
        "test_a_passkey_shows_who_it_is_and_its_codes_are_shown_once": (f"{_FACTORS}/cle/retrait",),
        "test_what_was_written_goes_along_with_the_proof": ("/compte/adresse", "/compte/mot-de-passe"),
    },
    "test_deposits": {"test_a_pdf_is_dropped_read_over_and_sent": ("/deposer", _DRAFT)},
    "test_deposit_typing": {
        "test_under_the_franchise_no_line_bears_vat": ("/saisir",),
        "test_the_cadre_is_found_by_plain_questions": (f"{_DRAFT}/cadre",),
        "test_attachments_are_added_used_again_and_go_with_the_draft": (
            f"{_DRAFT}/pieces",
            f"{_DRAFT}/pieces/reprise",
            f"{_DRAFT}/suppression",
        ),
        "test_a_paper_that_is_no_invoice_becomes_an_attachment": (f"{_DRAFT}/papier",),
        "test_a_typed_draft_gets_its_pdf": (f"{_DRAFT}/document",),
        "test_a_certificate_is_checked_by_anybody": ("/certificats/verifier",),
        "test_a_pdf_is_tried_without_an_account_and_nothing_is_kept": ("/essayer",),
    },
    "test_flows": {"test_an_archive_is_sent_and_what_failed_leads_to_its_mending": ("/flux",)},
    "test_kept": {
        "test_a_comment_outlives_the_session_that_it_was_written_in": ("/factures/{identity}/agir/{action}",),
        "test_a_selection_is_acted_on_and_downloaded": ("/factures/selection", "/factures/actions"),
        "test_a_space_is_exported_and_a_search_of_it_kept": (
            "/factures/recherches",
            "/factures/recherches/{search}/oubli",
        ),
    },
    "test_solicitations": {
        "test_a_supplier_asks_about_an_invoice_and_the_service_answers": (
            "/sollicitations/nouvelle",
            "/sollicitations/{solicitation}/message",
            "/sollicitations/{solicitation}/cloture",
        ),
    },
    "test_structures": {
        "test_a_manager_says_yes_to_somebody_who_asked_and_gives_a_role": (
            f"{_ONE}/rattachement",
            "/gestion/demandes/{request}/accord",
        ),
        "test_a_refusal_says_why_and_a_paper_is_looked_at_by_who_decides": (
            f"{_ONE}/justificatif",
            "/gestion/justificatifs/{proof}/refus",
        ),
        "test_somebody_is_invited_and_the_invitation_is_taken_back": (
            f"{_ONE}/invitations",
            f"{_ONE}/invitations/annulation",
        ),
        "test_the_secret_of_a_program_is_shown_once": (f"{_PROGRAM}/secrets", f"{_PROGRAM}/secrets/revocation"),
        "test_what_a_body_asks_for_is_changed_and_said_to_suppliers": (
            "/gestion/annuaire/{siret}",
            "/gestion/annuaire/{siret}/services",
        ),
        "test_a_file_is_tried_before_it_is_loaded": ("/gestion/import",),
    },
    "test_supervision": {
        "test_an_operator_settles_a_dead_letter_and_says_why": (
            f"{_LETTERS}/{{letter}}",
            f"{_LETTERS}/{{letter}}/contenu",
        ),
        "test_all_letters_of_a_reason_are_settled_at_once": (f"{_LETTERS}/ensemble",),
    },
    "test_frames": {
        "test_a_maintenance_stands_above_every_page_until_it_is_withdrawn": (
            "/annonces",
            "/annonces/{announcement}/retrait",
        ),
    },
    "test_walks_offices": {
        "test_a_manager_accepts_one_and_refuses_another": ("/gestion/demandes/{request}/refus",),
    },
    "test_walks_works": {
        "test_each_piece_of_a_works_file_follows_the_one_before": ("/factures/travaux/dossiers/{file}/suite",),
    },
    "test_forms": {
        "test_messages_come_as_often_and_where_one_says": ("/messages/reglages", "/messages/reglages/adresse"),
        "test_ones_name_is_changed_and_ones_data_are_taken_along": ("/compte", "/compte/donnees"),
        "test_a_webhook_is_made_tried_renewed_paused_and_removed": (
            "/webhooks",
            *(f"{_WEBHOOK}/{act}" for act in ("essai", "renvoi", "secret", "pause", "reprise", "suppression")),
        ),
        "test_the_keys_of_lists_are_switched_off": ("/factures/raccourcis",),
        "test_an_operator_says_why_he_looks": ("/factures/motif",),
    },
    "test_forms_structures": {
        "test_a_structure_is_added_asked_for_and_left": (
            "/structures/ajouter",
            "/structures/demandes/retrait",
            f"{_ONE}/quitter",
        ),
        "test_name_address_and_bank_are_changed": (f"{_ONE}/modifier", f"{_ONE}/banque", f"{_ONE}/banque/oubli"),
        "test_a_manager_settles_somebody_and_hands_over_for_a_while": (
            *(f"{_ONE}/personnes/{{subject}}/{act}" for act in ("garantie", "roles", "copie", "gestion", "retrait")),
            f"{_ONE}/delegations",
            f"{_ONE}/delegations/fin",
        ),
        "test_a_program_is_opened_changed_and_closed": (f"{_ONE}/logiciels", _PROGRAM, f"{_PROGRAM}/revocation"),
        "test_a_change_of_siret_is_refused_then_accepted": (
            f"{_ONE}/succession",
            "/gestion/successions/{succession}/refus",
            "/gestion/successions/{succession}/accord",
        ),
        "test_a_paper_is_accepted_and_an_invitation_taken": (
            "/gestion/justificatifs/{proof}/accord",
            "/invitation",
        ),
    },
}


def promised(file: str, test: str) -> tuple[str, ...]:
    """The routes that this test presses."""
    return PRESSED.get(file, {}).get(test, ())


def unsent(routes: Iterable[str], sent: Iterable[str]) -> list[str]:
    """Those of the routes that none of these addresses is of."""
    paths = set(sent)
    return [
        route
        for route in routes
        if _UPLOADED.get(route) not in paths and not any(re.fullmatch(_pattern(route), path) for path in paths)
    ]


def _pattern(route: str) -> str:
    return re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route))
