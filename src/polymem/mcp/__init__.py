"""The door for models' clients: tools, resources and prompts of the Model Context Protocol, straight over the core.

    stdio    `polymem mcp`: a front that answers what needs no memory, and the SDK's server once something does
    HTTP     `Door`: one ASGI application for /mcp, which loads the SDK with the first request

What a client sees is data in `toolsets`: it is told before anything heavy is loaded. What a call does is in the
`calls` module beside it, loaded with the first call.
"""
