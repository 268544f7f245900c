"""English words that carry no topic: left out of the keyword index and of queries."""

STOP_WORDS = frozenset(
    """
    a about above after again against ago all almost along already also although always am among an and another any
    anybody anyone anything are around as at away
    back be became because become been before being below between both but by
    came can cannot come could
    did do does doing done down during
    each either else enough even ever every everybody everyone everything
    far few first for from further
    gave get gets getting give given go goes going gone got gotten
    had has have having he her here hers herself him himself his how however
    i if in indeed instead into is it its itself
    just
    keep kept kind
    last least less let lets like likely
    made make makes many may maybe me mean might mine more most much must my myself
    neither never no nobody none nor not nothing now
    of off often oh on once one only onto or other others our ours ourselves out over own
    per perhaps please put
    quite
    rather really
    said same say says see seem seemed seems shall she should since so some somebody someone something sometimes
    somewhere soon still such
    take taken tell than that the their theirs them themselves then there these they thing things this those though
    through thus to together told too took toward towards
    under until up upon us
    very via
    want wants was way we well went were what whatever when whenever where wherever whether which while who whoever
    whole whom whose why will with within without would
    yeah yes yet you your yours yourself yourselves
    ain't ca eg etc ie ok okay sha wo
    """.split()
)
