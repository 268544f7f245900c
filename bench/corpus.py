"""Texts, questions and vectors for corpora larger than anybody would want to embed.

The texts are made of sentence patterns and word lists. Words are drawn unevenly, as in real text: a few are in
every tenth memory, most in a handful, and names and ticket numbers in one or two. Six of ten memories are turns
of a conversation (a container, a speaker, a date), the others are notes.

Embedding 100,000 of them would take minutes and change nothing in how long a search takes, so only the first
texts are embedded for real; the others get the vector of one of these (one made of the same sentence pattern
where there is one) with noise added, which leaves a cosine of about 0.8 to it.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

TURNS_PER_CONVERSATION = 20
COSINE_TO_TEMPLATE = 0.8

_FIRST = """Ann Ben Carla Dev Elena Farid Grace Hugo Ines Jonas Kira Liam Mona Nico Olga Pablo Quinn Rosa Sven Tara
Umar Vera Wim Xenia Yusuf Zoe Marta Oskar Priya Tomas""".split()
_PLACES = """Lisbon Oslo Kyoto Denver Porto Ghent Tallinn Quito Dakar Perth Leeds Turin Bergen Austin Lyon Riga Hanoi
Cusco Split Malmö Naples Basel Galway Izmir Utrecht""".split()
_PLACES += "the office|the lake|the library|the harbour|the old mill|the gym|the market|the clinic".split("|")
_THINGS = """guitar bicycle tent camera sourdough telescope kayak sweater bookshelf puzzle drone keyboard novel
painting suitcase lamp violin teapot skateboard backpack microscope blanket notebook printer headset aquarium
garden mattress fence scarf""".split()
_ACTIVITIES = """hiking painting climbing baking swimming knitting gardening running chess yoga fishing dancing
photography sailing cycling pottery camping archery singing astronomy karate volunteering surfing woodworking""".split()
_FOODS = """ramen lentils risotto pancakes tofu olives cheesecake curry dumplings mango almonds salmon rhubarb
mushrooms oysters gnocchi falafel lemonade cardamom peanuts""".split()
_SYSTEMS = """billing scheduler gateway importer dashboard indexer mailer parser backup search login payments export
crawler webhook cache queue proxy registry uploader""".split()
_TOOLS = """Postgres Redis Kafka Docker Terraform Grafana Nginx SQLite Ansible Jenkins Kubernetes Vault Prometheus
Celery GraphQL TypeScript Rust Python Elixir React""".split()
_FAULTS = """timeout deadlock leak crash regression outage race overflow mismatch stall duplicate corruption""".split()
_FEELINGS = "happy worried tired proud curious nervous relieved excited bored grateful calm annoyed".split()
_RELATIONS = "sister brother neighbour mother boss cousin teacher friend colleague doctor uncle coach".split()
_WHEN = """yesterday|last week|on Monday|this morning|two days ago|last summer|on Friday evening|next month|tomorrow|
in March|in October|before Christmas|over the weekend|after work|for ten years|since May""".replace("\n", "").split("|")
_SYLLABLES = "ka ro mi len tor vas eli dun par sio bre nok ta wen fi gal hus jor lin zet mar ond pik quel ras".split()

_SENTENCES = (
    "I went {activity} with my {relation} {first} near {place} {when}.",
    "My {relation} gave me a {thing} from {place}, and I was so {feeling}!",
    "{first} is allergic to {food}, so we cooked {food} instead {when}.",
    "Did you hear that {first} {surname} moved to {place} {when}?",
    "The {system} {fault} was fixed by upgrading {tool} to {version} ({ticket}).",
    "We decided to use {tool} instead of {tool} for the {system} because of the {fault} in {ticket}.",
    "{first} {surname} owns the {system} and wants {ticket} done {when}.",
    "I have been learning {activity} {when}, it makes me {feeling}.",
    "The meeting with {surname} about the {system} is {when} at {number} o'clock.",
    "{first}'s favourite dish is {food} with {food}, the way they make it in {place}.",
    "I lost my {thing} in {place} and bought a new one for {number} euros.",
    "Never deploy the {system} on Fridays: the last {fault} took {number} hours to find.",
    "{first} prefers {activity} to {activity} and always feels {feeling} afterwards.",
    "We are planning a trip to {place} {when}; {first} will bring the {thing}.",
    "The password of the {system} staging server is rotated every {number} days by {surname}.",
    "My {relation} started {activity} classes in {place}, {number} people joined {when}.",
    "The report by {surname} says that {tool} handles {number} requests a second behind the {system}.",
    "Yesterday {first} painted the {thing} and {first} repaired the {thing}.",
    "I'm {feeling} about the {thing} contest in {place}, {first} won it {when}.",
    "Our {system} stores its state in {tool}; see {ticket} for the {fault} it had {when}.",
    "Could you send {first} the recipe for {food}? She asked {when}.",
    "{surname} & Sons in {place} repaired my {thing} {when} for {number} euros.",
    "The tests of the {system} need {tool} {version} and fail with a {fault} otherwise.",
    "What a day! {activity} at {place}, then {food} with {first} and the whole {surname} family.",
)  # fmt: skip

_QUESTIONS = (
    "When did {first} go {activity} near {place}?",
    "Who gave {first} the {thing} from {place}?",
    "What is {first} {surname} allergic to?",
    "Which version of {tool} fixed the {system} {fault}?",
    "Why did we choose {tool} instead of {tool} for the {system}?",
    "Who owns the {system} and ticket {ticket}?",
    "When is the meeting with {surname} about the {system}?",
    "How much did the new {thing} from {place} cost?",
    "What does {first} like to eat in {place}?",
    "How many hours did the {fault} in the {system} take {first} to find?",
    "What did {first} {surname} repair in {place}?",
    "Where does the {system} store its state since the {fault}?",
)


@dataclass(frozen=True, slots=True)
class Text:
    """One memory to be. `pattern` tells which texts are alike."""

    content: str
    pattern: int
    container: str | None
    occurred_at: datetime | None


def texts(count: int, seed: int = 1) -> list[Text]:
    """That many texts, the same for the same seed."""
    rng = random.Random(seed)
    made: list[Text] = []
    conversation = 0
    while len(made) < count:
        if rng.random() < 0.6 / (0.6 + 0.4 * TURNS_PER_CONVERSATION):
            conversation += 1
            made += _conversation(rng, f"conversation-{conversation}")
        else:
            pattern, sentences = _sentences(rng, 1, 3)
            made.append(Text(sentences, pattern, None, None))
    return made[:count]


def questions(count: int, seed: int = 2) -> list[str]:
    """That many different questions, so that no cache of queries helps."""
    rng = random.Random(seed)
    asked: dict[str, None] = {}
    while len(asked) < count:
        question = rng.choice(_QUESTIONS).format_map(_Slots(rng))
        if question in asked:
            question = f"{question[:-1]} in {rng.randrange(1990, 2030)}?"
        asked[question] = None
    return list(asked)


def vectors(texts: Sequence[Text], real: Vectors, seed: int = 3) -> Iterator[Vectors]:
    """A unit vector for each text, shape (dimensions,): the first ones `real`, the others alike.

    `real` has the embeddings of the first `len(real)` texts as rows.
    """
    rng = np.random.default_rng(seed)
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for index, text in enumerate(texts[: len(real)]):
        alike[text.pattern].append(index)
    noise_length = np.sqrt(1 / COSINE_TO_TEMPLATE**2 - 1)
    for index, text in enumerate(texts):
        if index < len(real):
            yield real[index]
            continue
        candidates = alike[text.pattern] or range(len(real))
        template = real[candidates[int(rng.integers(len(candidates)))]]
        noise = rng.standard_normal(len(template), dtype=np.float32)
        noisy = template + noise * (noise_length / np.linalg.norm(noise))
        yield (noisy / np.linalg.norm(noisy)).astype("<f4")


def _conversation(rng: random.Random, container: str) -> Iterator[Text]:
    speakers = rng.sample(_FIRST, 2)
    at = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(2 * 365 * 24 * 60))
    for turn in range(TURNS_PER_CONVERSATION):
        pattern, sentences = _sentences(rng, 1, 2)
        yield Text(f"{speakers[turn % 2]}: {sentences}", pattern, container, at)


def _sentences(rng: random.Random, least: int, most: int) -> tuple[int, str]:
    patterns = [rng.randrange(len(_SENTENCES)) for _ in range(rng.randint(least, most))]
    return patterns[0], " ".join(_SENTENCES[pattern].format_map(_Slots(rng)) for pattern in patterns)


class _Slots(dict[str, str]):
    """Fills each slot of a pattern with a word drawn when it is met."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    def __getitem__(self, slot: str) -> str:
        rng = self._rng
        match slot:
            case "surname":
                return "".join(rng.choices(_SYLLABLES, k=3)).capitalize()
            case "number":
                return str(rng.randrange(2, 1000))
            case "version":
                return f"{rng.randrange(1, 20)}.{rng.randrange(40)}"
            case "ticket":
                return f"PM-{rng.randrange(100_000)}"
            case _:
                words = _WORDS[slot]
                # The square makes the first words of a list frequent and the last ones rare.
                return words[int(len(words) * rng.random() ** 2)]


_WORDS = {
    "first": _FIRST,
    "place": _PLACES,
    "thing": _THINGS,
    "activity": _ACTIVITIES,
    "food": _FOODS,
    "system": _SYSTEMS,
    "tool": _TOOLS,
    "fault": _FAULTS,
    "feeling": _FEELINGS,
    "relation": _RELATIONS,
    "when": _WHEN,
}
