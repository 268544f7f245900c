"""OAuth 2.1: this server is the authorization server and the resource server of its own memory.

The protocol's endpoints are the official SDK's; what they decide by (grants, rotation, audiences) is the core's.
"""
