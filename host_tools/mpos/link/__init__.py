"""The phone's side of the link: messages, fragments, a client, and transports by name."""
