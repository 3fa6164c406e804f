"""What the API shows of the cadre in plain words: questions, and what each cadre asks for."""

from pydantic import BaseModel

from invoice import cadres
from invoice.cadre_questions import QUESTIONS


class AnswerView(BaseModel):
    """Une réponse : elle mène à une question ou à un cadre."""

    text: str
    next: str | None
    cadre: str | None
    hint: str | None


class QuestionView(BaseModel):
    """Une question."""

    name: str
    text: str
    answers: list[AnswerView]


class CadreView(BaseModel):
    """Un cadre et ce qu'il demande de dire : qui valide, maître d'œuvre, maître d'ouvrage, pièce précédente."""

    code: str
    api: str
    label: str
    role: str
    validators_min: int
    validators_max: int
    moe: str
    moa: str
    after: list[str]


class QuestionsView(BaseModel):
    """Le cadre en mots simples."""

    first: str
    questions: list[QuestionView]
    cadres: list[CadreView]


def questions() -> QuestionsView:
    """The questions that lead to a cadre, and every cadre with what it asks for."""
    return QuestionsView(
        first=QUESTIONS.first,
        questions=[
            QuestionView(
                name=name,
                text=each.text,
                answers=[AnswerView.model_validate(one, from_attributes=True) for one in each.answers],
            )
            for name, each in QUESTIONS.questions.items()
        ],
        cadres=[
            CadreView(
                code=cadre.code,
                api=cadre.api,
                label=cadre.label,
                role=cadres.ROLES[cadre.by],
                validators_min=cadre.validators[0],
                validators_max=cadre.validators[1],
                moe=cadre.moe,
                moa=cadre.moa,
                after=list(cadre.after),
            )
            for cadre in cadres.CADRES.values()
        ],
    )
