"""The English a comparison of two texts needs: tokens, their simplest forms, what denies, what is a value. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum


class Role(Enum):
    """What part of a sentence a word belongs to."""

    TOPIC = "topic"
    VERB = "verb"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Token:
    """A word or number: as it stands, its simplest form, and what it does in its sentence."""

    text: str
    form: str
    role: Role = Role.TOPIC
    denies: bool = False
    is_function: bool = False
    is_fixed: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PIECE = re.compile(r"[^\s,;!?()\[\]{}\"“”]+|[,;]")
_CONTRACTIONS = (
    (re.compile(r"\bcan(?:no|['’])t\b", re.I), "can not"),
    (re.compile(r"\bwon['’]t\b", re.I), "will not"),
    (re.compile(r"n['’]t\b", re.I), " not"),
    (re.compile(r"['’](?:s|re|ll|ve|d|m)\b", re.I), ""),
    (re.compile(r"\bno longer\b", re.I), "not"),
    (re.compile(r"\b(?:rather than|instead of|as opposed to)\b", re.I), ", not"),
)
_FUNCTION = _words(
    "a an the this that these those it its he she they them their his her my our your we i you us me and or but so "
    "then also too just only very really quite now currently today always usually generally normally still already "
    "will would shall should must may might can could do does did be is are was were been being am have has had "
    "having there here which who whom whose what as than such please need needs needed to of in on at by with from "
    "into for via per over under through within until till since about during if when while where because due per "
    "after before up out off not no never none without nor neither every each all any some both own new latest "
    "current get gets got let set one's user's one ones"
)
_DENIALS = _words("not no never none without neither nor nobody nothing hardly")
_OPPOSITE_WORDS: Mapping[str, str] = {
    "dislike": "like", "hate": "like", "detest": "like", "disable": "enable", "deactivate": "enable",
    "forbid": "allow", "forbidden": "allow", "ban": "allow", "disallow": "allow", "prohibit": "allow",
    "deny": "allow", "avoid": "use", "refuse": "accept", "reject": "accept", "stop": "do", "quit": "do",
    "unsafe": "safe", "inactive": "active", "unavailable": "available", "unable": "able", "incompatible": "compatible",
    "unsupported": "support", "fail": "pass", "insecure": "secure", "unreliable": "reliable", "disagree": "agree",
    "invalid": "valid", "unused": "use", "uninstall": "install", "ignore": "respect", "lack": "have",
    "optional": "require", "unnecessary": "require",
}  # fmt: skip
_SAME: Mapping[str, str] = {
    form: group.split()[0]
    for group in (
        "like love enjoy fond prefer favourite favorite preferred preference",
        "use utilise utilize employ rely",
        "live reside home",
        "begin start commence kick",
        "end finish stop_at",
        "buy purchase",
        "big large",
        "quick fast",
        "error failure",
        "doc documentation",
        "database db",
        "config configuration",
        "repo repository",
        "production prod",
        "postgresql postgres",
        "javascript js",
        "typescript ts",
        "kubernetes k8s",
        "delete remove drop",
        "create make",
        "store keep save hold persist",
        "run execute",
        "deploy release ship rollout deployment",
        "meet meeting",
        "call phone",
        "require mandatory obligatory necessary",
        "allow permit permission",
        "enable activate",
        "manage handle",
        "write author",
        "build compile",
        "log logging",
        "test testing",
        "annually yearly year",
        "weekly week",
        "daily day",
        "monthly month",
        "allergic allergy",
        "vegetarian meatless",
        "mother mum mom",
        "father dad",
        "kid child children",
        "job position role",
        "employee staff worker",
        "company firm",
        "car automobile",
        "film movie",
        "reply answer respond",
        "developer engineer programmer",
        "locate situate base",
        "secret credential",
        "push publish",
        "fix repair",
        "change modify alter",
        "check verify",
        "show display",
        "maximum max most",
        "minimum min least",
        "limit cap",
        "bug defect issue",
        "team group",
        "boss manager",
        "near close",
    )
    for form in group.split()
}
_NUMBERS: Mapping[str, str] = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
    )
    if number != 1
} | {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90", "hundred": "100",
     "thousand": "1000", "dozen": "12", "twice": "2", "noon": "12", "midnight": "0"}  # fmt: skip
_CALENDAR = _words(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december spring summer autumn winter morning afternoon evening night weekend weekday"
)
_TO_BE = _words("is are was were be")
_COLOURS = _words("red green blue yellow orange purple black white grey gray brown pink violet teal")
_VALUE_VERBS = _words(
    "is are was were be has have had use like want cost take last live work run listen begin end expire born weigh "
    "speak drive own drink eat wear move marry choose equal contain require support default mean call name write "
    "host locate study play read belong stay sit report manage lead arrive leave open close become stand return "
    "accept own pay earn charge limit build version point go switch migrate set"
)
_VALUE_PREPOSITIONS = _words("in on at to with by from until till via as every per within after before than over under")
_TOPIC_PREPOSITIONS = _words("for of when if during while about because where")
_CLAUSE_ENDS = _words(", ; and but")


def tokens(text: str) -> list[Token]:
    """The tokens of a text in order, each with its role."""
    for pattern, plain in _CONTRACTIONS:
        text = pattern.sub(plain, text)
    found: list[Token] = []
    begins = True
    for piece in _PIECE.findall(text):
        stripped = piece.strip(".:'’`*_<>") if piece not in ",;" else piece
        if stripped:
            found.append(_token(stripped, begins))
        begins = piece.endswith((".", ":"))
    return list(_with_roles(found))


def contrast_removed(sequence: Sequence[Token]) -> list[Token]:
    """The tokens without ", not …" up to the end of the clause: what is contrasted is not denied by itself."""
    kept: list[Token] = []
    skipping = False
    for place, token in enumerate(sequence):
        if token.form == "," and place + 1 < len(sequence) and sequence[place + 1].form == "not":
            skipping = place > 0
        elif skipping and token.form in _CLAUSE_ENDS:
            skipping = False
        if not skipping and token.form not in ",;":
            kept.append(token)
    return kept


def simplest(word: str) -> str:
    """A word without its ending, and the first of those that mean the same."""
    lower = word.casefold().replace("-", "")
    return _SAME.get(lower) or _SAME.get(_stem(lower)) or _stem(lower)


def _token(piece: str, begins: bool) -> Token:
    lower = piece.casefold()
    if lower in ",;":
        return Token(piece, lower, is_function=True)
    if lower in _NUMBERS:
        return Token(piece, _NUMBERS[lower], is_fixed=True)
    if any(character.isdigit() for character in piece):
        return Token(piece, lower.replace(",", "").lstrip("$€£v#~"), is_fixed=True)
    if lower in _CALENDAR and (piece[0].isupper() or lower not in _FUNCTION):
        return Token(piece, lower, is_fixed=True)
    if lower in _DENIALS:
        return Token(piece, lower, denies=True, is_function=True)
    stem = _stem(lower)
    if (positive := _OPPOSITES.get(stem)) is not None:
        return Token(piece, simplest(positive), denies=True, is_function=positive == "do")
    if lower in _FUNCTION:
        return Token(piece, lower, is_function=True)
    named = (piece[0].isupper() and not begins) or any(letter.isupper() for letter in piece[1:])
    return Token(piece, simplest(piece), is_fixed=named or lower in _COLOURS)


def _with_roles(found: Sequence[Token]) -> Iterable[Token]:
    verb = next((place for place, token in enumerate(found) if _is_verb(token)), 0)
    role, about = Role.TOPIC, False
    for place, token in enumerate(found):
        lower = token.text.casefold()
        if lower in _TOPIC_PREPOSITIONS:
            role, about = Role.TOPIC, True
        elif lower in _VALUE_PREPOSITIONS:
            # In front of the verb, what is said of the subject tells which one is meant.
            role, about = (Role.TOPIC if place < verb else Role.VALUE), False
        if _is_verb(token):
            role, about = Role.VALUE, False
            yield replace(token, role=Role.VERB)
        elif _is_amount(token):
            yield replace(token, role=Role.TOPIC if about and place < verb else Role.VALUE)
        else:
            yield replace(token, role=role)


def _is_verb(token: Token) -> bool:
    return token.text.casefold() in _VALUE_VERBS or token.form in _VALUE_FORMS


def subject(sequence: Sequence[Token]) -> str | None:
    """The word a sentence is about: the last one of its subject, before what "of" or "for" adds to it."""
    head = None
    for token in sequence:
        if token.role is Role.VERB:
            return head
        if token.text.casefold() in _TOPIC_PREPOSITIONS | _VALUE_PREPOSITIONS and head is not None:
            return head
        if not token.is_function:
            head = token.form
    return None


def verb(sequence: Sequence[Token]) -> str | None:
    """The first verb that says something of the subject, in its simplest form; forms of "to be" are one."""
    form = next((token.form for token in sequence if token.role is Role.VERB), None)
    return "be" if form in _TO_BE else form


def sort_of(token: Token) -> str:
    """Whether a number, a day or month, a colour or a name: values of one sort can take each other's place."""
    if token.form in _CALENDAR:
        return "calendar"
    if token.form[:1].isdigit():
        return "number"
    return "colour" if token.form in _COLOURS else "name"


def _is_amount(token: Token) -> bool:
    return token.is_fixed and (token.form[:1].isdigit() or token.form in _CALENDAR)


def _stem(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("ly", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us", "is")):
            base = word[: -len(ending)] + instead
            if ending in ("ing", "ed") and len(base) > 3 and base[-1] == base[-2] and base[-1] not in "ls":
                base = base[:-1]
            return base.rstrip("e") if len(base) > 3 else base
    return word.rstrip("e") if len(word) > 3 else word


_OPPOSITES: Mapping[str, str] = {_stem(word): positive for word, positive in _OPPOSITE_WORDS.items()}
_VALUE_FORMS = frozenset(simplest(verb) for verb in _VALUE_VERBS)

MANIFOLD = frozenset(
    simplest(verb)
    for verb in _words(
        "like use have want take speak drive drink eat wear contain require support write study play read own accept "
        "need know see meet visit buy watch try learn include add offer sell teach love enjoy listen"
    )
)
"""Verbs of which several objects can be true at once, in their simplest forms."""
