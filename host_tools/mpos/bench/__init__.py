"""The simulated world around a reader: radio, contactless chip and cards, each below the driver it talks to."""
