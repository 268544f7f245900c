"""What of a text must not be lost when it is shortened: numbers, dates, names, code, decisions. Pure functions.

Rules rather than a model, and generous ones: a word too many that is kept costs little, and a number lost is lost.
Names are words with a capital; at the beginning of a sentence only those that are no everyday words of English.
"""

import re

_NUMBER_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty thirty forty fifty "
    "sixty seventy eighty ninety hundred thousand million billion half twice dozen"
)
_DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday january february april june july august september "
    "october november december today tomorrow yesterday tonight noon midnight"
)
_ITEM = re.compile(
    r"""
      (?P<code>`[^`\n]+`)
    | (?P<address>(?:https?://|www\.)[^\s<>"']+[^\s<>"'.,;:!?)\]]|[\w.+-]+@[\w-]+\.[\w.-]*\w)
    | (?P<identifier>
        (?<![\w/])~?(?:[\w.-]*/)+[\w.-]*\w      # paths
      | (?<!\S)--?[A-Za-z][\w-]*                # --options
      | \b\w+(?:_\w+)+\b                        # snake_case
      | \b[a-z]+(?:[A-Z][a-z0-9]*)+\b           # camelCase
      | \b[A-Za-z]\w*\(\)                       # calls()
      | \b\w+\.(?:py|js|ts|md|json|ya?ml|toml|sql|sh|go|rs|java|txt|csv|html|css|db|env|lock)\b
      )
    | (?P<number>[$€£¥#]?\b\d[\w.,:/%+-]*[\w%]|[$€£¥#]?\b\d%?)
    | (?P<word>[^\W\d_][\w'’-]*)
    """,
    re.VERBOSE,
)
_COUNTED = frozenset(_NUMBER_WORDS.split()) | frozenset(_DAYS.split())
_EVERYDAY = frozenset(
    """
    a about above actually after again all almost also although always am an and another any anyway are as at away back
    based basically be because been before being below besides best better between both but by call can check come
    could currently day did do does doing done don't each either else even ever every everyone everything except
    exactly finally first for from further generally get give go going good got great had has have having he hello help
    her here hey hi his hmm how however i i'd i'll i'm i've if in indeed instead into is isn't it it's its just keep
    know last later least less let let's like lol look lots make many maybe me meanwhile more most mostly much must my
    need never new next no none nope not note nothing now of off oh ok okay on once one only or other our out over
    perfect perhaps please possibly probably put rather really right same say see send set several shall she should
    since so some someone something sometimes soon sorry still such sure take than thank thanks that that's the their
    them then there there's these they they're thing things think this those though through thus to together too try
    under unless until up us use used using usually very want was we we'd we'll we're we've well were what what's when
    whenever where whether which while who whole whom whose why will with within without won't would wow yeah yep yes
    yet you you'd you'll you're you've your yours
    """.split()
)
_DECISION = re.compile(
    r"\b(?:decid\w+|decision\w*|agree[ds]?\b|agreement|approv\w+|reject\w+|chos\w+|choose\w*|settled?\b|confirm\w*|"
    r"cancel\w*|commit(?:ted|ment)\w*|deadline\w*|due\b|must\b|never\b|required?\b|let['’]?s\b|go(?:ing)? with|"
    r"we(?:['’]ll| will)|i(?:['’]ll| will)|action items?|to-?do|promis\w+|plan(?:ned|s)? to|instead of|no longer|"
    r"switch\w* to|moved? to|prefer\w*|resolved?\b|conclu\w+)",
    re.IGNORECASE,
)
_PLEASANTRY = re.compile(
    r"(?:hi|hello|hey|thanks|thank you|thx|cheers|ok|okay|sure|great|cool|nice|awesome|perfect|got it|sounds good|"
    r"no problem|you['’]re welcome|bye|goodbye|see you|good (?:morning|afternoon|evening|night)|how are you|lol|haha|"
    r"hmm+|oh|wow|alright|absolutely|of course|makes sense|i see)\b",
    re.IGNORECASE,
)
_MOST_WORDS_OF_A_PLEASANTRY = 7
_LEADING_FILLER = re.compile(
    r"^(?:(?:well|so|um+|uh+|erm?|hmm+|oh|like|you know|i mean|basically|actually|honestly|anyway|okay so|ok so"
    r"|right so|i (?:guess|think|believe|suppose)(?: that)?|to be honest|as i said)\b[,\s]+)+",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r",?\s+\b(?:you know|i mean|i guess|sort of|kind of|to be honest|basically|honestly|literally)\b,?(?=\s|[.!?])"
    r"|\s+\b(?:really|very|just|actually|quite|um+|uh+)\b(?=\s\w)",
    re.IGNORECASE,
)


def salient(text: str) -> frozenset[str]:
    """The numbers, dates, names and pieces of code of a text, each as it is to be looked for in a shorter one."""
    found = set()
    start = True
    for item in _ITEM.finditer(text):
        kind, value = item.lastgroup, item[0]
        if kind == "word":
            if _counts(value, at_start=start):
                found.add(_bare(value))
        else:
            found.add(value.strip("`").rstrip(".,:;-"))
        start = text[item.end() : item.end() + 3].lstrip("\"'”’)")[:1] in set(".!?:。！？\n")
    return frozenset(item for item in found if item)


def _bare(word: str) -> str:
    return re.sub(r"['’]s?$", "", word)


def _counts(word: str, *, at_start: bool) -> bool:
    lower = word.lower().replace("’", "'")
    if lower in _COUNTED:
        return True
    if not word[0].isupper():
        return False
    if len(word) > 1 and word.isupper():
        return lower not in _EVERYDAY
    return lower not in _EVERYDAY if at_start else lower not in ("i", "i'm", "i'd", "i'll", "i've")


def missing(original: frozenset[str], text: str) -> frozenset[str]:
    """Those items that do not stand in `text`, whatever their case."""
    folded = text.casefold().replace("’", "'")
    return frozenset(item for item in original if item.casefold().replace("’", "'") not in folded)


def is_decision(text: str) -> bool:
    """Whether something is decided, agreed, promised or ruled out."""
    return _DECISION.search(text) is not None


def is_pleasantry(text: str) -> bool:
    """Whether a sentence is there for politeness only: it has few words, and nothing salient."""
    return (
        _PLEASANTRY.match(text.strip()) is not None
        and len(text.split()) <= _MOST_WORDS_OF_A_PLEASANTRY
        and not salient(text)
        and not is_decision(text)
    )


def tightened(text: str) -> str:
    """The sentence without words that fill pauses. None of them is salient."""
    short = _FILLER.sub("", _LEADING_FILLER.sub("", text.strip())).strip()
    if not short or salient(text) - salient(short):
        return text.strip()
    return short[0].upper() + short[1:] if text.strip()[0].isupper() else short
