"""What the front server hosts: so far the key service of the sessions."""
