"""Things of one kind, of which a text usually names the one that holds: what is a database, what a test runner. Pure.

Two texts that say the same of two of them disagree, however far apart a model takes the names to be. Only kinds are
here of which one place mostly has one; a project that has two of them is told so as a conflict that is none.
"""

from collections.abc import Iterable, Mapping

from polymem.core.conflicts.lexicon import simplest

_KINDS: tuple[tuple[str, str], ...] = (
    # the kind's own words; its members
    ("database db storage persistence datastore",
     "postgresql postgres mysql mariadb sqlite oracle mongodb cassandra dynamodb cockroachdb duckdb couchdb firestore"),
    ("queue broker messaging", "kafka rabbitmq nats sqs pulsar activemq"),
    ("package dependency", "npm pnpm yarn bun"),
    ("package dependency", "pip uv poetry pipenv conda pdm"),
    ("test testing", "pytest unittest nose"),
    ("test testing", "jest vitest mocha jasmine karma"),
    ("browser test testing", "playwright cypress selenium puppeteer"),
    ("frontend ui framework", "react vue angular svelte solidjs ember"),
    ("backend web framework", "django flask fastapi"),
    ("backend web framework", "express nestjs koa hapi"),
    ("bundler build", "webpack vite rollup esbuild parcel turbopack"),
    ("ci pipeline", "jenkins circleci travis buildkite teamcity gitlab github"),
    ("issue ticket tracker board", "jira linear asana trello youtrack"),
    ("chat", "slack discord mattermost zulip"),
    ("cloud hosting provider", "aws azure gcp hetzner digitalocean heroku vercel netlify"),
    ("orchestration cluster", "kubernetes nomad swarm ecs"),
    ("editor ide", "vscode vim neovim emacs intellij pycharm zed sublime"),
    ("os system", "macos windows linux"),
    ("distribution", "ubuntu debian fedora alpine archlinux centos"),
    ("design", "figma sketch penpot"),
    ("mail email", "mailgun sendgrid postmark mailchimp"),
    ("error", "sentry rollbar bugsnag"),
    ("linter lint", "ruff flake8 pylint eslint biome"),
    ("formatter format", "black ruff yapf prettier"),
    ("proxy web server", "nginx apache caddy traefik haproxy"),
    ("licence license", "mit apache gpl agpl bsd mpl"),
    ("indentation indent", "tab space"),
    ("mode theme", "dark light"),
    ("diet", "vegetarian vegan pescatarian omnivore"),
    ("secret", "vault doppler infisical"),
    ("infrastructure", "terraform pulumi cloudformation ansible"),
    ("orm", "sqlalchemy peewee prisma typeorm hibernate"),
)  # fmt: skip


def _by_member() -> Mapping[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for number, (_, members) in enumerate(_KINDS):
        for member in members.split():
            form = simplest(member)
            found[form] = found.get(form, frozenset()) | {number}
    return found


_KINDS_OF = _by_member()
_OWN_WORDS = tuple(frozenset(map(simplest, words.split())) for words, _ in _KINDS)
_MEMBERS = tuple(tuple(dict.fromkeys(members.split())) for _, members in _KINDS)


def kinds_of(forms: Iterable[str]) -> frozenset[int]:
    """The kinds of which one of these words, in its simplest form, names a member."""
    return frozenset(kind for form in forms for kind in _KINDS_OF.get(form, ()))


def own_words(kinds: Iterable[int]) -> frozenset[str]:
    """The words of these kinds themselves ("database", "storage"), in their simplest forms."""
    return frozenset(form for kind in kinds for form in _OWN_WORDS[kind])


def members(kinds: Iterable[int]) -> tuple[str, ...]:
    """All members of these kinds."""
    return tuple(dict.fromkeys(member for kind in sorted(kinds) for member in _MEMBERS[kind]))
