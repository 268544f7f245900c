"""English words that carry no topic: left out of the keyword index, of token vectors and of queries.

Function words, and a few that fill every conversation. A longer list of vague words ("first", "many", "thing",
"keep", …) found less on LoCoMo; "may" is left in because it is also a month.
"""

STOP_WORDS = frozenset(
    """
    a an the this that these those such
    i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself
    we us our ours ourselves they them their theirs themselves
    what which who whom whose when where why how whatever whoever whichever
    am is are was were be been being have has had having do does did doing done
    can could will would shall should might must cannot ought
    and but or nor if because as until while although though whether unless than so
    of at by for with about against between into through during before after above below to from up down in out on
    off over under upon onto via per without within toward towards
    again further then once here there all any both each few more most other some no not only own same too very
    just also really now oh yeah yes ok okay
    get gets got
    ain't ca don't sha wo eg etc ie
    """.split()
)
