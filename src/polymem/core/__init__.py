"""What polymem is: keeping memories and finding them again, in words of its own.

`Core` is the one object every door holds. Nothing here knows of HTTP, SQL, files or the environment;
the world comes in through the protocols in `ports`.
"""

from collections.abc import Callable

from polymem.core.agents.agents import Agents
from polymem.core.chains import Chains
from polymem.core.conflicts.conflicts import Conflicts
from polymem.core.conflicts.detection import Detector
from polymem.core.conflicts.judging import ChatJudge
from polymem.core.context.context import Context
from polymem.core.digest.compression import Compression
from polymem.core.digest.digest import Digest
from polymem.core.digest.extraction import Extractions
from polymem.core.digest.facts import Facts
from polymem.core.digest.ports import Chat, Extractor
from polymem.core.exchange.transfer import Transfer
from polymem.core.history.judgements import Judgements
from polymem.core.history.timeline import Timeline
from polymem.core.memories import Memories
from polymem.core.overview import Overview
from polymem.core.people import Scope
from polymem.core.people.absent import FirstSentences, NoLimits, NoMail, NoPasswords
from polymem.core.people.accounts import AccountRules, Accounts
from polymem.core.people.audit import Audit
from polymem.core.people.grants import Grants
from polymem.core.people.invitations import Invitations
from polymem.core.people.keys import Keys
from polymem.core.people.notices import Noticeboard
from polymem.core.people.organizations import Organizations
from polymem.core.people.ports import Mailer, PasswordHasher, RateLimiter
from polymem.core.people.principals import Access
from polymem.core.people.teams import Teams
from polymem.core.people.tenancy import Projects
from polymem.core.ports import Clock, Embedder, Stats, Store
from polymem.core.recall import Recall
from polymem.core.reindex import Reindex
from polymem.core.retention import Retention
from polymem.core.work.transfer import WorklogTransfer
from polymem.core.work.worklog import Worklog


class Core:
    """The verbs of the product, grouped: `memories`, `recall`, `projects`, `access`, `transfer`, `reindex`, and of the
    work on a project: `worklog`, `context`.

    Of people: `accounts`, `organizations`, `teams` (projects and their members), `keys`, `grants`, `invitations`,
    `notices`, `audit`. These take a `Principal`, which `access.principal_of` makes of a secret; the others take a
    `Scope`, which `access.scope_for` makes of a principal. `limiter` counts calls for doors that limit them.

    `local` is the scope of callers without a credential, None where everybody must present one.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        clock: Clock,
        new_id: Callable[[], str],
        local: Scope | None,
        *,
        hasher: PasswordHasher | None = None,
        mailer: Mailer | None = None,
        limiter: RateLimiter | None = None,
        account_rules: AccountRules | None = None,
        chat: Chat | None = None,
        extractor: Extractor | None = None,
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.clock = clock
        self.local = local
        self.projects = Projects(store, clock, new_id)
        detector = Detector(store, clock, new_id, None if chat is None else ChatJudge(chat))
        self.memories = Memories(store, embedder, clock, self.projects, new_id, detector)
        self.chains = Chains(store, clock)
        self.retention = Retention(store, self.memories, clock)
        self.conflicts = Conflicts(store, self.memories, self.chains, clock, embedder, detector)
        self.recall = Recall(store, embedder, clock)
        self.timeline = Timeline(store, clock)
        self.overview = Overview(store, clock)
        self.judgements = Judgements(store, clock)
        extractor = extractor or FirstSentences()
        self.digest = Digest(self.memories, self.recall, embedder, extractor, chat)
        self.compression = Compression(embedder, extractor, chat)
        self.extractions = Extractions(chat)
        self.facts = Facts(chat)
        self._chat = chat
        self.worklog = Worklog(store.work, clock, self.projects, new_id)
        self.context = Context(store, embedder, clock, self.projects, self.recall, self.worklog)
        self.access = Access(store, clock, new_id, local)
        self.agents = Agents(store, clock, self.projects, self.memories)
        self._join_people(store, clock, new_id, hasher or NoPasswords(), mailer or NoMail(), account_rules)
        self.limiter: RateLimiter = limiter or NoLimits()
        worklog = WorklogTransfer(self.worklog, self.projects)
        self.transfer = Transfer(store, self.memories, self.chains, clock, worklog)
        self.reindex = Reindex(store, embedder)

    def _join_people(
        self,
        store: Store,
        clock: Clock,
        new_id: Callable[[], str],
        hasher: PasswordHasher,
        mailer: Mailer,
        account_rules: AccountRules | None,
    ) -> None:
        rules = account_rules or AccountRules()
        self.audit = Audit(store, clock, new_id, self.access)
        self.notices = Noticeboard(store, clock, new_id)
        self.organizations = Organizations(store, clock, new_id, self.access, self.audit, self.notices)
        self.teams = Teams(store, clock, new_id, self.access, self.audit, self.notices)
        self.keys = Keys(store, clock, self.access, self.audit)
        self.grants = Grants(store, clock, new_id, self.access, self.audit)
        self.accounts = Accounts(store, clock, new_id, self.organizations, hasher, mailer, rules)
        self.invitations = Invitations(
            store, clock, new_id, self.access, self.audit, self.notices, self.accounts, mailer, rules
        )

    async def stats(self, scope: Scope) -> Stats:
        """Counts of what the scope can see."""
        return await self.store.stats(scope, self.clock.now(), self.embedder.model)

    async def close(self) -> None:
        """Finishes what is under way and lets go of the store and the model."""
        await self.recall.close()
        await self.agents.settle()
        if self._chat is not None:
            await self._chat.close()
        await self.embedder.close()
        await self.limiter.close()
        await self.store.close()
