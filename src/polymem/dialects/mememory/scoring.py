"""How mememory ranks: similarity × scope weight × weight × decay, as data in one place.

Similarity is the cosine of meaning (without a model, the match of words), the scope weight 1.0 for the project's own
memories and 0.8 for global ones. Decay is exp(-rate × days since the last change). The original has one rate for all
kinds, 0.005 a day, by which a rule of last year scores a sixth of one of today; here what is meant to last does not
fade.
"""

from polymem.core.ranking import ScopedProfile

USUAL_DECAY = 0.005
"""The original's rate: after 30 days 0.861, after a year 0.161. Facts, context, and kinds of other APIs."""

PROFILE = ScopedProfile(
    in_project=1.0,
    unassigned=0.8,
    usual_decay=USUAL_DECAY,
    decay={
        "rule": 0.0,
        "bootstrap": 0.0,
        "feedback": 0.0005,  # a correction still counts 0.83 after a year
        "decision": 0.001,  # 0.69 after a year
        "fact": USUAL_DECAY,
        "context": USUAL_DECAY,
    },
)
