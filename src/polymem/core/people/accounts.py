"""Accounts: who people are, their passwords, and the secrets that stand for a whole account."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from polymem.core.checks import check_name, check_page
from polymem.core.errors import Forbidden, InvalidInput, NotAuthenticated, NotFound, Rule, RuleBroken, TooLarge
from polymem.core.model import Page
from polymem.core.people import (
    AccountToken,
    Cascade,
    Organization,
    OrganizationRole,
    Principal,
    PrincipalKind,
    TokenPurpose,
    User,
    credentials,
)
from polymem.core.people.organizations import Organizations, check_organization_name
from polymem.core.people.ports import Mail, Mailer, PasswordHasher
from polymem.core.people.principals import account_of
from polymem.core.ports import Clock, Store

MIN_PASSWORD_CHARACTERS = 8
MAX_PASSWORD_BYTES = 1024
MAX_EMAIL_CHARACTERS = 254
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRules:
    """What the operator decides about accounts. `public_url` is where links lead, without a slash at the end."""

    open_registration: bool = False
    invitation_lifetime: timedelta = timedelta(hours=24)
    session_lifetime: timedelta = timedelta(days=30)
    reset_lifetime: timedelta = timedelta(hours=1)
    public_url: str = "http://127.0.0.1:8765"


class Accounts:
    """Makes accounts, lets people in, and ends accounts."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: Callable[[], str],
        organizations: Organizations,
        hasher: PasswordHasher,
        mailer: Mailer,
        rules: AccountRules,
    ) -> None:
        self._store = store
        self._people = store.people
        self._clock = clock
        self._new_id = new_id
        self._organizations = organizations
        self._hasher = hasher
        self._mailer = mailer
        self.rules = rules

    # --- making ------------------------------------------------------------------------------

    async def make(
        self, email: str, name: str, password: str, *, least_characters: int = MIN_PASSWORD_CHARACTERS
    ) -> User:
        """A new account, which belongs to nothing yet. Raises InvalidInput, RuleBroken (EMAIL_TAKEN).

        The verb of other verbs: `register` asks whether anybody may, `Invitations.register` for an invitation.
        """
        email = check_email(email)
        name = check_name("name", name).strip()
        check_password(password, least_characters)
        user = User(
            id=self._new_id(),
            email=email,
            name=name,
            password_hash=await self._hasher.hash(password),
            created_at=self._clock.now(),
        )
        await self._people.add_user(user)
        return user

    async def create(
        self, operator: Principal, email: str, name: str, password: str, *, organization: str | None = None
    ) -> tuple[User, Organization]:
        """What the operator's command does: an account with an organization of its own. Any password goes.

        Raises InvalidInput, RuleBroken (EMAIL_TAKEN).
        """
        organization = check_organization_name(organization or name)
        user = await self.make(email, name, password, least_characters=1)
        return user, (await self._organizations.found(operator, user, organization)).organization

    async def register(self, email: str, name: str, password: str, *, door: str = "") -> tuple[User, Organization]:
        """An account with an organization of its own, for anybody, where the operator allows that.

        Raises Forbidden, InvalidInput, RuleBroken (EMAIL_TAKEN).
        """
        if not self.rules.open_registration:
            raise Forbidden("This server takes new accounts by invitation only", action="account.register")
        check_organization_name(name)
        user = await self.make(email, name, password)
        principal = Principal(kind=PrincipalKind.USER, user=user, door=door)
        return user, (await self._organizations.found(principal, user, name)).organization

    # --- coming in ---------------------------------------------------------------------------

    async def authenticate(self, login: str, password: str) -> User:
        """The active account of this e-mail address or, failing that, the oldest of this name, if the password fits.

        Raises NotAuthenticated, which never tells whether there is such an account.
        """
        user = await self._people.user(email=login.strip())
        if user is None:
            user = next(iter(await self._people.users_named(login.strip())), None)
        fits = await self._hasher.verify(password, None if user is None else user.password_hash)
        if user is None or not fits or not user.active:
            raise NotAuthenticated("Unable to log in with these credentials")
        user = replace(user, last_login_at=self._clock.now())
        await self._people.put_user(user)
        return user

    async def open_session(self, user: User, name: str = "browser") -> tuple[AccountToken, str]:
        """A browser session and its secret, for a cookie."""
        return await self._issue(user, TokenPurpose.SESSION, credentials.SESSION, name, self.rules.session_lifetime)

    async def close_session(self, principal: Principal) -> bool:
        """Log out: end the session or account token of this very call. Whether there was one."""
        if principal.token is None:
            return False
        return await self._people.revoke_token(principal.token.user_id, principal.token.id, self._clock.now())

    async def create_token(
        self, user: User, name: str, *, expires_in: timedelta | None = None
    ) -> tuple[AccountToken, str]:
        """An account token and its secret, which is not kept. Older ones go on working. Raises InvalidInput."""
        check_name("name", name)
        if expires_in is not None and expires_in <= timedelta(0):
            raise InvalidInput("A token must expire in the future", field="expires_in_days")
        return await self._issue(user, TokenPurpose.BEARER, credentials.ACCOUNT_TOKEN, name, expires_in)

    async def tokens(self, principal: Principal) -> list[AccountToken]:
        """The account tokens of the caller that are not revoked, oldest first; never their secrets."""
        return await self._people.tokens(account_of(principal, itself=True).id, TokenPurpose.BEARER)

    async def revoke_token(self, principal: Principal, token_id: str) -> None:
        """End an account token or session of the caller's. Raises NotFound."""
        user = account_of(principal, itself=True)
        if not await self._people.revoke_token(user.id, token_id, self._clock.now()):
            raise NotFound("Token", token_id)

    async def _issue(
        self, user: User, purpose: TokenPurpose, kind: str, name: str, lifetime: timedelta | None
    ) -> tuple[AccountToken, str]:
        secret = credentials.new_secret(kind)
        now = self._clock.now()
        token = AccountToken(
            id=self._new_id(),
            user_id=user.id,
            purpose=purpose,
            name=name,
            prefix=credentials.prefix(secret),
            digest=credentials.digest(secret),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        await self._people.add_token(token)
        return token, secret

    # --- passwords ---------------------------------------------------------------------------

    async def change_password(self, principal: Principal, old: str, new: str) -> None:
        """Set another password; all other sessions end, account tokens go on. Raises NotAuthenticated, InvalidInput."""
        user = account_of(principal, itself=True)
        if not await self._hasher.verify(old, user.password_hash):
            raise InvalidInput("The present password is wrong", field="old_password")
        check_password(new)
        kept = None if principal.token is None else principal.token.id
        await self._set_password(user, new, but=kept)

    async def reset_link(self, user: User) -> str:
        """A link that sets a new password once, for the operator to pass on; mailed too where that is set up."""
        _, secret = await self._issue(user, TokenPurpose.RESET, credentials.RESET, "reset", self.rules.reset_lifetime)
        link = f"{self.rules.public_url}/reset-password/{secret}"
        text = f"Set a new password here:\n{link}\n\nIf you did not ask for this, you need not do anything.\n"
        await self._mailer.send(Mail(to=user.email, subject="A new password", text=text, link=link))
        return link

    async def reset_password(self, secret: str, new: str) -> User:
        """Set a new password by a reset link's secret, once; all sessions end.

        Raises NotAuthenticated, InvalidInput.
        """
        check_password(new)
        kept = await self._people.tokens_by_prefix(credentials.prefix(secret))
        token = credentials.matching((one for one in kept if one.purpose is TokenPurpose.RESET), secret)
        now = self._clock.now()
        user = None if token is None else await self._people.user(id=token.user_id)
        if (
            token is None
            or user is None
            or not user.active
            or (token.expires_at is not None and token.expires_at <= now)
        ):
            raise NotAuthenticated("This link is not valid any more; ask for another one")
        if not await self._people.revoke_token(user.id, token.id, now):
            raise NotAuthenticated("This link is not valid any more; ask for another one")
        await self._set_password(user, new, but=None)
        return user

    async def _set_password(self, user: User, new: str, *, but: str | None) -> None:
        hashed = await self._hasher.hash(new)
        await self._people.put_user(replace(user, password_hash=hashed))
        ended = (TokenPurpose.SESSION, TokenPurpose.RESET)
        await self._people.revoke_tokens(user.id, ended, self._clock.now(), but=but)

    # --- changing and ending -----------------------------------------------------------------

    async def rename(self, principal: Principal, name: str) -> User:
        """Call the account something else. Raises InvalidInput."""
        user = replace(account_of(principal, itself=True), name=check_name("name", name).strip())
        await self._people.put_user(user)
        return user

    async def delete(self, principal: Principal) -> Cascade:
        """End the caller's account with its tokens, keys, memberships and invitations; memories stay where they are.

        Raises RuleBroken (OWNS_ORGANIZATIONS, SOLE_ADMIN): nobody leaves people without someone in charge.
        """
        return await self.deactivate(account_of(principal, itself=True))

    async def deactivate(self, user: User) -> Cascade:
        """As `delete`, for the operator."""
        seats = await self._people.seats(user.id)
        owned = [seat.organization.name for seat in seats if seat.role is OrganizationRole.OWNER]
        if owned:
            raise RuleBroken(
                Rule.OWNS_ORGANIZATIONS,
                f"Cannot delete account. You are the owner of {len(owned)} organization(s): {', '.join(owned)}. "
                "Transfer ownership first.",
            )
        alone = [reach.project.name for reach in await self._people.sole_admin_of(user.id)]
        if alone:
            raise RuleBroken(
                Rule.SOLE_ADMIN,
                f"Cannot delete account. You are the sole admin of {len(alone)} project(s). "
                "Promote another admin first.",
            )
        return await self._people.deactivate_user(user.id, self._clock.now())

    async def find(self, login: str) -> User:
        """For the operator: the account of this address, id or name. Raises NotFound, InvalidInput (several)."""
        by_key = await self._people.user(email=login) or await self._people.user(id=login)
        if by_key is not None:
            return by_key
        named = await self._people.users_named(login)
        if len(named) > 1:
            raise InvalidInput(f"{len(named)} accounts are called {login}: give the e-mail address")
        if not named:
            raise NotFound("User", login)
        return named[0]

    async def page(self, limit: int = 50, offset: int = 0) -> Page[User]:
        """For the operator: a page of all accounts, oldest first."""
        check_page(limit, offset)
        return await self._people.users(limit, offset)


def check_email(email: str) -> str:
    """The address without blanks around it. Raises InvalidInput for what cannot be one."""
    address = email.strip()
    if len(address) > MAX_EMAIL_CHARACTERS:
        raise TooLarge(f"email is longer than {MAX_EMAIL_CHARACTERS} characters", field="email")
    if not _EMAIL.fullmatch(address):
        raise InvalidInput("email must be an e-mail address, like ana@example.org", field="email")
    return check_name("email", address)


def check_password(password: str, least_characters: int = MIN_PASSWORD_CHARACTERS) -> None:
    """Raises InvalidInput for a password that is too short or too long."""
    if len(password) < least_characters:
        raise InvalidInput(f"password must have at least {least_characters} characters", field="password")
    if len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        raise TooLarge(f"password is longer than {MAX_PASSWORD_BYTES} bytes", field="password")
