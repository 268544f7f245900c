"""Variants of a ranking profile, each with a part switched off: what the ablation tables compare."""

from collections.abc import Callable
from dataclasses import replace

from polymem.core.ranking import DEFAULT_PROFILE, Profile, Weights

_IN_CONTEXT = ("meaning", "words", "tokens")


def without(*names: str, profile: Profile = DEFAULT_PROFILE) -> Profile:
    """The profile in which these signals weigh nothing."""
    return _each(profile, lambda weights: replace(weights, **dict.fromkeys(names, 0.0)))


def without_neighbours(*names: str, profile: Profile = DEFAULT_PROFILE) -> Profile:
    """The profile in which these of meaning, words and tokens are the memory's own (all three, if none is named)."""
    return _each(profile, lambda weights: replace(weights, **_own(weights, names or _IN_CONTEXT)))


def only(*names: str, profile: Profile = DEFAULT_PROFILE) -> Profile:
    """The profile in which nothing else weighs anything."""
    return _each(
        profile,
        lambda weights: Weights(
            base=weights.base, **{"names": 0.0} | {name: getattr(weights, name) or 1.0 for name in names}
        ),
    )


def first_stage(profile: Profile = DEFAULT_PROFILE) -> Profile:
    """The ranking of memories without token vectors, for all."""
    return replace(profile, notes=profile.bare_notes, turns=profile.bare_turns)


def _own(weights: Weights, names: tuple[str, ...]) -> dict[str, float]:
    moved = {}
    for name in names:
        moved[name] = 0.0
        moved[f"own_{name}"] = getattr(weights, name) + getattr(weights, f"own_{name}")
    return moved


def _each(profile: Profile, change: Callable[[Weights], Weights]) -> Profile:
    return replace(
        profile,
        notes=change(profile.notes),
        turns=change(profile.turns),
        bare_notes=change(profile.bare_notes),
        bare_turns=change(profile.bare_turns),
    )
