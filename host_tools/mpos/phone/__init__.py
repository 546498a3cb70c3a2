"""The phone app: it chooses, forwards, confirms and keeps the receipt. It holds no key and sees no card data."""
