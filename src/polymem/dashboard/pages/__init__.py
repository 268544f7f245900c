"""The pages, a module each, with `async def build(visit, **parameters)`; `navigation.ENTRIES` names them."""
